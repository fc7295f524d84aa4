"""Days as a few commented rows in, the expected journal out; in both loops."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any

import pytest

from engine.bars import Bars
from engine.desk import Desk
from engine.reasons import Reason
from tests.strategies.stage import CALM, Row, day, days, perform

FRIDAY = date(2018, 3, 2)
RANGE: tuple[Row, ...] = (
    ("09:30", 600.0),
    ("09:50", 602.0),  # the morning's high
    ("10:15", 598.5),  # and its low
    ("10:30", 600.2),  # back inside
)
QUIET: tuple[Row, ...] = (*RANGE, ("16:00", 600.5))
VIX_CALM: tuple[Row, ...] = (("09:30", 16.0),)


def two_days(prices: Sequence[Row], vix: Sequence[Row] = VIX_CALM, on: date = CALM, **more: Any) -> Bars:
    """Return a dull Friday, so that there is a day before, and the day of the table."""
    more = {"later_wiggle": 0.00003, **more}
    return days(day("XSP", FRIDAY, [("09:30", 600.0), ("16:00", 600.0)]), day("XSP", on, prices, vix, **more))


def reasons(desk: Desk, on: date = CALM) -> set[str]:
    """Return the reasons in a day's decisions."""
    table = desk.journal.decisions()
    return set(table[table.time.dt.date == on].reason.astype(str))


def both_loops(bot: str, bars: Bars, changes: dict[str, Any] | None = None) -> Desk:
    fast, _ = perform(bot, bars, changes)
    stock, _ = perform(bot, bars, changes, stock_loop=True)
    assert repr(fast.journal.trades) == repr(stock.journal.trades)
    assert repr(fast.journal.orders) == repr(stock.journal.orders)
    assert fast.journal.halts == stock.journal.halts
    assert fast.journal.decisions().equals(stock.journal.decisions())
    return fast


@pytest.mark.parametrize("bot", ["putlite", "condor"])
def test_quiet_day_keeps_its_share_of_the_credit(bot: str) -> None:
    desk = both_loops(bot, two_days(QUIET))

    (trade,) = desk.journal.trades
    assert trade.exit_reason is Reason.PROFIT_TARGET
    assert trade.net > 0
    assert time(10, 30) < trade.entry_time.time() < time(13, 30)
    kept = {"putlite": 0.55, "condor": 0.50}[bot]
    assert trade.exit_price <= (1 - kept) * trade.credit + 0.03  # conceded from there


@pytest.mark.parametrize("bot", ["putlite", "condor"])
def test_fall_after_entry_ends_at_the_planned_loss(bot: str) -> None:
    falling = (*RANGE, ("11:30", 600.2), ("12:30", 593.0), ("16:00", 593.0))

    desk = both_loops(bot, two_days(falling, later_wiggle=0.00002))

    (trade,) = desk.journal.trades
    assert trade.exit_reason in (Reason.PLANNED_LOSS, Reason.HALT_MOVE, Reason.HALT_RANGE)
    assert -trade.structural_loss - 5 < trade.net < -10


def test_vix_up_three_points_halts_and_closes() -> None:
    vix = (("09:30", 16.0), ("11:30", 16.0), ("11:40", 19.5), ("16:00", 19.5))

    desk = both_loops("condor", two_days(QUIET, vix))

    (trade,) = desk.journal.trades
    assert trade.exit_reason is Reason.HALT_VIX
    assert time(11, 38) <= trade.exit_time.time() <= time(11, 45)
    assert [halt.reason for halt in desk.journal.halts] == [Reason.HALT_VIX]
    assert "limit 3 points" in desk.journal.halts[0].text


def test_vix_halt_before_the_window_denies_every_entry() -> None:
    vix = (("09:30", 19.6), ("10:00", 19.6), ("10:10", 16.0), ("16:00", 16.0))  # back in range, still latched

    desk = both_loops("condor", two_days(QUIET, vix))

    assert desk.journal.trades == []
    assert str(Reason.HALT_VIX) in reasons(desk)


def test_price_outside_the_morning_range_is_no_entry_for_the_condor() -> None:
    desk = both_loops("condor", two_days((*RANGE[:3], ("10:30", 602.6), ("16:00", 602.8))))

    assert desk.journal.trades == []
    assert reasons(desk) == {str(Reason.OUTSIDE_MORNING_RANGE)}


def test_wide_morning_is_not_calm() -> None:
    wide = (("09:30", 600.0), ("09:50", 603.0), ("10:15", 597.5), ("10:30", 600.0), ("16:00", 600.0))

    desk = both_loops("condor", two_days(wide))

    assert desk.journal.trades == []
    assert str(Reason.NOT_CALM) in reasons(desk)


def test_volatility_not_compressed_is_no_entry_for_putlite() -> None:
    desk = both_loops("putlite", two_days(QUIET, wiggle=0.00002, later_wiggle=0.0002))

    assert desk.journal.trades == []
    assert str(Reason.NOT_COMPRESSED) in reasons(desk)


@pytest.mark.parametrize("bot", ["putlite", "condor"])
def test_realised_above_implied_is_no_entry(bot: str) -> None:
    desk = both_loops(bot, two_days(QUIET, iv=0.05))

    assert desk.journal.trades == []
    assert str(Reason.IV_BELOW_REALIZED) in reasons(desk)


def test_credit_below_three_round_trips_is_no_entry() -> None:
    desk = both_loops("putlite", two_days(QUIET), {"short_delta": 0.02})

    assert desk.journal.trades == []
    assert str(Reason.CREDIT_BELOW_COST) in reasons(desk)


