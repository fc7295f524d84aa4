"""What trading costs: commissions, exchange, clearing and regulatory fees, by date."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from engine.broker.rates import Rates, TableReader
from engine.errors import ConfigError
from engine.options.combo import Combo
from engine.options.contract import Instrument, Stock

_ESTIMATES = 4096
_DEAR, _DEAREST = 1.0, 10.0  # an option's price while its own is not known, USD


class Execution(NamedTuple):
    """One leg traded: ``quantity`` contracts or shares (negative sold) at ``price`` per share."""

    instrument: Instrument
    quantity: int
    price: float


@dataclass(frozen=True)
class FeeSchedule:
    """A dated table of fees (``config/fees.yaml``).

    Parameters
    ----------
    changes : sequence of date
        Days on which any rate changes, ascending; the first is where the table begins.
    rates : sequence of Rates
        In force from the change of the same place on.
    """

    changes: tuple[date, ...]
    rates: tuple[Rates, ...]
    _estimates: dict[Any, float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> FeeSchedule:
        """Read a fee table.

        Raises
        ------
        ConfigError
            Names file, table, line, the value received and what was expected.
        """
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot read the fee table: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
        return cls(*TableReader(path).read(content))

    def on(self, day: date) -> Rates:
        """Return the rates in force on a day; ``ConfigError`` before the table begins."""
        row = bisect_right(self.changes, day) - 1
        if row < 0:
            raise ConfigError(f"fees are asked for {day}, the table begins on {self.changes[0]}")
        return self.rates[row]

    def order_fees(self, executions: Sequence[Execution], day: date) -> float:
        """Return the fees of one whole order, in USD, not rounded.

        The minimum commission is per order and applies to options and shares apart. Orders
        that fill in parts pay for what they have filled so far less what they have paid.
        """
        rates = self.on(day)
        commission, fees, options = 0.0, 0.0, False
        shares: dict[tuple[Instrument, bool], tuple[int, float]] = {}
        for done in executions:
            if isinstance(done.instrument, Stock):
                key = (done.instrument, done.quantity > 0)
                count, value = shares.get(key, (0, 0.0))
                shares[key] = (count + done.quantity, value + done.quantity * done.price)
            else:
                part, other = rates.option(done.instrument, done.quantity, done.price)
                commission, fees, options = commission + part, fees + other, True
        for count, value in shares.values():
            fees += rates.stock(count, value / count)
        return fees + (max(commission, rates.option_minimum) if options else 0.0)

    def estimate_round_trip(self, combo: Combo, price: float, day: date) -> float:
        """Return what opening and closing one unit costs in fees, USD, on the safe side.

        Every option is charged as a dear one, because leg prices are not known yet; a sale
        of physically settled options is charged on the combo's price. Prices count up to the
        next whole dollar a share.
        """
        return self._known(combo, math.ceil(self._per_share(combo, price)), self._row(day), day)

    def estimate_round_trips(
        self, combo: Combo, prices: NDArray[np.float64], days: Sequence[date], place: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return `estimate_round_trip` of one structure at many prices, NaN for a NaN price.

        ``days`` are different days, ``place`` says for every price which of them is its own.
        """
        rows = [self._row(day) for day in days]
        first = dict(zip(reversed(rows), reversed(days), strict=True))
        dollars = np.ceil(self._per_share(combo, prices))
        base = float(len(self.changes) + 1)
        keys = dollars * base + np.array(rows, np.float64)[place]
        costs = np.full(len(prices), np.nan)
        told = np.flatnonzero(~np.isnan(prices))
        different, place = np.unique(keys[told], return_inverse=True)
        known = [
            self._known(combo, int(dollar), number, first[number])
            for dollar, number in zip(different // base, (different % base).astype(int).tolist(), strict=True)
        ]
        costs[told] = np.array(known, np.float64)[place]
        return costs

    def _known(self, combo: Combo, dollars: int, row: int, day: date) -> float:
        shape = tuple((leg.ratio, isinstance(leg.instrument, Stock)) for leg in combo.legs)
        key = (combo.product.trading_class, combo.symbol, shape, dollars, row)
        known = self._estimates.get(key)
        if known is None:
            if len(self._estimates) >= _ESTIMATES:
                self._estimates.clear()
            known = self._estimates[key] = self._estimate(combo, dollars, day)
        return known

    @staticmethod
    def _per_share(combo: Combo, price: Any) -> Any:
        """Return the price fees are estimated on: of one share where there are any, else of an option."""
        shares = sum(abs(leg.ratio) for leg in combo.legs if isinstance(leg.instrument, Stock))
        if shares:
            return abs(price) * (combo.multiplier / shares)
        if isinstance(price, float):  # numpy takes ten times as long for one number
            return min(max(abs(price), _DEAR), _DEAREST)
        return np.minimum(np.maximum(abs(price), _DEAR), _DEAREST)

    def _row(self, day: date) -> int:
        return bisect_right(self.changes, day)

    def _estimate(self, combo: Combo, dollars: float, day: date) -> float:
        option = min(max(dollars, _DEAR), _DEAREST)
        total = 0.0
        for side in (1, -1):
            total += self.order_fees(
                [
                    Execution(
                        leg.instrument,
                        leg.ratio * side,
                        dollars if isinstance(leg.instrument, Stock) else option,
                    )
                    for leg in combo.legs
                ],
                day,
            )
        return total

    def describe(self, day: date) -> str:
        """Return one sentence on the rates of a day, for a report."""
        rates = self.on(day)
        tiers = ", ".join(
            f"{tier.fee:.2f}" + (f" below {tier.below:.2f}" if tier.below < math.inf else "")
            for tier in rates.option_tiers
        )
        return (
            f"Fees of the trading day: options {tiers} USD a contract, at least "
            f"{rates.option_minimum:.2f} an order; exchange, clearing ({rates.clearing:g}), "
            f"regulatory ({rates.regulatory:g}) and, on sales, activity and transaction fees on top; "
            f"shares {rates.share:g} each, at least "
            f"{rates.share_minimum:.2f} an order. Settlement, exercise and assignment are free."
        )
