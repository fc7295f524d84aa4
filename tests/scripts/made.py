"""A finished backtest in a folder, made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from analyzers.analysis import analyze
from analyzers.result import save
from engine.gate.fingerprint import strategy_files
from engine.settings import Settings
from scripts.origin import STRATEGIES, STRATEGY_FILES
from tests.analyzers.makers import CONFIG, DAYS, run, trade

TRADES = [trade(number, day, (9.0, -4.0, 14.0)[number % 3]) for number, day in enumerate(DAYS)]


def saved(out: Path, name: str = "made", **changes: Any) -> Path:
    """Save a run of one bot, with the settings and the strategy files of now unless told otherwise."""
    settings = Settings.load(CONFIG)
    values = {
        "run_id": name,
        "settings": settings.model_dump(mode="json"),
        "inputs": {STRATEGY_FILES: strategy_files(settings, ["condor"], STRATEGIES)},
    }
    result = replace(run(TRADES), **(values | changes))
    return save(result, analyze(result), None, out)
