"""Several legs bought or sold as one: what they pay, what they can lose, what they bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import OrderError
from engine.options.contract import Contract, Leg, Product, Right, Stock
from engine.options.payoff import corners, floors, payoff, slopes
from engine.options.regt import requirement, shares_requirement, uncovered

Float64 = NDArray[np.float64]
CASH_SECURED = "cash_secured_put"


@dataclass(frozen=True)
class Combo:
    """Legs of one underlying, seen from the side of whoever buys the combo.

    Prices are USD per share of one unit: the sum of ratio x leg price x leg multiplier
    over ``multiplier``. A credit spread therefore has a negative price. Where legs expire
    on different days, later ones count at intrinsic value on the earliest expiry, which
    is the least they can be worth to their owner.

    Raises
    ------
    OrderError
        No legs, a zero or fractional ratio, an instrument twice, several underlyings.
    """

    legs: tuple[Leg, ...]
    structure: str
    product: Product = field(init=False, repr=False, compare=False)
    symbol: str = field(init=False, repr=False, compare=False)
    # the legs as instrument, ratio and the instrument's multiplier
    parts: tuple[tuple[Contract | Stock, int, int], ...] = field(init=False, repr=False, compare=False)
    # the option legs with their ratios, and their strikes, USD
    options: tuple[tuple[Contract, int], ...] = field(init=False, repr=False, compare=False)
    strikes: tuple[float, ...] = field(init=False, repr=False, compare=False)
    # shares held in one unit, negative when short
    shares: int = field(init=False, repr=False, compare=False)
    # shares behind one unit of price: the options' multiplier, 1 for shares alone
    multiplier: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.legs:
            raise OrderError(f"{self.structure or 'combo'} has no legs, expected at least one")
        seen: list[Contract | Stock] = []
        parts: list[tuple[Contract | Stock, int, int]] = []
        options, shares = [], 0
        product = self.legs[0].instrument.product
        for leg in self.legs:
            held, ratio = leg.instrument, leg.ratio
            if not isinstance(ratio, int) or ratio == 0:
                raise OrderError(f"{held} has ratio {ratio}, expected a whole number other than 0")
            if held in seen:  # a list: a handful of legs is compared sooner than hashed
                raise OrderError(f"{held} stands twice in one {self.structure}, expected it once")
            other = held.product
            if other is not product and other != product:
                raise OrderError(
                    f"{self.structure} mixes {product.symbol} and {held.symbol}, expected one underlying"
                )
            if isinstance(held, Contract):
                if not 0.0 < held.strike < inf:
                    raise OrderError(f"strike is {held.strike}, expected a positive number")
                options.append((held, ratio))
                parts.append((held, ratio, product.multiplier))
            else:
                shares += ratio
                parts.append((held, ratio, 1))
            seen.append(held)
        # at once: asked of every combo, and a property each costs more than the answer
        vars(self).update(
            product=product,
            symbol=product.symbol,
            parts=tuple(parts),
            options=tuple(options),
            strikes=tuple([contract.strike for contract, _ in options]),
            shares=shares,
            multiplier=product.multiplier if options else 1,
        )

    def __hash__(self) -> int:
        return hash((self.structure, self.strikes))  # tells nearly all apart; hashing the legs is slow

    # facts -------------------------------------------------------------------------

    @cached_property
    def expiry(self) -> date | None:
        """The earliest expiry of the option legs, None for shares alone."""
        return min((contract.expiry for contract, _ in self.options), default=None)

    @cached_property
    def width(self) -> float:
        """The widest distance, in USD, between a short strike and the long strike covering it.

        0 where no short option is covered by a long one.
        """
        widest = 0.0
        for right in Right:
            held = [(contract.strike, ratio) for contract, ratio in self.options if contract.right == right]
            longs = [strike for strike, ratio in held if ratio > 0]
            for strike, ratio in held:
                if ratio < 0 and longs:
                    widest = max(widest, min(abs(strike - wing) for wing in longs))
        return widest

    # payoff ------------------------------------------------------------------------

    @cached_property
    def _corners(self) -> tuple[list[float], list[float]]:
        return corners(self.legs, self.multiplier)

    @cached_property
    def _slopes(self) -> tuple[float, float]:
        return slopes(self.legs, self.multiplier)

    def payoff(self, spot: ArrayLike) -> Float64:
        """Return what one unit is worth at expiry, USD per share, for spot prices in USD."""
        return payoff(self.legs, np.asarray(spot, np.float64), self.multiplier)

    @cached_property
    def is_defined_risk(self) -> bool:
        """Whether the loss stops growing whichever way, and however far, the price goes.

        Shares with a put are defined; shares alone, or a short put, lose all the way to
        zero and are not, although zero is a bound. A short option that outlives its cover
        is not either.
        """
        found = [self._slopes]
        for day in sorted({contract.expiry for contract, _ in self.options})[1:]:
            alive = [
                leg
                for leg in self.legs
                if not isinstance(leg.instrument, Contract) or leg.instrument.expiry >= day
            ]
            found.append(slopes(alive, self.multiplier))
        return all(low <= 0.0 and high >= 0.0 for low, high in found)

    def max_loss(self, price: float) -> float:
        """Return the most one unit bought at ``price`` per share can lose, in USD (never negative).

        Infinite when the payoff falls without end; a short put counts its loss at zero.
        """
        if self._slopes[1] < 0.0:
            return inf
        return max(price - min(self._corners[1]), 0.0) * self.multiplier

    def structural_loss(self, price: float, fees: float = 0.0) -> float:
        """Return ``max_loss`` plus the fees of one unit, in USD."""
        return self.max_loss(price) + fees

    def structural_losses(self, strikes: Float64, prices: Float64, fees: Float64) -> Float64:
        """Return ``structural_loss`` with other strikes, prices and fees, a row each, in USD.

        ``strikes`` has a column an option leg.
        """
        if self._slopes[1] < 0.0:
            return np.full(len(prices), inf)
        worst = np.maximum(prices - floors(self.legs, strikes, self.multiplier), 0.0)
        return worst * self.multiplier + fees

    def max_profit(self, price: float) -> float:
        """Return the most one unit bought at ``price`` per share can win, in USD before fees."""
        if self._slopes[1] > 0.0:
            return inf
        return (max(self._corners[1]) - price) * self.multiplier

    def breakevens(self, price: float) -> tuple[float, ...]:
        """Return the underlying's prices at which one unit bought at ``price`` breaks even."""
        at, gain = self._corners[0], [value - price for value in self._corners[1]]
        high = self._slopes[1]
        found = [spot for spot, left in zip(at, gain, strict=True) if left == 0.0]
        for i in range(len(at) - 1):
            if gain[i] * gain[i + 1] < 0.0:
                share = gain[i] / (gain[i] - gain[i + 1])
                found.append(at[i] + share * (at[i + 1] - at[i]))
        if gain[-1] * high < 0.0:
            found.append(at[-1] - gain[-1] / high)
        return tuple(sorted(found))

    # margin ------------------------------------------------------------------------

    def margin(self, price: float, spot: float | None = None) -> float:
        """Return by how much buying one unit at ``price`` lowers the funds available, in USD.

        Regulation T as IBKR applies it: spreads bind their loss at expiry, of an iron
        condor with equal wings one side only, with unequal wings or mixed expiries both;
        shares half their value; a naked index option 15 % of the spot less what it is out
        of the money, at least 10 % of its strike (other products 20 % and 10 %); a secured
        put its whole strike. The premium paid or received is in it, so that an account
        whose cash has already moved by it binds ``margin(price) - price * multiplier``.

        Parameters
        ----------
        price : float
            USD per share of one unit.
        spot : float, optional
            Price of the underlying; without it naked options count as at the money, the
            dearest case, and shares at what ``price`` leaves for them.
        """
        paid = price * self.multiplier
        if self.structure == CASH_SECURED:
            return self.max_loss(price)
        per_share = spot if spot is not None else max(paid / self.shares, 0.0) if self.shares else 0.0
        options = self._at_the_money if spot is None else self._requirement(spot)
        return paid + options + shares_requirement(self.shares, per_share)

    def _requirement(self, spot: float | None) -> float:
        if not self.shares:
            return requirement(self.options, spot)
        return requirement(uncovered(self.options, self.shares, self.multiplier), spot)

    @cached_property
    def _at_the_money(self) -> float:
        return self._requirement(None)

    # text --------------------------------------------------------------------------

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return self.text([contract.expiry for contract, _ in self.options], self.strikes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The words for the instrument of every leg."""
        return tuple([str(leg.instrument) for leg in self.legs])

    def text(self, expiries: Sequence[date], strikes: Sequence[float]) -> str:
        """Return the words for this structure with other expiries and strikes, one an option leg."""
        parts = [f"{leg.ratio:+d} {self.symbol}" for leg in self.legs if isinstance(leg.instrument, Stock)]
        day = None
        for (contract, ratio), expiry, strike in zip(self.options, expiries, strikes, strict=True):
            if expiry != day:
                day = expiry
                parts.append(f"{contract.product.trading_class} {day.isoformat()}")
            count = "" if abs(ratio) == 1 else f"{abs(ratio)}x"
            parts.append(f"{'-' if ratio < 0 else '+'}{count}{strike:g}{contract.right}")
        return " ".join(parts)

    # builders ----------------------------------------------------------------------

    @classmethod
    def joined(cls, parts: Sequence[Combo], structure: str) -> Combo:
        """Return the legs of several combos as one unit; ratios of a shared instrument add up."""
        ratios: dict[Contract | Stock, int] = {}
        for part in parts:
            for leg in part.legs:
                ratios[leg.instrument] = ratios.get(leg.instrument, 0) + leg.ratio
        legs = tuple(Leg(instrument, ratio) for instrument, ratio in ratios.items() if ratio)
        return cls(legs, structure)


def put_spread(product: Product, expiry: date, short: float, long: float) -> Combo:
    """Return a bull put spread: the higher strike ``short`` sold, the lower ``long`` bought."""
    _require_width("put spread", short, long, short - long)
    return Combo(_options(product, expiry, Right.PUT, (short, -1), (long, 1)), "put_spread")


def call_spread(product: Product, expiry: date, short: float, long: float) -> Combo:
    """Return a bear call spread: the lower strike ``short`` sold, the higher ``long`` bought."""
    _require_width("call spread", short, long, long - short)
    return Combo(_options(product, expiry, Right.CALL, (short, -1), (long, 1)), "call_spread")


def iron_condor(
    product: Product, expiry: date, long_put: float, short_put: float, short_call: float, long_call: float
) -> Combo:
    """Return a put spread below and a call spread above, both sold."""
    if not short_put <= short_call:
        raise OrderError(
            f"iron condor sells the {short_put:g} put above the {short_call:g} call, expected it below"
        )
    _require_width("put spread", short_put, long_put, short_put - long_put)
    _require_width("call spread", short_call, long_call, long_call - short_call)
    puts = _options(product, expiry, Right.PUT, (short_put, -1), (long_put, 1))
    calls = _options(product, expiry, Right.CALL, (short_call, -1), (long_call, 1))
    return Combo(puts + calls, "iron_condor")


def short_put(product: Product, expiry: date, strike: float, secured: bool = True) -> Combo:
    """Return a sold put, its strike held in cash (``secured``) or on Regulation T margin."""
    legs = _options(product, expiry, Right.PUT, (strike, -1))
    return Combo(legs, CASH_SECURED if secured else "short_put")


def covered(
    product: Product,
    expiry: date,
    shares: int,
    calls: int,
    call_strike: float,
    put_strike: float | None = None,
) -> Combo:
    """Return shares with calls sold against them; with ``put_strike``, a collar.

    The collar's puts cover every share. Uncovered calls and shares that the puts cannot
    cover in whole contracts are an ``OrderError``.
    """
    if shares <= 0 or calls <= 0 or calls * product.multiplier > shares:
        raise OrderError(
            f"{calls} calls against {shares} shares of {product.symbol}, "
            f"expected 1 to {max(shares, 0) // product.multiplier} calls"
        )
    legs: tuple[Leg, ...] = (Leg(Stock(product), shares),)
    if put_strike is not None:
        if shares % product.multiplier:
            raise OrderError(
                f"a collar on {shares} shares of {product.symbol}, "
                f"expected a multiple of {product.multiplier}"
            )
        _require_width("collar", call_strike, put_strike, call_strike - put_strike)
        legs += _options(product, expiry, Right.PUT, (put_strike, shares // product.multiplier))
    legs += _options(product, expiry, Right.CALL, (call_strike, -calls))
    return Combo(legs, "covered_call" if put_strike is None else "collar")


def shares(product: Product, count: int) -> Combo:
    """Return ``count`` shares of the underlying (negative: sold short) as a combo of their own."""
    return Combo((Leg(Stock(product), count),), "shares")


def single(product: Product, expiry: date, strike: float, right: Right, ratio: int = 1) -> Combo:
    """Return one option leg as a combo of its own."""
    side = "long" if ratio > 0 else "short"
    return Combo(
        _options(product, expiry, right, (strike, ratio)), f"{side}_{'put' if right is Right.PUT else 'call'}"
    )


def _options(product: Product, expiry: date, right: Right, *held: tuple[float, int]) -> tuple[Leg, ...]:
    return tuple(Leg(Contract(product, expiry, float(strike), right), ratio) for strike, ratio in held)


def _require_width(what: str, short: float, long: float, width: float) -> None:
    if not 0.0 < width < inf:
        raise OrderError(
            f"{what} width is {width:g} (short {short:g}, long {long:g}), expected a positive number"
        )