def test_blackout_day_is_denied_by_name() -> None:
    fomc = date(2018, 3, 21)

    desk = both_loops("condor", two_days(QUIET, on=fomc))

    assert desk.journal.trades == []
    assert str(Reason.EVENT_BLACKOUT) in reasons(desk, fomc)


def test_half_day_has_no_entries() -> None:
    half = date(2018, 7, 3)

    desk = both_loops("condor", two_days((*RANGE, ("13:00", 600.4)), on=half))

    assert desk.journal.trades == []
    assert reasons(desk, half) == {str(Reason.HALF_DAY)}


def test_half_day_where_allowed_is_traded_and_flat_before_its_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MW__RISK__HALF_DAYS", "true")
    half = date(2018, 7, 3)
    still = {"profit_target": 0.95}  # not reached: the clock ends it

    desk = both_loops("putlite", two_days((*RANGE, ("13:00", 600.4)), on=half), still)

    (trade,) = desk.journal.trades
    assert time(10, 30) < trade.entry_time.time() < time(12, 25) <= trade.exit_time.time() < time(12, 30)
    assert trade.exit_reason is Reason.FLAT_BY_CLOSE


def test_too_wide_for_the_small_account_says_which_cap() -> None:
    desk = both_loops("condor", two_days(QUIET), {"width": 3})

    assert desk.journal.trades == []
    assert str(Reason.STRUCTURAL_LOSS_CAP) in reasons(desk)


def test_nothing_happens_until_the_time_stop() -> None:
    desk = both_loops("condor", two_days(QUIET, iv=0.30), {"profit_target": 0.99})

    (trade,) = desk.journal.trades
    assert trade.exit_reason is Reason.TIME_STOP
    assert time(15, 15) < trade.exit_time.time() < time(15, 30)


def test_second_entry_of_the_day_only_when_allowed() -> None:
    once = both_loops("condor", two_days(QUIET), {"profit_target": 0.1})
    twice = both_loops("condor", two_days(QUIET), {"profit_target": 0.1, "entries_per_day": 2})

    assert len(once.journal.trades) == 1
    assert str(Reason.ENTRIES_USED) in reasons(once)
    assert len(twice.journal.trades) == 2


def test_cash_secured_put_runs_in_a_backtest_and_is_refused_elsewhere() -> None:
    from engine.errors import ConfigError
    from engine.risk.governor import Governor

    desk = both_loops("putlite", two_days(QUIET), {"structure": "cash_secured"})

    assert [trade.structure for trade in desk.journal.trades] == ["cash_secured_put"]
    with pytest.raises(ConfigError, match="undefined risk is never sent"):
        Governor(desk.governor.limits, desk.governor.calendar, research=True, venue="paper")


class TestBuyWrite:
    FREE = {"iv_rank_min": 0.0, "trend_max": 9.0}

    def bars(self, prices: Sequence[Row] = QUIET, **more: Any) -> Bars:
        more = {"later_wiggle": 0.00003, **more}
        history = [
            day("SPY", on, [("09:30", 600.0), ("16:00", 600.0)], iv=0.12 + 0.001 * n)  # rising
            for n, on in enumerate(sessions_before(CALM, 30))
        ]
        return days(*history, day("SPY", CALM, prices, **{"iv": 0.20, **more}))

    def test_collar_is_opened_shares_first_and_closed_calls_first(self) -> None:
        desk = both_loops("buywrite", self.bars(), self.FREE)

        trade = desk.journal.trades[-1]
        fills = [fill for fill in desk.journal.fills if fill.trade_id == trade.trade_id]
        kinds = ["shares" if fill.multiplier == 1 else fill.instrument[-1] for fill in fills]
        assert trade.structure == "collar"
        assert kinds[:3] == ["shares", "P", "C"]
        assert kinds[3:] == ["C", "shares", "P"]
        assert [fill.quantity for fill in fills] == [200, 2, -1, 1, -200, -2]

    def test_exit_with_the_calls_premium_kept_is_not_called_a_profit(self) -> None:
        falling = (("09:30", 600.0), ("11:00", 600.0), ("15:00", 597.0), ("16:00", 597.0))
        desk = both_loops("buywrite", self.bars(falling), {**self.FREE, "profit_target": 0.2})

        trade = desk.journal.trades[-1]
        assert trade.exit_reason is Reason.PREMIUM_KEPT
        assert trade.net < 0.0

    def test_low_iv_rank_is_no_entry(self) -> None:
        desk = both_loops("buywrite", self.bars(iv=0.121), {"iv_rank_min": 50.0, "trend_max": 9.0})

        assert str(Reason.IV_RANK_LOW) in reasons(desk)
        assert CALM not in {trade.entry_time.date() for trade in desk.journal.trades}

    def test_trend_is_no_entry(self) -> None:
        desk = both_loops(
            "buywrite",
            self.bars((("09:30", 600.0), ("16:00", 606.0))),
            {"iv_rank_min": 0.0, "trend_max": 0.5},
        )

        assert str(Reason.TREND) in reasons(desk)
        assert CALM not in {trade.entry_time.date() for trade in desk.journal.trades}

    def test_naked_shares_without_the_collar_are_refused(self) -> None:
        desk = both_loops("buywrite", self.bars(), {**self.FREE, "collar": False})

        assert desk.journal.trades == []
        assert str(Reason.UNDEFINED_RISK) in reasons(desk)


def sessions_before(on: date, count: int) -> list[date]:
    from engine.sessions import sessions_ahead

    return [sessions_ahead(on, -n) for n in range(count, 0, -1)]
