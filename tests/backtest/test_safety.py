"""What the rules promise, asked of five years of trades."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, time

import pandas as pd
import pytest

from engine.desk import Desk
from engine.journal.records import Trade
from engine.reasons import Reason
from scripts.frames import frame
from scripts.session import Setup

NEW_YORK = "America/New_York"


@pytest.fixture(params=["played", "spx_played"])
def run(request: pytest.FixtureRequest) -> tuple[Setup, Desk, pd.DataFrame]:
    desk: Desk = request.getfixturevalue(request.param)
    setup: Setup = request.getfixturevalue({"played": "five_years", "spx_played": "spx_year"}[request.param])
    trades = frame(desk.journal.trades, Trade)
    assert len(trades) > 20
    return setup, desk, trades


def test_no_entry_outside_the_trade_window(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, _, trades = run

    entered = trades.entry_time.dt.time

    assert entered.min() >= time(10, 30)
    assert entered.max() <= time(13, 30)


def test_no_fill_that_opens_outside_the_trade_window(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, desk, _ = run

    opened = [fill.at.time() for fill in desk.journal.fills if fill.opening]

    assert min(opened) >= time(10, 30)
    assert max(opened) <= time(13, 30)


def test_no_position_after_half_past_three(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, _, trades = run

    left = trades.exit_time.dt.time

    assert left.max() <= time(15, 30)
    assert (trades.exit_time.dt.date == trades.entry_time.dt.date).all()
    assert (trades.exit_time > trades.entry_time).all()


def test_no_trade_on_an_event_day_or_half_day(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    setup, desk, _ = run
    grid = next(iter(setup.bars.values())).grid
    half = {day for day, short in zip(grid.dates, grid.half, strict=True) if short}

    days = {(trade.symbol, trade.entry_time.date()) for trade in desk.journal.trades}

    assert not half & {day for _, day in days}
    assert [
        setup.calendar.verdict(symbol, day) for symbol, day in days if setup.calendar.verdict(symbol, day)
    ] == []


def test_structural_and_planned_loss_within_the_budget(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    setup, desk, _ = run
    limits = setup.settings.risk.limits()

    for trade in desk.journal.trades:
        _, budget = limits.budget(trade.bot)
        assert trade.structural_loss <= budget.structural_loss + 0.01
        assert trade.planned_loss <= budget.planned_loss + 0.01


def test_no_trade_loses_more_than_its_structure_can(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    """What the governor reserved bounds the loss, but for the costs of leaving early.

    The reserve counts the fees of a round trip and the widest payoff at expiry; a spread
    bought back before expiry can cost more than its width by the quoted spread. Every
    such excess is named here, and there is none beyond the spread paid.
    """
    _, _, trades = run

    excess = trades[-trades.net > trades.structural_loss + 0.01]

    assert (-excess.net - excess.structural_loss <= excess.slippage + 0.01).all(), excess.to_string()


def test_day_losses_stay_within_the_cap_but_for_named_gaps(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    setup, desk, _ = run
    limits = setup.settings.risk.limits()
    losses: dict[tuple[date, str], list[Trade]] = defaultdict(list)
    for trade in desk.journal.trades:
        if trade.net < 0:
            losses[trade.entry_time.date(), limits.budget(trade.bot)[0]].append(trade)

    for (day, budget), lost in losses.items():
        cap = limits.budget(lost[0].bot)[1].day_cap
        loss = -sum(trade.net for trade in lost)
        gap = sum(max(-trade.net - trade.structural_loss, 0.0) for trade in lost)
        assert loss <= cap + gap + 0.01, f"{day} {budget}: {loss:.2f}"


def test_one_combo_per_bot_at_a_time(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, _, trades = run

    for _, own in trades.sort_values("entry_time").groupby("bot", observed=True):
        assert (own.entry_time.iloc[1:].to_numpy() >= own.exit_time.iloc[:-1].to_numpy()).all()


def test_a_call_is_never_without_its_shares(played: Desk) -> None:
    held: dict[str, int] = {}
    calls: dict[str, int] = {}
    for fill in (f for f in played.journal.fills if f.bot == "buywrite"):
        ref = fill.order_ref.split("/")[0]
        if fill.multiplier == 1:
            held[ref] = held.get(ref, 0) + fill.quantity
        elif fill.instrument.endswith("C"):
            calls[ref] = calls.get(ref, 0) + fill.quantity
        short = -min(calls.get(ref, 0), 0)
        if fill.multiplier == 1 or fill.quantity < 0:
            assert short * 100 <= held.get(ref, 0), fill

    assert any(calls) and not any(held.values()) and not any(calls.values())


def test_ledger_cash_is_start_plus_net_of_all_trades(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, desk, trades = run

    assert desk.broker.funds() == pytest.approx(desk.start_cash + trades.net.sum(), abs=0.005)


def test_trades_add_up_from_their_fills(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, desk, _ = run
    cash: dict[int, float] = {}
    for fill in desk.journal.fills:
        paid = fill.price * fill.quantity * fill.multiplier + fill.fees
        cash[fill.trade_id] = cash.get(fill.trade_id, 0.0) - paid

    for trade in desk.journal.trades:
        assert cash[trade.trade_id] == pytest.approx(trade.net, abs=0.006)


def test_every_trade_has_a_decision_that_entered_it(run: tuple[Setup, Desk, pd.DataFrame]) -> None:
    _, desk, trades = run
    decisions = desk.journal.decisions()

    entered = decisions[decisions.reason == str(Reason.ENTERED)]

    assert len(entered) == len(trades)
    assert (entered.groupby("bot", observed=True).size() == trades.groupby("bot").size()).all()
