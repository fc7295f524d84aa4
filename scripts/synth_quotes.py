"""The model's option quotes as a vendor would deliver them: one Parquet file a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from engine.errors import ConfigError
from engine.settings import Settings
from engine.universe import load_universe
from feeds.model import ModelQuotes
from feeds.store.schema import QUOTES
from scripts.files import put
from scripts.market import market
from scripts.progress import shown, watched


def snapshots(
    model: ModelQuotes, symbol: str, day: int, sessions: int = 0, strikes: int = 400
) -> pa.Table | None:
    """Return a day's model quotes at every bar, as rows of the store's schema.

    Parameters
    ----------
    model : ModelQuotes
    symbol : str
    day : int
        Number of the session among the bars' dates.
    sessions : int
        From today to the expiry.
    strikes : int
        How many, around the day's open.

    Returns
    -------
    pyarrow.Table or None
        None when no such expiry is listed that day.
    """
    product, grid = model.products[symbol], model.tape.grid
    first, stop = int(grid.first[day]), int(grid.last[day]) + 1
    model.move(first)
    expiry = model.expiry(symbol, sessions)
    if expiry is None:
        return None
    step = product.strike_step
    middle = round(model.spot(symbol) / step)
    strike = step * np.arange(max(middle - strikes // 2, 1), max(middle - strikes // 2, 1) + strikes)
    made = np.stack([model.sides(symbol, expiry, strike, bar) for bar in range(first, stop)])
    bars, contracts = made.shape[:2]
    size = np.where(np.isnan(made), 0, 50).astype(np.int32).reshape(-1, 2)
    closes = np.array([model.tape.close(symbol, bar) for bar in range(first, stop)])
    rows = bars * contracts
    quotes = made.reshape(-1, 2)
    return pa.table(
        {
            "stamp": pa.array(np.repeat(model.tape.stamp[first:stop], contracts)).cast(
                pa.timestamp("ns", "UTC")
            ),
            "expiry": pa.repeat(pa.scalar(expiry), rows),
            "strike": np.tile(np.concatenate([strike, strike]), bars),
            "call": np.tile(np.arange(contracts) < strikes, bars),
            "am": np.zeros(rows, bool),
            "root": pa.repeat(product.trading_class, rows),
            "bid": pa.array(quotes[:, 0], from_pandas=True),
            "ask": pa.array(quotes[:, 1], from_pandas=True),
            "bid_size": size[:, 0],
            "ask_size": size[:, 1],
            "spot": np.repeat(closes, contracts),
            "volume": pa.nulls(rows, pa.int64()),
            "open_interest": pa.nulls(rows, pa.int64()),
        }
    ).cast(QUOTES)


def synth_quotes(
    symbol: str,
    out: Path,
    timerange: str | None = None,
    strikes: int = 400,
    sessions: int = 0,
    seed: int | None = None,
    config: Path = Path("config"),
    console: Console | None = None,
) -> int:
    """Write the model's quotes of a symbol, a file a day, and say how many days.

    Parameters
    ----------
    symbol : str
        Of ``config/universe.json``.
    out : Path
        A folder; files of the same days in it are replaced.
    timerange, seed : optional
        In place of the settings'.
    strikes : int
        Of every day.
    sessions : int
        From each day to its quotes' expiry.
    config : Path
        Folder of the settings.
    console : rich.console.Console, optional

    Raises
    ------
    ConfigError
        An unknown symbol or range, or a folder that cannot be one.
    """
    if strikes < 1:
        raise ConfigError(f"strikes: got {strikes}, expected 1 or more")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"out: got {str(out)!r}, expected a folder")
    settings, universe = Settings.load(config), load_universe(config / "universe.json")
    console = console or Console()
    with shown(console, "Preparing bars and quotes"):
        _, model = market(settings, universe, [symbol], seed, timerange=timerange)
    assert isinstance(model, ModelQuotes)  # nothing recorded was asked for
    out.mkdir(parents=True, exist_ok=True)
    written, total = 0, len(model.tape.grid.dates)
    for day, table in watched(console, "Writing days", total, _days(model, symbol, sessions, strikes)):
        target = out / f"{symbol.lower()}-{day:%Y-%m-%d}.parquet"
        with put(target) as path:
            pq.write_table(table, path, compression="zstd")
        written += 1
    console.print(
        f"{out}: {written} days of model quotes, {strikes} strikes", highlight=False, soft_wrap=True
    )
    return written


def _days(model: ModelQuotes, symbol: str, sessions: int, strikes: int) -> Iterator[tuple[date, pa.Table]]:
    for number, day in enumerate(model.tape.grid.dates):
        table = snapshots(model, symbol, number, sessions, strikes)
        if table is not None:
            yield day, table
