"""The model's quote book: its answers agree, never read ahead, and could stand in a market."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.options.combo import Combo, call_spread, covered, iron_condor, put_spread
from engine.options.contract import Contract, Leg, Right
from engine.options.pricing import black_price
from engine.options.ticks import tick_size
from feeds.model import SIZE, ModelQuotes, ModelSettings
from feeds.smile import slices, smile1
from tests.feeds.quoted import DAYS, at, book, universe, walk

BARS = walk()
QUOTES = book(BARS)
SPX = universe()["SPX"]


def condor(day: int = 2, away: float = 30.0, width: float = 5.0, middle: float | None = None) -> Combo:
    spot = BARS.close[at(BARS, day, 660)] if middle is None else middle
    low, high = 5.0 * round((spot - away) / 5.0), 5.0 * round((spot + away) / 5.0)
    return iron_condor(SPX, DAYS[day], low - width, low, high, high + width)


def single(strike: float, right: Right, expiry: date = DAYS[2]) -> Combo:
    return Combo((Leg(Contract(SPX, expiry, strike, right), 1),), "long option")


def same(left: float, right: float) -> bool:
    return left == right or (np.isnan(left) and np.isnan(right))


# one kernel ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    day=st.integers(1, 5),
    minute=st.integers(571, 780),
    ahead=st.integers(0, 3),
    away=st.floats(0.0, 150.0),
    premium=st.sampled_from([0.0, 0.08]),
)
def test_quote_legs_chain_and_path_give_the_same_prices(
    day: int, minute: int, ahead: int, away: float, premium: float
) -> None:
    quotes = QUOTES if premium else FAIR
    bar = at(BARS, day, minute)
    quotes.move(bar)
    expiry = quotes.expiry("SPX", ahead)
    assert expiry is not None
    spot = 5.0 * round(BARS.close[bar] / 5.0)
    reach = 5.0 * round(away / 5.0) + 5.0
    combo = iron_condor(SPX, expiry, spot - reach - 5.0, spot - reach, spot + reach, spot + reach + 5.0)
    quote = quotes.quote(combo)
    bids, asks, mids = quotes.mark_path(combo, bar, bar + 1)
    assert quote is not None and quote.size == SIZE
    assert same(quote.bid, bids[0]) and same(quote.ask, asks[0]) and same(quote.mid, mids[0])
    chain, legs = quotes.chain("SPX", expiry), quotes.legs(combo)
    bid, ask, delta = 0.0, 0.0, 0.0
    for leg, (low, high) in zip(combo.legs, legs, strict=True):
        assert isinstance(leg.instrument, Contract)
        row = (chain.strike == leg.instrument.strike) & (chain.call == (leg.instrument.right is Right.CALL))
        if row.any():
            assert same(chain.bid[row][0], low) and same(chain.ask[row][0], high)
            delta += leg.ratio * chain.delta[row][0]
        bid += leg.ratio * (np.nan_to_num(low) if leg.ratio > 0 else high)
        ask += leg.ratio * (high if leg.ratio > 0 else low)
    assert quote.bid == pytest.approx(bid, abs=1e-9)
    assert same(quote.ask, ask) or quote.ask == pytest.approx(ask, abs=1e-9)
    if reach < 40.0 and ahead:
        assert quote.delta == pytest.approx(delta, abs=1e-9)


FAIR = book(BARS, 0.0)


def test_path_over_a_session_is_every_bars_quote() -> None:
    combo = condor()
    start, stop = at(BARS, 2, 640), at(BARS, 3, 571)
    bids, asks, _ = QUOTES.mark_path(combo, start, stop + 3)
    for k, bar in enumerate(range(start, stop)):
        QUOTES.move(bar)
        quote = QUOTES.quote(combo)
        assert quote is not None and quote.bid == bids[k] and same(quote.ask, asks[k])
    assert np.isnan(bids[-3:]).all()  # the day after its expiry


@pytest.mark.parametrize(("take", "stop_level"), [(-0.2, -9.0), (9.0, -1.5), (-0.3, -1.2), (9.0, -9.0)])
def test_first_exit_is_the_first_bar_of_the_path_beyond_a_level(take: float, stop_level: float) -> None:
    combo = condor()
    start, stop = at(BARS, 2, 640), at(BARS, 2, 900)
    bids = QUOTES.mark_path(combo, start, stop)[0]
    beyond = np.flatnonzero((bids >= take) | (bids <= stop_level))
    expected = start + int(beyond[0]) if len(beyond) else stop
    assert QUOTES.first_exit(combo, start, stop, take, stop_level) == expected


def test_two_combos_with_equal_legs_are_quoted_alike() -> None:
    QUOTES.move(at(BARS, 2, 700))
    assert QUOTES.quote(condor()) == QUOTES.quote(condor())


# the past only ---------------------------------------------------------------------------


@settings(max_examples=15)
@given(n=st.integers(400, len(BARS) - 1), vix=st.booleans())
def test_quotes_and_lines_of_a_bar_do_not_change_when_the_future_is_cut_off(n: int, vix: bool) -> None:
    bars = BARS if vix else BLIND
    whole = QUOTES if vix else BLIND_QUOTES
    known = book(bars.head(n))
    for name, values in known.with_lines()["SPX"].lines.items():
        assert np.array_equal(values, WHOLE_LINES[vix][name][:n], equal_nan=True), name
    bar = n - 1
    known.move(bar)
    whole.move(bar)
    for days in (0, 1):
        expiry = whole.expiry("SPX", days)
        assert expiry is not None and known.expiry("SPX", days) == expiry
        left, right = known.chain("SPX", expiry), whole.chain("SPX", expiry)
        for name in ("strike", "bid", "ask", "iv", "delta", "gamma", "vega", "theta"):
            assert np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True), name


BLIND = walk(vix=False)
BLIND_QUOTES = book(BLIND)
WHOLE_LINES = {True: QUOTES.with_lines()["SPX"].lines, False: BLIND_QUOTES.with_lines()["SPX"].lines}


def test_a_future_crash_leaves_no_trace_in_todays_quotes() -> None:
    bar = at(BARS, 4, 700)
    close = BARS.close.copy()
    close[bar + 1 :] *= 0.8
    crashed = book(_with_close(close))
    for quotes in (QUOTES, crashed):
        quotes.move(bar)
    combo = condor(4, middle=BARS.close[bar])
    assert QUOTES.quote(combo) == crashed.quote(combo)
    crashed.move(bar + 3)
    assert crashed.quote(combo) != QUOTES.quote(combo)


def _with_close(close: np.ndarray) -> Bars:
    from dataclasses import replace

    opened = np.append(BARS.open[0], close[:-1])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return replace(BARS, open=opened, high=high, low=low, close=close)


# lines -----------------------------------------------------------------------------------


def test_lines_are_whole_and_agree_with_the_chain() -> None:
    held = QUOTES.with_lines()["SPX"].check()
    assert not any(np.isnan(held.lines[name]).any() for name in ("vix", "atm_iv", "skew"))
    assert np.array_equal(held.lines["vix"], BARS.lines["vix"])
    bar = at(BARS, 3, 690)
    QUOTES.move(bar)
    chain = QUOTES.chain("SPX", DAYS[3])
    assert held.lines["atm_iv"][bar] == pytest.approx(chain.atm_iv(), rel=2e-3)
    puts = chain.side(Right.PUT)
    z = np.log(puts.strike / chain.spot) / (held.lines["atm_iv"][bar] * np.sqrt(chain.years))
    assert np.interp(-1.0, z, puts.iv) / held.lines["atm_iv"][bar] - 1.0 == pytest.approx(
        held.lines["skew"][bar], abs=2e-3
    )


def test_missing_vix_is_replaced_by_realised_volatility_and_said_so() -> None:
    held = BLIND_QUOTES.with_lines()["SPX"]
    assert np.isfinite(held.lines["vix"]).all() and (held.lines["vix"] > 1.0).all()
    assert any("VIX is missing" in note for note in held.notes)
    assert not any("VIX is missing" in note for note in QUOTES.with_lines()["SPX"].notes)


def test_premium_scales_the_level_and_zero_leaves_the_fair_smile() -> None:
    dear, fair = QUOTES.with_lines()["SPX"].lines, FAIR.with_lines()["SPX"].lines
    assert dear["atm_iv"] / fair["atm_iv"] == pytest.approx(1.08)
    assert np.ptp(fair["skew"]) == 0.0
    assert (dear["skew"] > fair["skew"]).all()


# a market that could be ------------------------------------------------------------------


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("premium", [-0.2, 0.0, 0.03, 0.08, 0.3])
@pytest.mark.parametrize("steepness", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("sd", [5e-4, 5e-3, 5e-2])
def test_smile_allows_no_butterfly_arbitrage(
    later: bool, premium: float, steepness: float, sd: float
) -> None:
    z = np.linspace(-7.0, 7.0, 561)
    strike = np.exp(z * sd)
    ratio = np.array([smile1(x, later, steepness, slices(premium)) for x in z])
    calls = black_price(1.0, strike, sd * ratio, True)
    slope = np.diff(calls) / np.diff(strike)
    assert (slope <= 1e-12).all() and (slope >= -1.0 - 1e-9).all()
    assert (np.diff(slope) >= -1e-7).all()
    assert smile1(0.0, later, steepness, slices(premium)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("symbol", ["SPX", "XSP", "SPY", "AAPL", "XLF"])
def test_chains_of_every_product_stand_on_their_ticks_and_strikes(symbol: str) -> None:
    product = universe()[symbol]
    bars = walk(level=6000.0 * product.scale, symbol=symbol)
    quotes = book(bars)
    for day, minute in ((1, 575), (2, 780), (3, 959), (3, 960)):
        quotes.move(at(bars, day, minute))
        chain = quotes.chain(symbol, DAYS[5])
        steps = chain.strike / product.strike_step
        assert np.array_equal(steps, np.round(steps)) and chain.symbol == symbol
        for price in (chain.bid, chain.ask):
            known = price[np.isfinite(price)]
            ticks = known / tick_size(known, product.tick)
            assert ticks == pytest.approx(np.round(ticks), abs=1e-6)
        assert (chain.ask > np.nan_to_num(chain.bid)).all()
        assert not (chain.bid <= 0.0).any()
        intrinsic = np.maximum(np.where(chain.call, 1, -1) * (chain.spot - chain.strike), 0.0)
        assert (chain.ask >= intrinsic - 1e-9).all()
        assert np.array_equal(chain.strikes, chain.side(Right.CALL).strike)
        assert len(chain.strikes) >= 10


def test_far_wings_have_an_ask_but_no_bid() -> None:
    bar = at(BARS, 2, 930)
    QUOTES.move(bar)
    far = 5.0 * round(BARS.close[bar] * 0.96 / 5.0)
    ((bid, ask),) = QUOTES.legs(single(far, Right.PUT))
    assert np.isnan(bid) and ask == 0.05
    sold = Combo((Leg(Contract(SPX, DAYS[2], far, Right.PUT), -1),), "short put")
    quote, bought = QUOTES.quote(sold), QUOTES.quote(single(far, Right.PUT))
    assert quote is not None and np.isnan(quote.ask) and quote.bid == -0.05
    assert bought is not None and bought.bid == 0.0 and bought.ask == 0.05


def test_spreads_widen_when_the_last_minutes_were_wild() -> None:
    bar = at(BARS, 5, 700)
    close = BARS.close.copy()
    close[bar - 1 : bar] *= 1.006
    wild = book(_with_close(close))
    strike = 5.0 * round(BARS.close[bar] / 5.0)
    widths = []
    for quotes in (QUOTES, wild):
        quotes.move(bar)
        ((bid, ask),) = quotes.legs(single(strike, Right.PUT, DAYS[5]))
        widths.append(ask - bid)
    assert widths[1] > 1.5 * widths[0]


def test_spread_scale_scales_and_zero_leaves_the_tick() -> None:
    bar = at(BARS, 2, 700)
    strike = 5.0 * round(BARS.close[bar] / 5.0)
    widths = []
    for scale in (0.0, 1.0, 3.0):
        quotes = book(BARS, spread_scale=scale)
        quotes.move(bar)
        ((bid, ask),) = quotes.legs(single(strike, Right.CALL))
        widths.append(ask - bid)
    assert widths[0] == pytest.approx(0.1) and widths[0] < widths[1] < widths[2]


def test_at_the_close_options_are_worth_their_payoff_within_a_spread() -> None:
    bar = at(BARS, 2, 960)
    QUOTES.move(bar)
    spot = BARS.close[bar]
    strike = 5.0 * round(spot / 5.0)
    combo = put_spread(SPX, DAYS[2], strike + 40.0, strike + 20.0)
    quote = QUOTES.quote(combo)
    assert quote is not None
    assert quote.bid <= combo.payoff(np.array([spot]))[0] <= quote.ask
    assert quote.ask - quote.bid < 1.0


# products and expiries -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "day", "days", "expected"),
    [
        ("SPX", 0, 0, DAYS[0]),
        ("SPX", 7, 1, DAYS[8]),  # over the Fourth of July
        ("AAPL", 0, 0, DAYS[0]),  # a Monday
        ("AAPL", 0, 1, None),  # a Tuesday
        ("AAPL", 0, 2, DAYS[2]),  # a Wednesday
        ("XLF", 0, 4, DAYS[4]),  # a Friday
        ("XLF", 0, 3, None),
    ],
)
def test_expiries_are_those_listed(symbol: str, day: int, days: int, expected: date | None) -> None:
    bars = walk(level=6000.0 * universe()[symbol].scale, symbol=symbol)
    quotes = book(bars)
    quotes.move(at(bars, day, 600))
    assert quotes.expiry(symbol, days) == expected


def test_nothing_is_quoted_after_its_expiry() -> None:
    QUOTES.move(at(BARS, 3, 571))
    assert QUOTES.quote(condor(2)) is None
    assert all(np.isnan(side) for pair in QUOTES.legs(condor(2)) for side in pair)
    with pytest.raises(DataError, match="2024-06-26"):
        QUOTES.chain("SPX", DAYS[2])
    assert QUOTES.quote(put_spread(SPX, date(2024, 6, 29), 5400.0, 5300.0)) is None  # a Saturday


def test_a_later_expiry_costs_more() -> None:
    QUOTES.move(at(BARS, 2, 700))
    today, tomorrow = (QUOTES.chain("SPX", DAYS[day]).straddle() for day in (2, 3))
    assert 1.3 * today < tomorrow < 4.0 * today


def test_shares_cost_a_cent_of_spread_and_covered_calls_add_up() -> None:
    spy = universe()["SPY"]
    bars = walk(level=600.0, symbol="SPY")
    quotes = book(bars)
    bar = at(bars, 2, 700)
    quotes.move(bar)
    combo = covered(spy, DAYS[2], 200, 1, round(bars.close[bar]) + 2.0)
    quote = quotes.quote(combo)
    legs = quotes.legs(combo)
    shares = next(
        pair for leg, pair in zip(combo.legs, legs, strict=True) if not isinstance(leg.instrument, Contract)
    )
    assert shares[1] - shares[0] == pytest.approx(0.01)
    assert 0.5 * sum(shares) == pytest.approx(bars.close[bar])
    weights = [leg.ratio * leg.instrument.multiplier / combo.multiplier for leg in combo.legs]
    sides = zip(weights, legs, strict=True)
    assert quote is not None
    assert quote.ask == pytest.approx(sum(w * (p[1] if w > 0 else p[0]) for w, p in sides))


def test_several_symbols_are_quoted_each_on_its_own_bars() -> None:
    bars = {"SPX": BARS, "XSP": BARS.scaled(0.1, "XSP")}
    quotes = ModelQuotes(bars, universe())
    quotes.move(at(BARS, 2, 700))
    spx, xsp = (quotes.chain(symbol, DAYS[2]) for symbol in ("SPX", "XSP"))
    assert xsp.spot == pytest.approx(0.1 * spx.spot)
    assert xsp.atm_iv() == pytest.approx(spx.atm_iv(), rel=3e-3)  # strikes lie wider apart
    spread = call_spread(universe()["XSP"], DAYS[2], round(xsp.spot) + 1.0, round(xsp.spot) + 2.0)
    assert quotes.quote(spread) is not None


@pytest.mark.parametrize("given", [{"premium": -0.95}, {"premium": float("nan")}, {"spread_scale": -1.0}])
def test_impossible_settings_are_refused_by_name_and_value(given: dict[str, float]) -> None:
    ((name, value),) = given.items()
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        ModelSettings(**given)


def test_assumptions_tell_premium_smile_and_spreads() -> None:
    told = " ".join(QUOTES.assumptions())
    for word in ("+8%", "Smile: 100%", "tick", "past bars only", "assumption"):
        assert word in told
    assert "early exercise" not in told
    spy = walk(level=600.0, symbol="SPY")
    assert "early exercise" in " ".join(book(spy).assumptions())
    assert "optimistic" in told
    assert "premium +0%" in " ".join(FAIR.assumptions())
    assert "optimistic" not in " ".join(FAIR.assumptions())
