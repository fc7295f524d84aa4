"""A short rehearsed session: the real session at the real gateway, an hour of a day in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from engine.gateway.gateway import Gateway
from engine.journal.queries import Reader
from scripts.live.plan import Plan
from scripts.live.rehearse import Rehearsal, stage
from scripts.live.session import play
from scripts.live.watch import Outcome

CONFIG = Path(__file__).parents[2] / "config"
DAY = date(2018, 5, 8)  # a calm Tuesday on which condor and putlite find something to sell
SPEED = math.inf  # in lockstep: the same on a busy machine
WALL = 240.0  # where other processes or clients take part
HOUR: dict[str, Any] = {  # a day cut short: in by 10:45, out by 11:05
    "risk": {"window_last": "10:45", "flat_by": "11:05"},
    "common": {"time_stop": "11:00"},
    "execution": {"entry_fraction_start": 1.0},  # filled at once, whatever the machine is busy with
    "ibkr": {"backfill_days": 1},
}


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


@dataclass
class Played:
    """A rehearsal and everything that can be held against each other."""

    outcome: Outcome
    gateway: Gateway
    plan: Plan

    def fills(self) -> list[dict[str, Any]]:
        """Return the journal's fills as mappings."""
        with Reader(self.plan.database) as reader:
            table = reader.fills(reader.history())
        return rows(table)

    def trades(self) -> list[dict[str, Any]]:
        """Return the journal's trades as mappings."""
        with Reader(self.plan.database) as reader:
            return rows(reader.trades(reader.history()))

    def check(self) -> None:
        """Hold the gateway's truth against the journal's: flat, every execution once, no order twice."""
        assert self.gateway.positions() == {}
        assert self.gateway.open_orders() == []
        self.check_executions()

    def check_executions(self) -> None:
        """Hold the gateway's executions and orders against the journal's fills."""
        legs = [one for one in self.gateway.executions() if one["secType"] != "BAG"]
        truth = sorted((one["execId"], sign(one) * one["shares"], round(one["price"], 6)) for one in legs)
        kept = sorted((one["exec_id"], one["quantity"], round(one["price"], 6)) for one in self.fills())
        assert kept == truth
        refs = [one["orderRef"] for one in self.gateway.orders()]
        assert len(refs) == len(set(refs))


def sign(execution: Mapping[str, Any]) -> int:
    return 1 if execution["side"] == "BOT" else -1


def request(folder: Path, faults: list[dict[str, Any]] | None = None, **more: Any) -> Rehearsal:
    """Return a short rehearsal; ``more`` replaces its fields."""
    script = None
    if faults:
        script = folder / "faults.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        script.write_text(yaml.safe_dump({"faults": faults}))
    overrides = {**HOUR, **more.pop("overrides", {})}
    given = {"bots": ("condor",), "first": 600, "speed": SPEED, "seed": 7, **more}
    return Rehearsal(CONFIG, folder / "rehearsal", (DAY,), overrides=overrides, faults=script, **given)


@contextmanager
def rehearsed(folder: Path, faults: list[dict[str, Any]] | None = None, **more: Any) -> Iterator[Played]:
    """Play a short rehearsal to its end; the gateway is still there to be asked."""
    with stage(request(folder, faults, **more)) as (gateway, plan):
        yield Played(play(plan), gateway, plan)
