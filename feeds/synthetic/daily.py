"""The real daily layer that conditioned minutes are hung on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.bars import LEAP, VIX_POINTS
from engine.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
WEEK = 7  # days after which prices may stand anywhere
_EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True, eq=False)
class Daily:
    """Daily index prices and VIX, one row per session; VIX open, high and low may be NaN."""

    dates: tuple[date, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    vix_open: Floats
    vix_high: Floats
    vix_low: Floats
    vix_close: Floats
    source: str
    digest: str

    def __len__(self) -> int:
        return len(self.dates)

    def check(self) -> Daily:
        """Return the rows themselves, or raise DataError naming day and column."""
        if len(self) < 2:
            raise DataError(f"{self.source}: {len(self)} days with prices and VIX; expected at least 2")
        for name in ("open", "high", "low", "close", "vix_close"):
            values = getattr(self, name)
            bad = ~(np.isfinite(values) & (values > 0.0))
            if bad.any():
                at = int(np.argmax(bad))
                raise DataError(
                    f"{self.source}: {name} is {values[at]:.10g} on {self.dates[at]}; "
                    "expected a positive price"
                )
        low, high = VIX_POINTS
        no_points = (self.vix_close < low) | (self.vix_close > high)
        if no_points.any():
            at = int(np.argmax(no_points))
            raise DataError(
                f"{self.source}: VIX is {self.vix_close[at]:.10g} on {self.dates[at]}; "
                "expected points like 13.5"
            )
        steps = np.abs(np.log(self.open[1:] / self.close[:-1]))
        days = np.diff(np.array(self.dates, "datetime64[D]")).astype(np.int64)
        leaps = (steps >= np.log(LEAP)) & (days <= WEEK)
        if leaps.any():
            at = int(np.argmax(leaps))
            raise DataError(
                f"{self.source}: open is {self.open[at + 1]:.10g} on {self.dates[at + 1]} after "
                f"{self.close[at]:.10g}; expected prices without a split or a misplaced point"
            )
        for at in range(1, len(self)):
            if self.dates[at] <= self.dates[at - 1]:
                raise DataError(
                    f"{self.source}: {self.dates[at]} follows {self.dates[at - 1]}; expected rising days"
                )
        wrong = (self.high < np.maximum(self.open, self.close)) | (
            self.low > np.minimum(self.open, self.close)
        )
        if wrong.any():
            at = int(np.argmax(wrong))
            raise DataError(
                f"{self.source}: high {self.high[at]:.10g} and low {self.low[at]:.10g} do not hold open "
                f"{self.open[at]:.10g} and close {self.close[at]:.10g} on {self.dates[at]}"
            )
        return self


def embedded() -> Daily:
    """Load the S&P 500 and VIX days shipped with the package ``arch`` (2014-01-03..2018-12-31)."""
    index = _shipped("sp500")
    vix = _shipped("vix")["vix"].dropna()
    both = index.index.intersection(vix.index)
    index = index.loc[both]
    nothing = np.full(len(both), np.nan)
    return _make(
        both,
        {name: index[name.capitalize()] for name in ("open", "high", "low", "close")}
        | {"vix_open": nothing, "vix_high": nothing, "vix_low": nothing, "vix_close": vix.loc[both]},
        "S&P 500 and VIX daily, PyPI package arch",
    )


def daily_digest(path: Path | None) -> str:
    """Return a digest of the file of daily rows, or of the package's own, without reading them as tables.

    Empty for what cannot be read: whoever reads it will say so.

    Raises
    ------
    DataError
        The package is not there.
    """
    files = [_place("sp500"), _place("vix")] if path is None else [path]
    told = hashlib.sha256()
    try:
        for file in files:
            told.update(hashlib.sha256(file.read_bytes()).digest())
    except OSError:
        return ""
    return told.hexdigest()


def _place(name: str) -> Path:
    found = find_spec("arch")
    if found is None or found.origin is None:
        raise DataError("daily data: package arch is not installed, expected it beside this one")
    return Path(found.origin).parent / "data" / name / f"{name}.csv.gz"


def _shipped(name: str) -> pd.DataFrame:
    """Read one of arch's tables without importing the package, which takes longer than a backtest."""
    import pandas as pd

    path = _place(name)
    try:
        table = pd.read_csv(path, index_col="Date", parse_dates=["Date"])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from error
    numbers: pd.DataFrame = table.apply(pd.to_numeric, errors="coerce")
    return numbers


def from_file(path: Path) -> Daily:
    """Load daily rows ``date, symbol, open, high, low, close`` holding the symbols SPX and VIX.

    Parquet or CSV. VIX rows with a close only are enough.
    """
    import pandas as pd

    if not path.is_file():
        raise DataError(f"daily file {path}: no such file")
    try:
        table = (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, parse_dates=["date"])
        )
    except (ValueError, OSError) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"daily file {path}: cannot be read as a table ({why})") from error
    missing = {"date", "symbol", "open", "high", "low", "close"} - set(table.columns)
    if missing:
        raise DataError(f"daily file {path}: no column {sorted(missing)[0]!r}; it has {list(table.columns)}")
    parts = {}
    for symbol in ("SPX", "VIX"):
        part = table[table["symbol"] == symbol]
        if part.empty:
            held = sorted(set(table["symbol"]))
            raise DataError(f"daily file {path}: no rows of symbol {symbol}; it has {held}")
        parts[symbol] = part.set_index("date")
        if parts[symbol].index.has_duplicates:
            twice = parts[symbol].index[parts[symbol].index.duplicated()][0]
            raise DataError(f"daily file {path}: {symbol} has two rows of {twice:%Y-%m-%d}")
    both = parts["SPX"].index.intersection(parts["VIX"].index).sort_values()
    columns = {name: parts["SPX"].loc[both, name] for name in ("open", "high", "low", "close")}
    columns |= {f"vix_{name}": parts["VIX"].loc[both, name] for name in ("open", "high", "low", "close")}
    return _make(both, columns, f"daily file {path.name}")


def _make(index: Any, columns: dict[str, Any], source: str) -> Daily:
    arrays = {name: np.ascontiguousarray(values, np.float64) for name, values in columns.items()}
    days = np.asarray(index, "datetime64[D]")
    digest = hashlib.sha256(days.astype(np.int64).tobytes())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return Daily(dates=tuple(days.astype(object)), source=source, digest=digest.hexdigest(), **arrays).check()
