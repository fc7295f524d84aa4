"""A delayed chain, whoever published it: rows of the quote store and the vendor's own figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import DataError
from engine.options.chain import Chain
from engine.options.clock import SESSIONS_PER_YEAR, VarianceClock
from engine.options.contract import Product, Settlement
from engine.options.quoted import make_chain
from engine.sessions import close_minute, is_session, session_dates
from feeds.store.schema import QUOTES

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Quotes of one underlying at one instant.

    ``at`` is the New York time they are of, ``table`` has rows of `schema.QUOTES`; ``iv`` and
    ``delta`` are the vendor's own (NaN where it gives none), row for row, never mixed with ours.
    """

    source: str
    product: Product
    at: datetime
    spot: float
    table: pa.Table
    iv: Floats
    delta: Floats

    @property
    def expiries(self) -> list[date]:
        """Expiries not yet past, rising."""
        found = {day for day in self.table["expiry"].to_pylist() if day >= self.at.date()}
        return sorted(found)

    def chain(self, expiry: date) -> Chain:
        """Return one expiry with forward, volatilities and greeks of our own.

        Raises
        ------
        DataError
            Nothing expires then, the day is no trading day, or its quotes are all one-sided.
        """
        today = self.at.date()
        if not is_session(today):
            raise DataError(f"{self.source}: its quotes are of {today}, which is no trading day")
        am = self.product.settlement is Settlement.CASH_AM
        rows = self.table.to_pandas()
        rows = rows[(rows.expiry == expiry) & (rows.am == am)].drop_duplicates(["call", "strike"])
        if rows.empty or rows.call.nunique() < 2:
            held = ", ".join(str(day) for day in self.expiries[:6]) or "none"
            raise DataError(
                f"{self.product.symbol} expiry {expiry}: {self.source} has no chain of it; it has {held}"
            )
        rows = rows.sort_values(["call", "strike"], ascending=[False, True])
        close = close_minute(today)
        minute = min(self.at.hour * 60 + self.at.minute, close)
        ahead = len(session_dates(today, expiry)) - 1
        years = float(VarianceClock().years_left(minute, close)) + ahead / SESSIONS_PER_YEAR
        columns = (rows[name].to_numpy(float) for name in ("strike", "bid", "ask"))
        strike, bid, ask = columns
        return make_chain(
            self.product, expiry, self.at, self.spot, years, strike, rows.call.to_numpy(bool), bid, ask
        )


def quotes_table(rows: list[dict[str, object]]) -> pa.Table:
    """Return rows as a table of `schema.QUOTES`; no bid or ask is null, not nought."""
    return pa.Table.from_pylist(rows, schema=QUOTES)
