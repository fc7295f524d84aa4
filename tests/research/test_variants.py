"""Variants of a backtest: the same figures as the backtest itself, shared, resumable, never fatal."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.desk import Desk
from engine.errors import ConfigError
from scripts.outcomes import Outcome, read_outcomes
from scripts.requests import BacktestRequest
from scripts.session import play, prepare
from scripts.signals import dealt
from scripts.variants import (
    Base,
    Variant,
    run_variant,
    run_variants,
    setup_of,
)

CONFIG = Path(__file__).parents[2] / "config"
MONTH = "20180102-20180131"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base.of(request(tmp_path_factory.mktemp("runs")))


def request(out: Path, **changes: Any) -> BacktestRequest:
    given = {"profile": "spx", "timerange": MONTH} | changes
    return BacktestRequest(config=CONFIG, out=out, **given)


def test_variant_has_the_figures_of_the_backtest_with_these_settings(base: Base, tmp_path: Path) -> None:
    found = run_variant(base, Variant({"quotes.premium": 0.2, "data.seed": 3}))
    desk, _ = play(prepare(request(tmp_path, premium=0.2, seed=3)))
    trades = desk.journal.trades
    assert len(trades) > 5
    assert sum(bot.trades for bot in found.bots.values()) == len(trades)
    assert sum(bot.net for bot in found.bots.values()) == pytest.approx(sum(t.net for t in trades), abs=0.05)
    for bot in found.bots.values():
        assert sum(bot.day_net) == pytest.approx(bot.net, abs=0.05)
        assert sum(bot.day_trades) == bot.trades
    assert len(found.sessions) == len(desk.sessions) == 21


def test_bars_are_made_once_for_variants_that_share_them(base: Base) -> None:
    one, other = (setup_of(base, {"quotes.premium": premium}) for premium in (0.0, 0.1))
    assert one.bars["SPX"].close is other.bars["SPX"].close
    assert not np.array_equal(one.bars["SPX"].lines["atm_iv"], other.bars["SPX"].lines["atm_iv"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bots.condor.widht": 2}, "bots.condor.widht: no such setting"),
        ({"bots.buywrite.calls": 4}, "cover 200%"),
        ({"quotes.premium": 9}, "quotes.premium: got 9"),
    ],
)
def test_variant_that_cannot_be_is_recorded_with_its_reason(
    base: Base, changes: dict[str, Any], told: str
) -> None:
    found = run_variant(base, Variant(changes))
    assert told in found.error
    assert not found.bots


def test_outcome_survives_its_line(base: Base) -> None:
    found = run_variant(base, Variant({"data.seed": 5}), "key")
    assert Outcome.of_line(found.to_line()) == found


def test_finished_variants_are_not_run_again_and_failed_ones_are(base: Base, tmp_path: Path) -> None:
    done = tmp_path / "done.jsonl"
    variants = [Variant({"quotes.premium": premium}) for premium in (0.0, 0.1)] + [Variant({"nonsense": 1})]
    first = dict(run_variants(base, variants, jobs=1, done=done))
    assert [bool(first[number].error) for number in range(3)] == [False, False, True]
    again = dict(run_variants(base, variants, jobs=1, done=done))
    assert {number: again[number] for number in (0, 1)} == {number: first[number] for number in (0, 1)}
    keys = [json.loads(line)["key"] for line in done.read_text().splitlines()]
    assert sorted(map(keys.count, set(keys))) == [1, 1, 2]


def test_line_torn_by_a_kill_is_run_again_and_spoils_no_other(base: Base, tmp_path: Path) -> None:
    done = tmp_path / "done.jsonl"
    variants = [Variant({"quotes.premium": premium}) for premium in (0.0, 0.1)]
    dict(run_variants(base, variants, jobs=1, done=done))
    whole = done.read_bytes()
    done.write_bytes(whole[:-200])
    assert len(read_outcomes(done)) == 1
    dict(run_variants(base, variants, jobs=1, done=done))
    assert len(read_outcomes(done)) == 2


def test_all_cores_give_what_one_gives(base: Base) -> None:
    variants = [Variant({"quotes.premium": premium}) for premium in (0.0, 0.1, 0.2)]
    one = dict(run_variants(base, variants, jobs=1))
    both = dict(run_variants(base, variants, jobs=2))
    assert {n: outcome.bots for n, outcome in one.items()} == {n: outcome.bots for n, outcome in both.items()}


def test_other_data_settings_or_signals_are_another_key(base: Base, tmp_path: Path) -> None:
    keys = {
        Variant().key(base),
        Variant({"data.seed": 8}).key(base),
        Variant(signals="open").key(base),
        Variant().key(Base.of(request(tmp_path, seed=8))),
    }
    assert len(keys) == 4


def test_recorded_data_is_refused(tmp_path: Path) -> None:
    from scripts.requests import Recording

    with pytest.raises(ConfigError, match="expected a synthetic backtest"):
        Base.of(request(tmp_path, recording=Recording(bars=tmp_path / "x.parquet")))


def test_dealt_verdicts_are_those_of_other_days() -> None:
    minute = np.tile([630.0, 635.0, 640.0], 50)
    codes = np.arange(150, dtype=np.int16) + 1000
    found = dealt(codes, minute, 1)
    assert sorted(found) == sorted(codes)
    assert not np.array_equal(found, codes)
    assert np.array_equal(found.reshape(50, 3) % 3, codes.reshape(50, 3) % 3)  # each at its minute
    assert np.array_equal(dealt(codes, minute, 1), found)
    assert not np.array_equal(dealt(codes, minute, 2), found)


def test_open_signals_trade_more_than_the_filters_and_shuffled_about_as_much(base: Base) -> None:
    own, free, mixed = (
        run_variant(base, Variant(signals=signals)) for signals in ("own", "open", "shuffled:1")
    )
    counts = [sum(bot.trades for bot in found.bots.values()) for found in (own, free, mixed)]
    assert counts[1] > counts[0] > 0
    assert counts[2] > 0
    assert [bot.day for bot in mixed.bots.values()] != [bot.day for bot in own.bots.values()]


@pytest.mark.parametrize("signals", ["shuffled", "shuffled:x", "closed", "open:1"])
def test_unknown_signals_are_an_error(base: Base, signals: str) -> None:
    assert f"signals: got {signals!r}" in run_variant(base, Variant(signals=signals)).error


def test_variants_one_after_another_leave_nothing_behind(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def alive() -> int:
        return sum(isinstance(held, Desk) for held in gc.get_objects())

    monkeypatch.setattr("scripts.variants.COLLECT_EVERY", 3)
    gc.collect()
    before = alive()
    for number in range(10):
        run_variant(base, Variant({"bots.condor.profit_target": 0.3 + 0.001 * number}))
    assert alive() - before <= 3
