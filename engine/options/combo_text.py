"""Combos as JSON and back, for what must survive the process."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from engine.errors import DataError
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Leg, Product, Right, Stock


def combo_to_json(combo: Combo) -> dict[str, Any]:
    """Return a combo as JSON values: symbol, structure and one row a leg."""
    return {
        "symbol": combo.symbol,
        "structure": combo.structure,
        "legs": [[*_instrument(leg.instrument), leg.ratio] for leg in combo.legs],
    }


def combo_from_json(raw: Mapping[str, Any], products: Mapping[str, Product]) -> Combo:
    """Return the combo that `combo_to_json` wrote down.

    Parameters
    ----------
    raw : mapping
    products : mapping of symbol to Product
        The facts of the underlying are taken from here.

    Raises
    ------
    DataError
        The symbol is not among the products, or the values are no combo.
    """
    try:
        symbol = raw["symbol"]
        if symbol not in products:
            raise DataError(f"kept combo: got symbol {symbol!r}, expected one of {sorted(products)}")
        legs = tuple(
            Leg(_leg(products[symbol], expiry, strike, right), ratio)
            for expiry, strike, right, ratio in raw["legs"]
        )
        return Combo(legs, raw["structure"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"kept combo: got {str(raw)[:60]!r}, expected a combo's JSON ({error})") from None


def _instrument(instrument: Instrument) -> tuple[str | None, float | None, str | None]:
    if isinstance(instrument, Stock):
        return None, None, None
    return instrument.expiry.isoformat(), instrument.strike, instrument.right.value


def _leg(product: Product, expiry: str | None, strike: float | None, right: str | None) -> Instrument:
    if expiry is None or strike is None or right is None:
        return Stock(product)
    return Contract(product, date.fromisoformat(expiry), float(strike), Right(right))
