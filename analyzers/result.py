"""What a run left behind, as one value and as one folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyzers.drawer import Drawer
from engine.errors import DataError

if TYPE_CHECKING:
    from analyzers.analysis import Analysis

NEW_YORK = "America/New_York"
TABLES = ("trades", "decisions", "fills", "orders", "halts", "market")


@dataclass(frozen=True)
class RunResult:
    """Everything a run produced.

    Tables: ``trades``, ``fills``, ``orders`` and ``halts`` have the fields of the records in
    `engine.journal.records`; ``decisions`` time, bot, symbol, reason, combo, credit and the
    bot's measures; ``market`` date, open, high, low, close and vix, one row a session.
    ``inputs`` are the files and the time range asked for. ``null_control`` holds, by bot, ``trades`` and
    ``net`` of the same run without a volatility premium, where that run was made. ``venue`` is where
    the orders went; outside the backtest ``market`` has no rows unless somebody kept them.
    """

    run_id: str
    created: datetime
    command: str
    git_commit: str
    config_digest: str
    seed: int | None
    settings: dict[str, Any]
    inputs: dict[str, str]
    data_notes: tuple[str, ...]
    assumptions: tuple[str, ...]
    sessions: tuple[date, ...]
    start_cash: float
    trades: pd.DataFrame
    decisions: pd.DataFrame
    fills: pd.DataFrame
    orders: pd.DataFrame
    halts: pd.DataFrame
    market: pd.DataFrame
    synthetic: bool
    timings: dict[str, float]
    null_control: dict[str, dict[str, float]] | None = None
    venue: str = "backtest"

    def head(self) -> dict[str, Any]:
        """Return all that is not a table, ready for JSON."""
        return {
            "run_id": self.run_id,
            "venue": self.venue,
            "created": self.created.isoformat(),
            "command": self.command,
            "git_commit": self.git_commit,
            "config_digest": self.config_digest,
            "seed": self.seed,
            "synthetic": self.synthetic,
            "start_cash": self.start_cash,
            "data_notes": list(self.data_notes),
            "assumptions": list(self.assumptions),
            "sessions": [day.isoformat() for day in self.sessions],
            "timings": {name: round(seconds, 3) for name, seconds in self.timings.items()},
            "null_control": self.null_control,
            "inputs": self.inputs,
            "settings": self.settings,
        }


def save(
    result: RunResult,
    analysis: Analysis,
    benchmarks: pd.DataFrame | None,
    out: Path,
    drawn: bool = True,
    drawer: Drawer | None = None,
) -> Path:
    """Write a run's folder and return it; the folder appears whole or not at all.

    Without ``drawn`` it holds the tables and ``summary.json`` alone. A ``drawer`` that got ready during
    the run draws the reports, else one begins here.

    Raises
    ------
    DataError
        The folder exists already.
    """
    target = out / result.run_id
    if target.exists():
        raise DataError(f"run folder {target} exists already; expected a new one")
    out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=out, prefix=".writing-"))
    drawer = drawer or (Drawer() if drawn else None)
    try:
        if drawer is not None:
            drawer.draw(result, analysis, benchmarks, place)
        _write(result, analysis, benchmarks, place)
        if drawer is not None:
            drawer.finish()
        place.chmod(0o755)
        os.replace(place, target)
    except BaseException:
        if drawer is not None:
            drawer.stop()
        shutil.rmtree(place, ignore_errors=True)
        raise
    return target


def _write(result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None, place: Path) -> None:
    """Write tables and figures."""
    from analyzers.analysis import passive_figures

    for name in TABLES:
        getattr(result, name).to_parquet(place / f"{name}.parquet", index=False)
    if benchmarks is not None:
        benchmarks.to_parquet(place / "benchmarks.parquet")
    told = {**analysis.to_summary(), "benchmarks": passive_figures(benchmarks), "run": result.head()}
    (place / "summary.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[RunResult, pd.DataFrame | None]:
    """Return a saved run and its benchmarks.

    Raises
    ------
    DataError
        The folder is no run, or a file of it is missing or broken; the line names it.
    """
    path = folder / "summary.json"
    try:
        head = json.loads(path.read_text(encoding="utf-8"))["run"]
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        held = folder / "benchmarks.parquet"
        benchmarks = pd.read_parquet(held) if held.is_file() else None
        values = {key: value for key, value in head.items() if key not in ("created", "sessions")}
        values["data_notes"], values["assumptions"] = tuple(head["data_notes"]), tuple(head["assumptions"])
        result = RunResult(
            created=datetime.fromisoformat(head["created"]),
            sessions=tuple(date.fromisoformat(day) for day in head["sessions"]),
            **(values | tables),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"run {folder}: cannot be read ({said}); expected a folder of mw backtest") from None
    return result, benchmarks
