"""One prepared market and one run of it, shared by the tests of whole backtests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.desk import Desk
from scripts.requests import BacktestRequest
from scripts.session import Setup, play, prepare

CONFIG = Path(__file__).parents[2] / "config"


def request(out: Path, **changes: Any) -> BacktestRequest:
    """Return a backtest of the shipped settings."""
    return BacktestRequest(config=CONFIG, out=out, **changes)


@pytest.fixture(scope="session")
def five_years(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    return prepare(request(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="session")
def played(five_years: Setup) -> Desk:
    return play(five_years)[0]


@pytest.fixture(scope="session")
def spx_year(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """One wild year at five points wide: many trades, stops and halts."""
    return prepare(request(tmp_path_factory.mktemp("runs"), profile="spx", timerange="20180102-20181231"))


@pytest.fixture(scope="session")
def spx_played(spx_year: Setup) -> Desk:
    return play(spx_year)[0]
