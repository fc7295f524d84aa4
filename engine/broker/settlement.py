"""The end of a position that nobody closed: cash settlement, exercise, assignment.

Whatever ends, ends the whole trade: shares that exercise leaves behind, and options of the
same trade that live on, are sold at once, so that nothing lingers unwatched. Settlement,
exercise and assignment themselves are free at the broker; share trades they lead to are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.options.american import exercise_before_dividend
from engine.options.contract import Contract, Instrument, Product, Right, Settlement, Stock
from engine.options.middle import middle
from engine.options.ticks import round_down, round_up

Sides = Callable[[Instrument], tuple[float, float] | None]
EXERCISE_LEAST = 0.01  # the clearing house exercises by itself from one cent in the money
_PENNY = 0.01


@dataclass(frozen=True, slots=True)
class Closing:
    """One leg on its way out: ``quantity`` traded (signed) at ``price``; ``traded`` when it pays fees."""

    instrument: Instrument
    quantity: int
    price: float
    traded: bool


def intrinsic(contract: Contract, spot: float) -> float:
    """Return what an expiring option is worth, USD per share, to the cent."""
    gap = spot - contract.strike if contract.right is Right.CALL else contract.strike - spot
    return round(max(gap, 0.0), 2)


def delivers(contract: Contract, spot: float) -> bool:
    """Tell whether an expiring option turns into shares."""
    return contract.product.settlement is Settlement.PHYSICAL and intrinsic(contract, spot) >= EXERCISE_LEAST


def called_away(contract: Contract, spot: float, side: tuple[float, float], dividend: float) -> bool:
    """Tell whether the owner of a call exercises it before the ex-dividend day.

    He does when the call is in the money and its time value is less than the dividend,
    which only the shares receive.
    """
    return exercise_before_dividend(middle(side)[0], spot, contract.strike, dividend)


def expire(
    held: Mapping[Instrument, int], ending: Sequence[Contract], spot: float, sides: Sides
) -> list[Closing]:
    """Return how a trade ends whose options ``ending`` expire at ``spot``.

    Cash-settled options pay their intrinsic value. Physically settled ones in the money by
    a cent or more turn into shares at the strike: long ones are exercised, short ones
    assigned. The shares left are closed at ``spot`` less half their spread, other options
    at what the market gives.
    """
    closings, shares = [], {i.product: n for i, n in held.items() if isinstance(i, Stock)}
    for contract in ending:
        count = held[contract]
        worth = intrinsic(contract, spot)
        if contract.product.settlement is not Settlement.PHYSICAL:
            closings.append(Closing(contract, -count, worth, False))
        else:
            closings += _deliver(contract, count, delivers(contract, spot), shares)
    rest = {i: n for i, n in held.items() if not isinstance(i, Stock) and i not in ending}
    return closings + _liquidate(shares, rest, spot, sides)


def assign(held: Mapping[Instrument, int], called: Contract, spot: float, sides: Sides) -> list[Closing]:
    """Return how a trade ends whose short call is exercised early by its owner."""
    shares = {i.product: n for i, n in held.items() if isinstance(i, Stock)}
    closings = _deliver(called, held[called], True, shares)
    rest = {i: n for i, n in held.items() if not isinstance(i, Stock) and i != called}
    return closings + _liquidate(shares, rest, spot, sides)


def _deliver(contract: Contract, count: int, exercised: bool, shares: dict[Product, int]) -> list[Closing]:
    closings = [Closing(contract, -count, 0.0, False)]
    if exercised:
        product = contract.product
        moved = count * product.multiplier * (1 if contract.right is Right.CALL else -1)
        shares[product] = shares.get(product, 0) + moved
        closings.append(Closing(Stock(product), moved, contract.strike, False))
    return closings


def _liquidate(
    shares: Mapping[Product, int], options: Mapping[Contract, int], spot: float, sides: Sides
) -> list[Closing]:
    closings = []
    for product, count in shares.items():
        if count:
            stock = Stock(product)
            side = sides(stock)
            half = max(middle(side)[1], 0.5 * _PENNY) if side else 0.5 * _PENNY
            price = round_down(spot - half, _PENNY) if count > 0 else round_up(spot + half, _PENNY)
            closings.append(Closing(stock, -count, price, True))
    for option, count in options.items():
        closings.append(Closing(option, -count, _market(option, count, spot, sides), True))
    return closings


def _market(option: Contract, count: int, spot: float, sides: Sides) -> float:
    side = sides(option)
    if side is None:
        return intrinsic(option, spot)
    bid, ask = side
    if count < 0:
        return ask
    return bid if bid > 0.0 else 0.0  # also where there is no bid
