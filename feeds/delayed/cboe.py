"""Cboe's delayed quotes: one JSON document with the whole chain of an underlying."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import numpy as np

from engine.errors import DataError
from engine.options.contract import Product, Settlement
from engine.sessions import NEW_YORK
from feeds.delayed.snapshot import Snapshot, quotes_table

NAME = "Cboe delayed quotes"
DELAY = timedelta(minutes=15)
OPTION = re.compile(r"([A-Z0-9]{1,6}?)(\d{6})([CP])(\d{8})")


def address(template: str, product: Product) -> str:
    """Return the document's address; the template names ``{symbol}``, an index with a leading ``_``."""
    index = product.settlement is not Settlement.PHYSICAL
    return template.replace("{symbol}", f"_{product.symbol}" if index else product.symbol)


def parse(body: bytes, product: Product) -> Snapshot:
    """Return the chain of a document.

    A contract whose class is not the product's own (SPX beside SPXW) settles on the open.

    Raises
    ------
    DataError
        It is no such document, or one of another underlying; names the place.
    """
    try:
        told = json.loads(body)
    except ValueError:
        start = body[:40].decode("utf-8", "replace").strip()
        raise DataError(f"{NAME}: the answer is no JSON, it begins {start!r}") from None
    try:
        data = told["data"]
        symbol = str(data["symbol"]).lstrip("^_")
        if symbol != product.symbol:
            raise DataError(f"{NAME}: the document is of {symbol}, expected {product.symbol}")
        at = _instant(told["timestamp"], data.get("last_trade_time"))
        spot = float(data["current_price"])
        options = data["options"]
        if not isinstance(options, list) or not options:
            raise DataError(f"{NAME}: the document of {symbol} holds no options")
        rows, iv, delta = [], [], []
        for number, option in enumerate(options):
            rows.append(_row(option, product, at, spot, number))
            iv.append(_known(option.get("iv")))
            delta.append(float(option["delta"]) if _known(option.get("iv")) > 0.0 else nan)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{NAME}: the document is not in the known format ({type(error).__name__}: {error})"
        ) from None
    return Snapshot(NAME, product, at, spot, quotes_table(rows), np.array(iv), np.array(delta))


def _row(option: dict[str, Any], product: Product, at: datetime, spot: float, number: int) -> dict[str, Any]:
    match = OPTION.fullmatch(str(option["option"]))
    if match is None:
        raise DataError(
            f"{NAME}: option {number + 1} is {option['option']!r}, expected a name like SPXW240102C04700000"
        )
    root, day, right, strike = match.groups()
    bid, ask = float(option["bid"]), float(option["ask"])
    own = root == product.trading_class
    return {
        "stamp": at.astimezone(UTC),
        "expiry": datetime.strptime(day, "%y%m%d").date(),
        "strike": int(strike) / 1000.0,
        "call": right == "C",
        "am": not own and product.settlement is not Settlement.PHYSICAL,
        "root": root,
        "bid": bid if bid > 0.0 else None,
        "ask": ask if ask > 0.0 else None,
        "bid_size": int(option.get("bid_size") or 0),
        "ask_size": int(option.get("ask_size") or 0),
        "spot": spot if spot > 0.0 else None,
        "volume": int(option.get("volume") or 0),
        "open_interest": int(option.get("open_interest") or 0),
    }


def _instant(stamp: str, last: str | None) -> datetime:
    """Return the New York time the quotes are of: the underlying's last, else the stamp less the delay."""
    if last:
        return datetime.fromisoformat(last).replace(tzinfo=NEW_YORK)
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).astimezone(NEW_YORK) - DELAY


def _known(value: Any) -> float:
    return float(value) if value else nan
