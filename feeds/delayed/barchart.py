"""Barchart's OnDemand equity options: delayed chains behind a key."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from math import nan
from typing import Any

import numpy as np

from engine.errors import DataError
from engine.options.contract import Product
from engine.sessions import NEW_YORK
from feeds.delayed.snapshot import Snapshot, quotes_table

NAME = "Barchart delayed quotes"
FIELDS = "bid,ask,bidSize,askSize,volatility,delta,openInterest,volume,underlyingLastPrice"


def parameters(product: Product, key: str) -> dict[str, str]:
    """Return what the address asks for; the key stays out of every message."""
    return {"apikey": key, "underlying_symbols": product.symbol, "fields": FIELDS}


def parse(body: bytes, product: Product) -> Snapshot:
    """Return the chain of an answer; volatility comes in percent and is given as a decimal.

    Raises
    ------
    DataError
        It is no such answer, says that something is wrong, or holds another underlying.
    """
    try:
        told = json.loads(body)
    except ValueError:
        raise DataError(f"{NAME}: the answer is no JSON") from None
    try:
        status = told["status"]
        if int(status["code"]) != 200:
            raise DataError(f"{NAME}: {status.get('message') or 'refused'} ({status['code']})")
        results = told["results"] or []
        if not results:
            raise DataError(f"{NAME}: has no options of {product.symbol}")
        others = {str(row["underlying_symbol"]) for row in results} - {product.symbol}
        if others:
            raise DataError(f"{NAME}: the answer holds {sorted(others)[0]}, expected {product.symbol}")
        at = max(datetime.fromisoformat(row["date"]) for row in results)
        at = (at if at.tzinfo else at.replace(tzinfo=NEW_YORK)).astimezone(NEW_YORK)
        spot = _number(results[0].get("underlyingLastPrice"))
        rows = [_row(row, product, at, spot) for row in results]
        iv = [_number(row.get("volatility")) / 100.0 for row in results]
        delta = [_number(row.get("delta")) for row in results]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{NAME}: the answer is not in the known format ({type(error).__name__}: {error})"
        ) from None
    return Snapshot(NAME, product, at, spot, quotes_table(rows), np.array(iv), np.array(delta))


def _row(row: dict[str, Any], product: Product, at: datetime, spot: float) -> dict[str, Any]:
    right = str(row["type"]).lower()
    if right not in ("call", "put"):
        raise DataError(f"{NAME}: type is {row['type']!r}, expected Call or Put")
    bid, ask = _number(row.get("bid")), _number(row.get("ask"))
    return {
        "stamp": at.astimezone(UTC),
        "expiry": date.fromisoformat(str(row["expirationDate"])[:10]),
        "strike": float(row["strike"]),
        "call": right == "call",
        "am": False,
        "root": product.trading_class,
        "bid": bid if bid > 0.0 else None,
        "ask": ask if ask > 0.0 else None,
        "bid_size": int(row.get("bidSize") or 0),
        "ask_size": int(row.get("askSize") or 0),
        "spot": spot if spot > 0.0 else None,
        "volume": int(row.get("volume") or 0),
        "open_interest": int(row.get("openInterest") or 0),
    }


def _number(value: Any) -> float:
    return float(value) if value not in (None, "") else nan
