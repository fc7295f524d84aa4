"""A morning of the model's quotes, and of a class that settles on the open beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Protocol

import pandas as pd
import pytest

from engine.settings import Settings
from engine.universe import load_universe
from feeds.model import ModelQuotes
from scripts.market import market
from scripts.synth_quotes import snapshots
from tests.feeds.recorded.conftest import CONFIG

DAY, MONTHLY = date(2018, 2, 5), date(2018, 2, 16)


@pytest.fixture(scope="session")
def quotes() -> pd.DataFrame:
    """Rows of the store's schema: sixty strikes every twelfth minute, one-sided wings among them."""
    universe = load_universe(CONFIG / "universe.json")
    book = market(Settings.load(CONFIG), universe, ["SPX"], timerange="20180205-20180205")[1]
    assert isinstance(book, ModelQuotes)
    made = snapshots(book, "SPX", 0, strikes=60)
    assert made is not None
    table: pd.DataFrame = made.to_pandas()
    minutes = table.stamp.drop_duplicates()
    table = table[table.stamp.isin(minutes[::12]) & (table.bid.notna() | table.ask.notna())]
    assert table.bid.isna().any() and table.bid.notna().any()
    monthly = table[table.bid.notna()].assign(expiry=MONTHLY, root="SPX", am=True)
    return pd.concat([table, monthly[:200]], ignore_index=True)


class PutQuotes(Protocol):
    """Write the quotes in a vendor's format, all or some of them."""

    def __call__(self, vendor: str, rows: pd.DataFrame | None = None) -> Path: ...


@pytest.fixture
def put_quotes(quotes: pd.DataFrame, tmp_path: Path) -> PutQuotes:
    from tests.feeds.store import vendors

    def write(vendor: str, rows: pd.DataFrame | None = None) -> Path:
        place = tmp_path / "in"
        place.mkdir(exist_ok=True)
        path: Path = getattr(vendors, vendor.replace("-", "_"))(quotes if rows is None else rows, place)
        return path

    return write
