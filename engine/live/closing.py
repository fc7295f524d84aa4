"""How to be rid of options nobody knows a trade for: in which combos, in which order."""

from __future__ import annotations

from collections.abc import Mapping

from engine.options.combo import Combo
from engine.options.contract import Contract, Leg, Right

SPREAD, SINGLE = "held_spread", "held_option"


def parts(held: Mapping[Contract, int]) -> list[tuple[Combo, int]]:
    """Split what is held into combos, each with its units, in the order in which to sell them.

    Every short option is paired with the nearest long one of its right, symbol and expiry, so
    that no order takes the cover of a short away; short options without one come next, long
    options alone last. Selling all parts leaves nothing.

    Parameters
    ----------
    held : mapping of Contract to int
        Signed, zeros allowed.
    """
    left = {contract: count for contract, count in held.items() if count}
    pairs: list[tuple[Combo, int]] = []
    for short in sorted((one for one, count in left.items() if count < 0), key=_risk):
        while left.get(short, 0) < 0:
            cover = min(
                (one for one, count in left.items() if count > 0 and _covers(one, short)),
                key=lambda one: (one.expiry, abs(one.strike - short.strike)),
                default=None,
            )
            if cover is None:
                break
            units = min(-left[short], left[cover])
            pairs.append((Combo((Leg(short, -1), Leg(cover, 1)), SPREAD), units))
            left[short] += units
            left[cover] -= units
    alone = [
        (Combo((Leg(one, 1 if count > 0 else -1),), SINGLE), abs(count))
        for one, count in left.items()
        if count
    ]
    shorts = [one for one in alone if one[0].legs[0].ratio < 0]
    longs = [one for one in alone if one[0].legs[0].ratio > 0]
    return [*pairs, *shorts, *longs]


def uncovered(held: Mapping[Contract, int], shares: Mapping[str, int]) -> tuple[str, ...]:
    """Return the short options that neither another option nor shares cover.

    Parameters
    ----------
    held : mapping of Contract to int
    shares : mapping of symbol to int
        Shares held, signed.
    """
    free = dict(shares)
    found = []
    for combo, units in parts(held):
        (leg, *more) = combo.legs
        contract = leg.instrument
        if more or leg.ratio > 0 or not isinstance(contract, Contract):
            continue
        if contract.right is Right.CALL:
            covered = min(units, max(free.get(contract.symbol, 0), 0) // contract.multiplier)
            free[contract.symbol] = free.get(contract.symbol, 0) - covered * contract.multiplier
            units -= covered
        if units:
            found.append(f"{-units:+d} {contract}")
    return tuple(found)


def _covers(long: Contract, short: Contract) -> bool:
    same = long.symbol == short.symbol and long.product.trading_class == short.product.trading_class
    return same and long.expiry >= short.expiry and long.right is short.right


def _risk(short: Contract) -> tuple[str, int, float]:
    """Order shorts so that what has fewest covers, and then what is deepest in the money, is paired first."""
    depth = -short.strike if short.right is Right.PUT else short.strike
    return short.symbol, -short.expiry.toordinal(), depth
