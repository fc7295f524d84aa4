"""At-the-money volatility and skew of recorded days, kept so that a day is read once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.options.clock import SESSIONS_PER_YEAR
from engine.sessions import cache_home, replace_file, session_dates
from feeds.recorded.day import Sheet
from feeds.store.store import QuoteStore

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]

NEAR = 40  # sessions to an expiry whose forward differs from the price by little
VERSION = 1  # of what is kept; raise it when the arithmetic changes


@dataclass(frozen=True)
class Lines:
    """The lines of one underlying's recorded days.

    Parameters
    ----------
    store : QuoteStore
    symbol : str
    am : bool
        Read the series that settles on the open.
    max_age : int
        Nanoseconds after which a quote is not believed.
    """

    store: QuoteStore
    symbol: str
    am: bool
    max_age: int

    def of(self, day: date, stamps: Int64, years: Floats) -> tuple[Floats, Floats, Floats]:
        """Return implied volatility (annualised, on the clock), skew and forward at every bar of a day.

        All are of the nearest expiry quoted that day; NaN where the quotes do not tell, the
        forward also where that expiry is too far for it to stand near the price.

        Parameters
        ----------
        day : date
        stamps : array of int
            Ends of the day's bars, UTC nanoseconds.
        years : array of float
            Left of the session on the variance clock at each bar.
        """
        expiry, held = self._levels(day, stamps)
        ahead = len(session_dates(day, expiry)) - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            iv = held[:, 1] / np.sqrt(years + ahead / SESSIONS_PER_YEAR)
        iv[~np.isfinite(iv)] = np.nan
        forward = held[:, 0] if ahead <= NEAR else np.full(len(stamps), np.nan)
        return iv, held[:, 2], forward

    def _levels(self, day: date, stamps: Int64) -> tuple[date, Floats]:
        path = self.store.file(self.symbol, day)
        told = path.stat()
        mark = (VERSION, path.resolve(), told.st_mtime_ns, told.st_size, self.am, self.max_age)
        digest = hashlib.sha256(repr(mark).encode() + stamps.tobytes()).hexdigest()[:24]
        kept = cache_home() / "levels" / f"{digest}.npy"
        try:
            table = np.load(kept)
            return date.fromordinal(int(table[0, 0])), table[1:]
        except (OSError, ValueError):
            pass
        expiry, made = self._read(day, stamps)
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".npy")
            with os.fdopen(handle, "wb") as out:
                np.save(out, np.vstack([np.full((1, 3), float(expiry.toordinal())), made]))
            replace_file(kept, Path(part))
        except OSError:
            pass  # a full or read-only cache only costs the next start its time
        return expiry, made

    def _read(self, day: date, stamps: Int64) -> tuple[date, Floats]:
        for expiry in self.store.expiries(self.symbol, day):
            if expiry < day:
                continue
            sheet = Sheet.of(self.store.day(self.symbol, day, [expiry]), stamps, self.max_age, self.am)
            if sheet is not None:
                return expiry, sheet.levels()
        return day, np.full((len(stamps), 3), np.nan)
