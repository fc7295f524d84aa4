"""What came of variants, and the file that remembers it: a line each, on the disk before it is used."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_sessions: dict[tuple[str, ...], tuple[str, ...]] = {}


@dataclass(frozen=True)
class BotDays:
    """What a bot did: USD in all and, by day of entry, of those days that had a trade."""

    trades: int
    net: float
    fees: float
    slippage: float
    worst: float
    day: tuple[str, ...]
    day_net: tuple[float, ...]
    day_costs: tuple[float, ...]
    day_trades: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a variant: ``error`` is empty unless it failed; ``sessions`` are ISO dates."""

    key: str
    changes: Mapping[str, Any]
    signals: str
    seconds: float
    error: str
    cash: float
    sessions: tuple[str, ...]
    bots: Mapping[str, BotDays]

    def to_line(self) -> str:
        """Return the outcome as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def of_line(cls, line: str | bytes) -> Outcome:
        """Return the outcome a line tells; ValueError, KeyError or TypeError when it does not."""
        told = json.loads(line)
        sessions = same(tuple(told["sessions"]))
        bots = {
            name: BotDays(
                **{key: tuple(value) if isinstance(value, list) else value for key, value in held.items()}
            )
            for name, held in told.pop("bots").items()
        }
        return cls(**(told | {"bots": bots, "sessions": sessions}))


def same(sessions: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object for equal sessions: thousands of outcomes have the same."""
    return _sessions.setdefault(sessions, sessions)


def days_of(bot: str, trades: Iterable[Any]) -> BotDays:
    """Return what a bot did, from the trades of all."""
    days: dict[str, list[float]] = {}
    mine = [trade for trade in trades if trade.bot == bot]
    for trade in mine:
        row = days.setdefault(trade.entry_time.date().isoformat(), [0.0, 0.0, 0])
        row[0] += trade.net
        row[1] += trade.fees + trade.slippage
        row[2] += 1
    return BotDays(
        trades=len(mine),
        net=round(sum(trade.net for trade in mine), 2),
        fees=round(sum(trade.fees for trade in mine), 2),
        slippage=round(sum(trade.slippage for trade in mine), 2),
        worst=round(min((trade.net for trade in mine), default=0.0), 2),
        day=tuple(days),
        day_net=tuple(round(row[0], 2) for row in days.values()),
        day_costs=tuple(round(row[1], 2) for row in days.values()),
        day_trades=tuple(int(row[2]) for row in days.values()),
    )


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Return the finished variants of a results file by key; failed and torn lines are left out."""
    found: dict[str, Outcome] = {}
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                try:
                    outcome = Outcome.of_line(line)
                except (ValueError, KeyError, TypeError):
                    continue  # the line a killed search was writing
                if not outcome.error:
                    found[outcome.key] = outcome
    return found


def append(path: Path, outcome: Outcome) -> None:
    """Add an outcome to a results file; when this returns it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            torn = stream.read(1) != b"\n"  # by a kill: the next line must stand by itself
        else:
            torn = False
        stream.write((b"\n" if torn else b"") + outcome.to_line().encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
