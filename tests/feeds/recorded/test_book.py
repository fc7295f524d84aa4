"""Recorded quotes answer as the source they were recorded from, and say so when they cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, DataError
from engine.options.combo import Combo
from engine.options.contract import Contract, Leg, Right, Stock
from feeds.model import ModelQuotes
from feeds.recorded.book import RecordedQuotes
from feeds.store.store import QuoteStore
from scripts.synth_quotes import snapshots
from tests.feeds.recorded.conftest import MINUTE, book_of


def both(model: ModelQuotes, recorded: RecordedQuotes, bar: int) -> None:
    recorded.move(bar)
    assert model.bar == bar


def spread(model: ModelQuotes, bar: int, ahead: int, offset: int, width: int, right: Right) -> Combo:
    model.move(bar)
    product, expiry = model.products["SPX"], model.expiry("SPX", ahead)
    assert expiry is not None
    strike = 5.0 * (round(model.spot("SPX") / 5.0) + offset)
    return Combo(
        (
            Leg(Contract(product, expiry, strike, right), -1),
            Leg(Contract(product, expiry, strike + 5.0 * width, right), 1),
        ),
        "vertical",
    )


@settings(max_examples=60, deadline=None)
@given(
    bar=st.integers(1, 2 * 390 - 12),
    ahead=st.integers(0, 1),
    offset=st.integers(-25, 25),
    width=st.sampled_from([-6, -1, 1, 4]),
    right=st.sampled_from(list(Right)),
)
def test_combo_is_quoted_as_it_was_recorded(
    model: ModelQuotes, recorded: RecordedQuotes, bar: int, ahead: int, offset: int, width: int, right: Right
) -> None:
    combo = spread(model, bar, ahead, offset, width, right)
    both(model, recorded, bar)
    expected, got = model.quote(combo), recorded.quote(combo)
    assert expected is not None and got is not None
    assert got.bid == pytest.approx(expected.bid, abs=1e-9)
    assert got.ask == pytest.approx(expected.ask, abs=1e-9, nan_ok=True)
    assert got.size == expected.size
    np.testing.assert_allclose(recorded.legs(combo), model.legs(combo), atol=1e-9)
    assert recorded.source(combo) == "recorded"


@pytest.mark.parametrize(("bar", "offset"), [(60, -6), (200, -4), (330, 3)])
def test_delta_from_recorded_prices_is_near_the_models(
    model: ModelQuotes, recorded: RecordedQuotes, bar: int, offset: int
) -> None:
    combo = spread(model, bar, 0, offset, -4, Right.PUT)
    both(model, recorded, bar)
    expected, got = model.quote(combo), recorded.quote(combo)
    assert expected is not None and got is not None
    assert got.delta == pytest.approx(expected.delta, abs=0.02)


@settings(max_examples=30, deadline=None)
@given(start=st.integers(10, 700), length=st.integers(1, 380), offset=st.integers(-15, 15))
def test_path_and_exit_agree_with_single_bars(
    model: ModelQuotes, recorded: RecordedQuotes, start: int, length: int, offset: int
) -> None:
    combo = spread(model, start, 0, offset, -2, Right.PUT)
    stop = min(start + length, model.tape.last_bar_of_day(start) + 1)
    bid, ask, mid = recorded.mark_path(combo, start, stop)
    want = model.mark_path(combo, start, stop)
    for one, two in zip((bid, ask, mid), want, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-9)
    level = float(np.median(bid))
    assert recorded.first_exit(combo, start, stop, level + 0.5, level - 0.5) == model.first_exit(
        combo, start, stop, level + 0.5, level - 0.5
    )


def test_chain_gives_back_prices_forward_and_volatility(model: ModelQuotes, recorded: RecordedQuotes) -> None:
    both(model, recorded, 150)
    expiry = model.expiry("SPX", 0)
    assert expiry is not None
    want, got = model.chain("SPX", expiry), recorded.chain("SPX", expiry)
    assert got.forward == pytest.approx(want.forward, abs=0.3)
    assert got.atm_iv() == pytest.approx(want.atm_iv(), rel=0.03)
    assert got.straddle() == pytest.approx(want.straddle(), rel=0.03)
    common, i, j = np.intersect1d(
        got.side(Right.PUT).strike, want.side(Right.PUT).strike, return_indices=True
    )
    assert len(common) > 60
    np.testing.assert_allclose(got.side(Right.PUT).ask[i], want.side(Right.PUT).ask[j], atol=1e-9)
    assert not np.isnan(got.ask).any()


def test_lines_follow_the_recorded_quotes(model: ModelQuotes, recorded: RecordedQuotes) -> None:
    made, want = recorded.with_lines()["SPX"], model.with_lines()["SPX"]
    first_two = slice(5, 2 * 390 - 60)
    whole = made.lines["atm_iv"][first_two] / want.lines["atm_iv"][first_two]
    inside = np.isfinite(whole)
    assert inside.mean() > 0.9
    assert np.median(whole[inside]) == pytest.approx(1.0, abs=0.02)
    assert np.isnan(made.lines["atm_iv"][2 * 390 :]).all()
    again = recorded.with_lines()["SPX"]
    np.testing.assert_array_equal(made.lines["atm_iv"], again.lines["atm_iv"])
    assert any("recorded on 2 of 3 sessions" in note for note in made.notes)


def test_day_that_was_not_recorded_has_no_quotes_unless_mixed(
    model: ModelQuotes, recorded: RecordedQuotes, store: QuoteStore
) -> None:
    bar = 2 * 390 + 100
    combo = spread(model, bar, 0, -4, -2, Right.PUT)
    both(model, recorded, bar)
    assert recorded.expiry("SPX", 0) is None
    assert recorded.quote(combo) is None
    with pytest.raises(DataError, match="not recorded on 2018-02-07"):
        recorded.chain("SPX", combo.options[0][0].expiry)
    mixed = book_of(store, model, mix=True)
    mixed.move(bar)
    assert mixed.source(combo) == "model"
    assert mixed.quote(combo) == model.quote(combo)
    assert mixed.expiry("SPX", 0) == model.expiry("SPX", 0)
    mixed.move(100)
    assert mixed.source(spread(model, 100, 0, -4, -2, Right.PUT)) == "recorded"
    # a strike the recording does not list is not made up on a day it has
    assert mixed.quote(spread(model, 100, 0, -180, -2, Right.PUT)) is None


def test_old_quotes_are_not_believed(model: ModelQuotes, tmp_path: Path) -> None:
    store = QuoteStore.create(tmp_path / "store")
    table = snapshots(model, "SPX", 0, 0, 40)
    assert table is not None
    gap = model.tape.stamp[120]
    stamp = table["stamp"].cast("int64")
    silent = pc.and_(pc.greater(stamp, int(gap)), pc.less_equal(stamp, int(gap) + 5 * MINUTE))
    with store.batch({}) as batch:
        batch.write("SPX", model.tape.grid.dates[0], table.filter(pc.invert(silent)))
    combo = spread(model, 120, 0, -3, -2, Right.PUT)
    patient, strict = book_of(store, model, max_age=10 * MINUTE), book_of(store, model, max_age=MINUTE)
    seen: dict[str, list[float | None]] = {}
    for name, book in (("patient", patient), ("strict", strict)):
        seen[name] = []
        for bar in range(120, 128):
            book.move(bar)
            quote = book.quote(combo)
            seen[name].append(None if quote is None else quote.bid)
    assert [bid is None for bid in seen["strict"]] == [False, False, True, True, True, True, False, False]
    assert all(bid is not None for bid in seen["patient"])
    assert seen["patient"][3] == seen["patient"][0]


def test_shares_trade_at_the_models_spread(model: ModelQuotes, recorded: RecordedQuotes) -> None:
    shares = Combo((Leg(Stock(model.products["SPX"]), 1),), "shares")
    both(model, recorded, 77)
    assert recorded.quote(shares) == model.quote(shares)
    assert recorded.source(shares) == "model"


def test_store_without_the_symbol_is_refused(model: ModelQuotes, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no SPX quotes from 2018-02-05 to 2018-02-07"):
        book_of(QuoteStore.create(tmp_path / "empty"), model)


@pytest.mark.parametrize("factor", [0.1, 0.95, 1.05])
def test_bars_of_another_level_than_the_quotes_are_refused(
    store: QuoteStore, model: ModelQuotes, factor: float
) -> None:
    bars = {"SPX": model.bars["SPX"].scaled(factor, "SPX")}
    book = RecordedQuotes(store, bars, model.products, ModelQuotes(bars, model.products), MINUTE, False)
    with pytest.raises(
        DataError, match=r"on 2018-02-05 they tell SPX at .* where the bars have .* not adjusted"
    ):
        book.check()
