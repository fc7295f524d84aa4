"""Regulation T margin of option and share positions, as Interactive Brokers applies it.

Initial requirements in USD, before premium. A spread binds its loss at expiry, provided
the long option does not expire first; of an iron condor with equal sides only one counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.options.contract import Contract, Right, Settlement

Held = tuple[Contract, int]

STOCK_INITIAL = 0.50
NAKED_INDEX = 0.15
NAKED_SHARES = 0.20
NAKED_FLOOR = 0.10


def uncovered(options: Iterable[Held], shares: int, multiplier: int) -> list[Held]:
    """Return the options left after shares have covered what they can.

    Long shares cover short calls, short shares cover short puts, dearest first.
    """
    left = abs(shares) // multiplier
    right = Right.CALL if shares > 0 else Right.PUT
    rest = []
    for contract, ratio in _dearest_first(options):
        used = min(left, max(-ratio, 0)) if contract.right is right else 0
        left -= used
        if ratio + used:
            rest.append((contract, ratio + used))
    return rest


def shares_requirement(shares: int, price: float) -> float:
    """Return what shares bind: half their value, of which the purchase itself is a part.

    Bought shares are paid for, so that what they bind beside their price is negative;
    shares sold short bind their proceeds and half their value.
    """
    value = shares * price
    return (STOCK_INITIAL - 1.0) * value if shares > 0 else -(STOCK_INITIAL + 1.0) * value


def requirement(options: Iterable[Held], spot: float | None) -> float:
    """Return what options bind, in USD; without ``spot`` naked ones count as at the money."""
    held = list(options)
    put = _side([one for one in held if one[0].right is Right.PUT], spot)
    call = _side([one for one in held if one[0].right is Right.CALL], spot)
    if put != call:
        return put + call
    one_expiry = len({contract.expiry for contract, _ in held}) == 1
    defined = sum([ratio for _, ratio in held]) >= 0
    return put if one_expiry and defined else put + call


def naked(contract: Contract, spot: float | None) -> float:
    """Return what one short option without cover binds, in USD."""
    physical = contract.product.settlement is Settlement.PHYSICAL
    share = NAKED_SHARES if physical else NAKED_INDEX
    price = contract.strike if spot is None else spot
    out = contract.strike - price if contract.right is Right.CALL else price - contract.strike
    return max(share * price - max(out, 0.0), NAKED_FLOOR * contract.strike) * contract.multiplier


def _dearest_first(options: Iterable[Held]) -> list[Held]:
    """Order calls by rising and puts by falling strike, calls first."""
    return sorted(
        options, key=lambda h: (h[0].right, h[0].strike if h[0].right is Right.CALL else -h[0].strike)
    )


def _side(options: list[Held], spot: float | None) -> float:
    """Return what the calls, or the puts, bind: each short with its cover, the rest naked."""
    if all(ratio > 0 for _, ratio in options):
        return 0.0
    ordered = _dearest_first(options)
    covers = [contract for contract, ratio in ordered for _ in range(ratio)]
    total = 0.0
    for contract, ratio in ordered:
        for _ in range(-ratio):
            cover = next((c for c in covers if c.expiry >= contract.expiry), None)
            if cover is None:
                total += naked(contract, spot)
                continue
            covers.remove(cover)
            gap = cover.strike - contract.strike
            width = gap if contract.right is Right.CALL else -gap
            total += max(width, 0.0) * contract.multiplier
    return total
