"""Walk-forward: windows that do not touch, choices that know nothing of later days."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.report.walkforward import equity_figure, result_section, verdict_of
from analyzers.search import luck_of
from analyzers.walkforward import Floats, Walk, walk, windows_of

CAPITAL = 1000.0


@given(
    days=st.integers(0, 900), train=st.integers(20, 300), test=st.integers(5, 120),
    embargo=st.integers(0, 20), anchored=st.booleans(),
)  # fmt: skip
def test_windows_keep_the_embargo_and_tests_follow_without_a_gap(
    days: int, train: int, test: int, embargo: int, anchored: bool
) -> None:
    windows = windows_of(days, train, test, embargo, anchored)
    assert bool(windows) == (days >= train + embargo + 5)
    for number, window in enumerate(windows):
        assert 0 <= window.first < window.last
        assert window.start - window.last == embargo
        assert window.last - window.first == (window.last if anchored else train)
        assert window.stop <= days
        assert number == 0 or window.start == windows[number - 1].stop
    if windows:
        assert windows[-1].stop > days - max(test, 5)


def drawn(days: int = 400, variants: int = 6, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 10.0, (days, variants))


def walked(
    pnl: Floats, trades: Floats | None = None, metric: str = "net", least: int = 10, **cut: Any
) -> Walk:
    given = {"train": 100, "test": 50, "embargo": 5, "anchored": False} | cut
    traded = np.ones_like(pnl) if trades is None else trades
    return walk(pnl, traded, windows_of(len(pnl), **given), metric, least, CAPITAL)


def test_what_was_best_is_followed_on_the_later_days() -> None:
    pnl = drawn()
    found = walked(pnl)
    assert len(found.steps) == 6
    for step in found.steps:
        w = step.window
        sums = pnl[w.first : w.last].sum(axis=0)
        assert step.chosen == int(np.argmax(sums))
        assert step.inside == pytest.approx(sums.max())
        assert step.net == pytest.approx(pnl[w.start : w.stop, step.chosen].sum())
    assert found.pnl.sum() == pytest.approx(sum(step.net for step in found.steps))
    assert list(found.rows) == list(range(105, 400))
    assert found.middle == pytest.approx(pnl[105:].mean(axis=1))


def test_later_days_do_not_change_earlier_choices_nor_do_days_of_the_embargo() -> None:
    pnl = drawn()
    before = walked(pnl).steps[0]
    changed = pnl.copy()
    changed[100:] = drawn(300, seed=9)
    after = walked(changed).steps[0]
    assert (after.chosen, after.inside) == (before.chosen, before.inside)


@pytest.mark.parametrize("metric", ["sharpe", "net", "per_trade", "net_over_drawdown"])
def test_every_criterion_finds_the_variant_that_always_earns(metric: str) -> None:
    pnl = drawn()
    pnl[:, 3] += 15.0
    found = walked(pnl, metric=metric)
    assert {step.chosen for step in found.steps} == {3}
    assert all(step.better == 1.0 for step in found.steps)
    assert found.kept == pytest.approx(1.0, abs=0.3)


def test_variant_with_too_few_trades_is_not_chosen_and_a_window_without_choice_is_idle() -> None:
    pnl = drawn(variants=2)
    pnl[:, 1] += 50.0
    trades = np.ones_like(pnl)
    trades[:, 1] = 0.0
    trades[::30, 1] = 1.0
    assert {step.chosen for step in walked(pnl, trades).steps} == {0}
    trades[:, 0] = 0.0
    idle = walked(pnl, trades)
    assert {step.chosen for step in idle.steps} == {None}
    assert not idle.pnl.any() and math.isnan(idle.kept)


def test_days_too_few_for_a_window_are_insufficient_data() -> None:
    pnl = drawn(days=60)
    found = walked(pnl)
    luck = luck_of(math.nan, math.nan, pnl, [math.nan], days=0)
    assert found.steps == () and len(found.pnl) == 0
    assert verdict_of(found, luck) == "Insufficient data: there are not days enough for one window."
    assert ("Net of a trade, USD", ("insufficient data",)) in result_section(
        found, luck, math.nan, math.nan
    ).rows
    assert "insufficient data" in str([text.get_text() for text in equity_figure(found, []).axes[0].texts])
