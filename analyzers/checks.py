"""Did the run keep its own rules? Asked of the trades, not of the governor that enforces them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import pandas as pd

from analyzers.result import NEW_YORK, RunResult
from engine.sessions import CLOSE_MINUTE, close_minute

GRACE = 5  # minutes an order to leave may take: told to leave by flat_by, flat by five minutes later
CENT = 0.005


@dataclass(frozen=True)
class Check:
    """One rule held against all trades: what it allows, the worst seen, how often it was broken.

    An ``aim`` may be missed without a limit being broken.
    """

    rule: str
    limit: str
    worst: str
    breaches: int
    aim: bool = False


def checks(result: RunResult) -> list[Check]:
    """Return how the run kept its rules, one row a rule; no rows without trades."""
    risk, trades = result.settings["risk"], result.trades
    if trades.empty:
        return []
    first, last, flat = (minute_of(risk[name]) for name in ("window_first", "window_last", "flat_by"))
    entry, leave = minutes(trades.entry_time), minutes(trades.exit_time)
    closes = session_closes(trades)
    early = CLOSE_MINUTE - closes
    outside = (entry < first) | (entry > last - early)
    left = leave + early  # a half day's clock runs ahead by what it is short
    over = -trades.net - trades.structural_loss
    stopped = -trades.net - trades.planned_loss
    reserved = trades.structural_loss - trades.bot.map(lambda bot: budget_of(risk, bot)[1]["structural_loss"])
    days = day_losses(result)
    used = (days.lost / days.cap).max() if len(days) else 0.0
    half = int((early > 0).sum())
    found = [
        Check(
            "Entries in the window",
            f"{clock(first)} to {clock(last)}",
            f"{clock(entry.min())} to {clock(entry.max())}",
            int(outside.sum()),
        ),
        Check(
            "Flat before the close",
            f"by {clock(flat + GRACE)}",
            f"last {clock(left.max())}",
            int((left > flat + GRACE).sum()),
        ),
        Check(
            "Structural loss within its budget",
            "the budget's",
            f"nearest {usd(-reserved.max())} below"
            if reserved.max() <= 0.0
            else f"{usd(reserved.max())} over",
            int((reserved > CENT).sum()),
        ),
        Check(
            "No trade loses more than its structure",
            "structural loss",
            f"nearest {usd(-over.max())} short of it" if over.max() <= 0.0 else f"{usd(over.max())} beyond",
            int((over > CENT).sum()),
        ),
        Check("Day's losses within their cap", "day cap", f"{used:.0%} of it", len(excess_days(days))),
        Check(
            "Stopped at the planned loss",
            "planned loss, an aim",
            f"{usd(max(stopped.max(), 0.0))} beyond",
            int((stopped > CENT).sum()),
            aim=True,
        ),
    ]
    if not risk["half_days"]:
        found.insert(2, Check("No entries on half days", "none", f"{half} trades", half))
    return found


def day_losses(result: RunResult) -> pd.DataFrame:
    """Return the losses taken a day and budget: day, budget, lost, cap (USD), trades (their rows)."""
    risk = result.settings["risk"]
    losses = result.trades[result.trades.net < 0.0]
    rows = []
    if len(losses):
        day = losses.exit_time.dt.tz_convert(NEW_YORK).dt.date
        budget = losses.bot.map(lambda bot: budget_of(risk, bot)[0])
        grouped = losses.groupby([day, budget])
        places = grouped.groups
        for key, net in grouped.net.sum().to_dict().items():
            when, name = cast("tuple[date, str]", key)
            cap = budget_of(risk, name)[1]["day_cap"]
            rows.append((when, name, -float(net), cap, places[when, name]))
    return pd.DataFrame(rows, columns=["day", "budget", "lost", "cap", "trades"])


def excess_days(days: pd.DataFrame) -> pd.DataFrame:
    """Return the days of `day_losses` that lost more than their cap."""
    return days[days.lost > days.cap + CENT]


def day_loss_excesses(result: RunResult) -> list[str]:
    """Return one line for every day whose realised losses passed their budget's cap, with the why."""
    days: Iterable[Any] = excess_days(day_losses(result)).itertuples()
    return [_explained(row.day, row.budget, row.lost, row.cap, result.trades.loc[row.trades]) for row in days]


def _explained(when: date, name: str, lost: float, cap: float, part: pd.DataFrame) -> str:
    gaps = part[-part.net > part.structural_loss + CENT]
    if len(gaps):
        beyond = float((-gaps.net - gaps.structural_loss).sum())
        why = f"gap: {', '.join(gaps.order_ref)} lost {beyond:.2f} USD more than their structures reserve"
    else:
        why = "unexplained: losses of trades opened within the cap, please report"
    return f"{when} {name}: lost {lost:.2f} USD, cap {cap:.2f}; {why}"


def budget_of(risk: Mapping[str, Any], bot: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the limits of the budget a bot draws on."""
    own = risk["budgets"].get(bot)
    return ("shared", risk) if own is None else (bot, own)


def minute_of(value: str | int) -> int:
    """Return minutes after midnight of ``"HH:MM"``."""
    if isinstance(value, int):
        return value
    hours, rest = value.split(":")
    return int(hours) * 60 + int(rest)


def minutes(times: pd.Series) -> pd.Series:
    """Return minutes after midnight New York."""
    local = times.dt.tz_convert(NEW_YORK)
    found: pd.Series = local.dt.hour * 60 + local.dt.minute
    return found


def session_closes(trades: pd.DataFrame) -> pd.Series:
    """Return the close minute of the day each trade was opened on."""
    closes: pd.Series = trades.entry_time.dt.tz_convert(NEW_YORK).dt.date.map(close_minute)
    return closes


def clock(minute: float) -> str:
    """Return minutes after midnight as a clock shows them."""
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"


def usd(amount: float) -> str:
    """Return an amount for a sentence."""
    return f"{amount:,.2f} USD"
