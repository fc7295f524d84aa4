"""A stop is confirmed by time on usable quotes; blind time does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.live.patience import MarkTimer, Patience, StopTimer

START = datetime(2026, 10, 5, 15, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_without_quotes_between_bars_a_breach_counts_at_once() -> None:
    assert StopTimer(None).breached(START, 0.0)


def test_breach_is_confirmed_after_its_time_and_not_before() -> None:
    timer = StopTimer(Patience(seconds=10.0))
    assert [timer.breached(after(second), 0.1) for second in range(0, 12, 2)] == [False] * 5 + [True]


def test_far_breach_is_confirmed_faster() -> None:
    timer = StopTimer(Patience(seconds=20.0, far=0.5, far_seconds=3.0))
    assert [timer.breached(after(second), 0.6) for second in range(4)] == [False, False, False, True]


def test_quote_inside_the_stop_sets_the_timer_back() -> None:
    timer = StopTimer(Patience(seconds=4.0, far_seconds=1.0))
    for second in (0, 2):
        assert not timer.breached(after(second), 0.1)
    timer.held()
    assert not timer.breached(after(4), 0.1)
    assert not timer.breached(after(6), 0.1)
    assert timer.breached(after(8), 0.1)


def test_time_without_quotes_pauses_the_timer_and_does_not_reset_it() -> None:
    timer = StopTimer(Patience(seconds=4.0, far_seconds=1.0, gap=5.0))
    timer.breached(after(0), 0.1)
    timer.breached(after(2), 0.1)
    assert not timer.breached(after(600), 0.1)  # ten minutes blind: nothing counted, nothing lost
    assert timer.breached(after(602), 0.1)


@given(st.lists(st.tuples(st.floats(0.1, 60.0), st.floats(0.0, 2.0)), max_size=40))
def test_never_confirmed_on_less_time_than_asked(steps: list[tuple[float, float]]) -> None:
    patience = Patience(seconds=20.0, far=0.5, far_seconds=3.0, gap=5.0)
    timer, now, seen = StopTimer(patience), START, 0.0
    first = True
    for step, depth in steps:
        now += timedelta(seconds=step)
        seen += step if step <= patience.gap and not first else 0.0
        first = False
        confirmed = timer.breached(now, depth)
        assert not confirmed or seen >= (3.0 if depth > 0.5 else 20.0) - 1e-6


def test_position_without_a_price_is_noticed_after_its_time() -> None:
    timer = MarkTimer(Patience(unmarked=60.0))
    assert not timer.missing(after(0))
    assert not timer.missing(after(59))
    timer.seen()
    assert not timer.missing(after(61))
    assert timer.missing(after(121))


def test_without_quotes_between_bars_a_missing_price_closes_nothing() -> None:
    timer = MarkTimer(None)
    assert not timer.missing(after(0))
    assert not timer.missing(after(10_000))
