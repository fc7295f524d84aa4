"""``mw feasible``: what a bot could trade at all, before asking whether it earns anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analyzers.feasible import Opened, break_even_ratio, day_reasons
from analyzers.report.control import EMPIRICAL
from analyzers.report.sections import Section, print_sections
from analyzers.report.words import NOT_EVIDENCE, ratio, share, usd, words
from engine.errors import ConfigError
from engine.journal.records import Fill, Trade
from engine.reasons import Reason
from scripts.frames import frame
from scripts.progress import shown
from scripts.report import OPTION
from scripts.requests import BacktestRequest
from scripts.session import Setup, play
from scripts.signals import OPEN, bots_with
from scripts.told import console_of, print_json, rows_of
from scripts.variants import Base, setup_of

MOST = 400  # trades whose chains are looked at again, spread over all
SHOWN = 6  # reasons


def run(request: BacktestRequest, budget: float | None = None, as_json: bool = False) -> None:
    """Print on how many days each bot could trade with all its filters open, and what that costs.

    Parameters
    ----------
    request : BacktestRequest
    budget : float, optional
        R in USD, instead of the configured planned losses.
    as_json : bool
        Print for a program instead.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right.
    """
    console = console_of(as_json)
    if budget is not None and not (math.isfinite(budget) and budget > 0.0):
        raise ConfigError(f"--budget: got {budget}, expected USD above zero")
    base = Base.of(request)
    with shown(console, "Preparing bars and quotes"):
        setup = setup_of(base, {})
        if budget is not None:
            setup = setup_of(base, planned(setup, budget))
    columns = {}
    for bot in setup.bots:  # each alone: another one would use up the budget they share
        with shown(console, f"Running {words(bot)} with its filters open"):
            desk, _ = play(replace(setup, bots=(bot,)), roster=bots_with(OPEN))
        trades, fills = frame(desk.journal.trades, Trade), frame(desk.journal.fills, Fill)
        columns[bot] = figures(setup, desk.journal.decisions(bot), trades, fills)
    if as_json:
        print_json(rows_of(section_of(columns)) | {"note": NOT_EVIDENCE})
        return
    print_sections(console, [section_of(columns)])
    console.print(NOT_EVIDENCE)


def planned(setup: Setup, budget: float) -> dict[str, Any]:
    """Return the settings that make ``budget`` the planned loss of every bot's trade."""
    changes: dict[str, Any] = {"risk.planned_loss": budget}
    for bot in setup.bots:
        changes[f"bots.{bot}.planned_loss"] = budget / getattr(setup.settings.bots, bot).quantity
        if bot in setup.settings.risk.budgets:
            changes[f"risk.budgets.{bot}.planned_loss"] = budget
    return changes


def figures(
    setup: Setup, decisions: pd.DataFrame, trades: pd.DataFrame, fills: pd.DataFrame
) -> dict[str, str]:
    """Return what is to be said of one bot, by row of the table."""
    days = day_reasons(decisions, frozenset(trades.entry_time.dt.date))
    told = {"Sessions": f"{len(days)}", "Could trade": share(float((days == Reason.ENTERED).mean()))}
    blocked = days[days != Reason.ENTERED].value_counts()
    for reason, count in blocked.head(SHOWN).items():
        told[f"  {words(str(reason))}"] = share(count / len(days))
    if trades.empty:
        return told
    credit = premium_of(fills)
    costs = (trades.fees + trades.slippage).sum()
    structural, loss = trades.structural_loss, trades.planned_loss
    return told | {
        "Credit of a trade, median, USD": usd(float(credit.median())),
        "Planned loss of a trade, USD": usd(float(loss.median())),
        "Structural loss, median, USD": usd(float(structural.median())),
        "  largest, USD": usd(float(structural.max())),
        "  in planned losses, median": ratio(float((structural / loss).median())),
        "Worst trade, in planned losses": ratio(float((trades.net / loss).min())),
        "Costs as a share of the credit": share(float(costs / credit.sum())),
        "Implied over realised to break even": _ratio(break_even_ratio(opened_of(setup, fills))),
        "  measured on the market": f"{1 + EMPIRICAL[0]:g} to {1 + EMPIRICAL[1]:g}",
    }


def _ratio(value: float) -> str:
    if math.isinf(value):
        return "none: costs above the credit"
    return ratio(value) if math.isfinite(value) else "none: it pays for more than it sells"


def premium_of(fills: pd.DataFrame) -> pd.Series:
    """Return the credit of every trade, USD: options sold less the wings bought.

    Puts under shares are the floor of the shares, and not taken off.
    """
    opening = fills[fills.opening]
    options = opening.instrument.str.fullmatch(OPTION.pattern)
    with_shares = set(opening.trade_id[~options])
    legs = opening[options & ((opening.quantity < 0) | ~opening.trade_id.isin(with_shares))]
    return -(legs.price * legs.quantity * legs.multiplier).groupby(legs.trade_id).sum()


def opened_of(setup: Setup, fills: pd.DataFrame) -> list[Opened]:
    """Return trades as they were opened, at most `MOST` of them, with the volatilities of their chains."""
    opening = fills[fills.opening]
    known = opening.trade_id.unique()
    chosen = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST)).astype(int))]
    stamps = next(iter(setup.bars.values())).stamp
    return [_opened(setup, opening[opening.trade_id == number], stamps) for number in chosen]


def _opened(setup: Setup, legs: pd.DataFrame, stamps: np.ndarray) -> Opened:
    symbol = str(legs.symbol.iloc[0])
    setup.book.move(int(np.searchsorted(stamps, legs["at"].max().value)))
    matched = [re.fullmatch(OPTION, text) for text in legs.instrument]
    expiries = [pd.Timestamp(match["day"]).date() for match in matched if match]
    chain = setup.book.chain(symbol, expiries[0])
    strike, sd, call = np.full(len(legs), np.nan), np.full(len(legs), np.nan), np.zeros(len(legs), bool)
    for row, match in enumerate(matched):
        if match:
            strike[row], call[row] = float(match["strike"]), match["right"] == "C"
            at = np.flatnonzero((chain.strike == strike[row]) & (chain.call == call[row]))
            sd[row] = float(chain.iv[at[0]]) * math.sqrt(chain.years) if len(at) else np.nan
    quantity = (legs.quantity * legs.multiplier).to_numpy(np.float64)
    paid = float((legs.price * quantity).sum() + legs.fees.sum())
    return Opened(quantity, strike, sd, call, float(chain.forward), paid)


def section_of(columns: Mapping[str, Mapping[str, str]]) -> Section:
    """Return the table, a column a bot; a row some bot has nothing to say of is a dash there."""
    names = list(dict.fromkeys(name for held in columns.values() for name in held))
    blocked = [name for name in names if _is_reason(name)]
    first = ["Sessions", "Could trade"]
    order = first + blocked + [name for name in names if name not in (*first, *blocked)]
    rows = tuple((name, tuple(held.get(name, "–") for held in columns.values())) for name in order)
    text = (
        "Each bot alone, with all its filters open: what the calendar, the quotes, the costs and the limits "
        "leave. Below it what stood in the way on the other days, for the minutes that came furthest. The "
        "ratio is of trades held to their expiry, entered at the natural price, and of no direction."
    )
    return Section("Feasible", text, tuple(words(bot) for bot in columns), rows, "")


def _is_reason(name: str) -> bool:
    return name.strip().replace(" ", "_") in set(Reason)
