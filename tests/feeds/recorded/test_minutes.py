"""Minute bars made of recorded quotes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import DataError
from feeds.model import ModelQuotes
from feeds.recorded.minutes import minutes
from feeds.store.schema import QUOTES
from feeds.store.store import QuoteStore
from scripts.synth_quotes import snapshots
from tests.feeds.recorded.conftest import MINUTE


def test_told_prices_become_the_bars(model: ModelQuotes, store: QuoteStore) -> None:
    bars = minutes(store, "SPX", None, None, MINUTE)
    want = model.tape.bars["SPX"]
    assert len(bars) == 2 * 390
    np.testing.assert_array_equal(bars.stamp, want.stamp[: 2 * 390])
    np.testing.assert_array_equal(bars.close, want.close[: 2 * 390])
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.open[1:390] == bars.close[:389]).all()


def test_parity_tells_the_price_where_the_recording_does_not(model: ModelQuotes, tmp_path: Path) -> None:
    table = snapshots(model, "SPX", 0, 0, 80)
    assert table is not None
    silent = table.set_column(
        table.schema.get_field_index("spot"), "spot", pa.nulls(len(table), pa.float64())
    )
    store = QuoteStore.create(tmp_path / "store")
    with store.batch({}) as batch:
        batch.write("SPX", model.tape.grid.dates[0], silent.cast(QUOTES))
    bars = minutes(store, "SPX", None, None, MINUTE)
    want = model.tape.bars["SPX"].close[:390]
    near = bars.close / want[np.searchsorted(model.tape.stamp[:390], bars.stamp)] - 1.0
    assert len(bars) > 380
    assert np.abs(near).max() < 2e-4
    assert any("put-call parity" in note for note in bars.notes)


def test_range_without_days_is_named(store: QuoteStore) -> None:
    with pytest.raises(DataError, match="no SPX quotes from 2020-01-02 to the end; it holds SPX"):
        minutes(store, "SPX", date(2020, 1, 2), None, MINUTE)
