"""A recording of the model's own quotes: whatever is asked of it, the model knows the answer."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from engine.settings import Settings
from engine.universe import load_universe
from feeds.model import ModelQuotes
from feeds.recorded.book import RecordedQuotes
from feeds.store.store import QuoteStore
from scripts.market import market
from scripts.synth_quotes import snapshots

CONFIG = Path(__file__).parents[3] / "config"
UNIVERSE = load_universe(CONFIG / "universe.json")
DAYS = "20180205-20180207"
MINUTE = 60_000_000_000


@pytest.fixture(scope="session")
def model() -> ModelQuotes:
    book = market(Settings.load(CONFIG), UNIVERSE, ["SPX"], timerange=DAYS)[1]
    assert isinstance(book, ModelQuotes)
    return book


@pytest.fixture(scope="session")
def store(model: ModelQuotes, tmp_path_factory: pytest.TempPathFactory) -> QuoteStore:
    """The first two of three days, each with the expiries of that day and the next."""
    made = QuoteStore.create(tmp_path_factory.mktemp("recorded") / "store")
    with made.batch({"source": "model"}) as batch:
        for number, day in enumerate(model.tape.grid.dates[:2]):
            tables = [snapshots(model, "SPX", number, ahead, strikes=200) for ahead in (0, 1)]
            batch.write("SPX", day, pa.concat_tables([table for table in tables if table is not None]))
    return made


def book_of(
    store: QuoteStore, model: ModelQuotes, mix: bool = False, max_age: int = MINUTE
) -> RecordedQuotes:
    return RecordedQuotes(store, model.tape.bars, model.products, model, max_age, mix)


@pytest.fixture(scope="session")
def recorded(store: QuoteStore, model: ModelQuotes) -> RecordedQuotes:
    return book_of(store, model)
