"""What trading costs: commissions, exchange, clearing and regulatory fees, by date."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigError
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Settlement, Stock

_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # required and optional keys
    "option_commission": (("minimum", "tiers"), ()),
    "stock_commission": (("per_share", "minimum", "maximum"), ()),
    "clearing": (("fee",), ("maximum",)),
    "regulatory": (("fee",), ()),
    "activity": (("option", "share", "maximum"), ()),
    "transaction": (("per_million",), ()),
}
_TIER_KEYS = {"below", "contracts_below", "fee"}


@dataclass(frozen=True, slots=True)
class Execution:
    """One leg traded: ``quantity`` contracts or shares (negative sold) at ``price`` per share."""

    instrument: Instrument
    quantity: int
    price: float


@dataclass(frozen=True, slots=True)
class _Tier:
    fee: float
    below: float = math.inf
    contracts_below: float = math.inf

    def holds(self, price: float, contracts: int) -> bool:
        return price < self.below - 1e-9 and contracts < self.contracts_below


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates in force on one day."""

    option_minimum: float
    option_tiers: tuple[_Tier, ...]
    share: float
    share_minimum: float
    share_maximum: float
    exchange: Mapping[str, tuple[_Tier, ...]]
    clearing: float
    clearing_maximum: float
    regulatory: float
    activity_option: float
    activity_share: float
    activity_maximum: float
    per_million: float

    def option(self, contract: Contract, quantity: int, price: float) -> tuple[float, float]:
        """Return the commission, before the minimum, and all other fees of one option leg."""
        count, product = abs(quantity), contract.product
        other = min(self.clearing * count, self.clearing_maximum) + self.regulatory * count
        tiers = self.exchange.get(product.trading_class)
        if tiers:
            other += _tier(tiers, price, count) * count
        if quantity < 0:
            other += self.activity_option * count
            if product.settlement is Settlement.PHYSICAL:
                other += self.per_million * 1e-6 * price * count * product.multiplier
        return _tier(self.option_tiers, price, 0) * count, other

    def stock(self, quantity: int, price: float) -> float:
        """Return all fees of one share trade."""
        count = abs(quantity)
        value = count * price
        fees = min(max(self.share * count, self.share_minimum), self.share_maximum * value)
        if quantity < 0:
            fees += min(self.activity_share * count, self.activity_maximum) + self.per_million * 1e-6 * value
        return fees


@dataclass(frozen=True)
class FeeSchedule:
    """A dated table of fees (``config/fees.yaml``).

    Parameters
    ----------
    changes : sequence of date
        Days on which any rate changes, ascending; the first is where the table begins.
    rates : sequence of Rates
        In force from the change of the same place on.
    fixed : date, optional
        Charge every day by the rates of this one.
    """

    changes: tuple[date, ...]
    rates: tuple[Rates, ...]
    fixed: date | None = None
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
        return _Reader(path).schedule(content)

    def as_of(self, day: date) -> FeeSchedule:
        """Return the same schedule charging every day by the rates of ``day``."""
        return FeeSchedule(self.changes, self.rates, day)

    def on(self, day: date) -> Rates:
        """Return the rates in force on a day; ``ConfigError`` before the table begins."""
        row = bisect_right(self.changes, self.fixed or day) - 1
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
        for done in executions:
            if isinstance(done.instrument, Stock):
                fees += rates.stock(done.quantity, done.price)
            else:
                part, other = rates.option(done.instrument, done.quantity, done.price)
                commission, fees, options = commission + part, fees + other, True
        return fees + (max(commission, rates.option_minimum) if options else 0.0)

    def estimate_round_trip(self, combo: Combo, price: float, day: date) -> float:
        """Return what opening and closing one unit costs in fees, USD, on the safe side.

        Every option is charged as a dear one, because leg prices are not known yet; a sale
        of physically settled options is charged on the combo's price.
        """
        key = (combo.legs, round(price, 2), self._row(day))
        known = self._estimates.get(key)
        if known is None:
            if len(self._estimates) > 4096:
                self._estimates.clear()
            known = self._estimates[key] = self._estimate(combo, price, day)
        return known

    def _row(self, day: date) -> int:
        return bisect_right(self.changes, self.fixed or day)

    def _estimate(self, combo: Combo, price: float, day: date) -> float:
        shares = sum(abs(leg.ratio) for leg in combo.legs if isinstance(leg.instrument, Stock))
        share_price = abs(price) * combo.multiplier / shares if shares else 0.0
        option_price = max(abs(price), 1.0)
        total = 0.0
        for side in (1, -1):
            legs = [
                Execution(
                    leg.instrument,
                    leg.ratio * side,
                    share_price if isinstance(leg.instrument, Stock) else min(option_price, 10.0),
                )
                for leg in combo.legs
            ]
            total += self.order_fees(legs, day)
        return total

    def describe(self, day: date) -> str:
        """Return one sentence on the rates of a day, for a report."""
        rates = self.on(day)
        tiers = ", ".join(
            f"{tier.fee:.2f}" + (f" below {tier.below:.2f}" if tier.below < math.inf else "")
            for tier in rates.option_tiers
        )
        when = f"as of {self.fixed}" if self.fixed else "of the trading day"
        return (
            f"Fees {when}: options {tiers} USD a contract, at least {rates.option_minimum:.2f} an order; "
            f"exchange, clearing ({rates.clearing:g}), regulatory ({rates.regulatory:g}) and, on sales, "
            f"activity and transaction fees on top; shares {rates.share:g} each, at least "
            f"{rates.share_minimum:.2f} an order. Settlement, exercise and assignment are free."
        )


def _tier(tiers: tuple[_Tier, ...], price: float, contracts: int) -> float:
    for tier in tiers:
        if tier.holds(price, contracts):
            return tier.fee
    return tiers[-1].fee


class _Reader:
    """Turn the YAML of a fee table into rates, naming the place of anything wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def schedule(self, content: Any) -> FeeSchedule:
        if not isinstance(content, dict):
            raise ConfigError(f"{self.path}: got {type(content).__name__}, expected tables of fees")
        unknown = set(content) - set(_TABLES) - {"exchange"}
        missing = (set(_TABLES) | {"exchange"}) - set(content)
        if unknown or missing:
            word = f"unknown table {sorted(unknown)[0]!r}" if unknown else f"no table {sorted(missing)[0]!r}"
            raise ConfigError(f"{self.path}: {word}; expected {', '.join([*_TABLES, 'exchange'])}")
        tables = {name: self._table(name, content[name], *_TABLES[name]) for name in _TABLES}
        if not isinstance(content["exchange"], dict):
            raise ConfigError(f"{self.path}: exchange: expected a table per trading class")
        exchange = {
            str(name): self._table(f"exchange.{name}", lines, ("tiers",), ())
            for name, lines in content["exchange"].items()
        }
        start = max(lines[0][0] for lines in (*tables.values(), *exchange.values()))
        days = {day for lines in (*tables.values(), *exchange.values()) for day, _ in lines}
        changes = tuple(sorted(day for day in days if day >= start))
        return FeeSchedule(changes, tuple(self._rates(tables, exchange, day) for day in changes))

    def _rates(self, tables: Mapping[str, Any], exchange: Mapping[str, Any], day: date) -> Rates:
        now = {name: _in_force(lines, day) for name, lines in tables.items()}
        option, stock, activity = now["option_commission"], now["stock_commission"], now["activity"]
        return Rates(
            option_minimum=option["minimum"],
            option_tiers=option["tiers"],
            share=stock["per_share"],
            share_minimum=stock["minimum"],
            share_maximum=stock["maximum"],
            exchange={name: _in_force(lines, day)["tiers"] for name, lines in exchange.items()},
            clearing=now["clearing"]["fee"],
            clearing_maximum=now["clearing"].get("maximum", math.inf),
            regulatory=now["regulatory"]["fee"],
            activity_option=activity["option"],
            activity_share=activity["share"],
            activity_maximum=activity["maximum"],
            per_million=now["transaction"]["per_million"],
        )

    def _table(
        self, name: str, lines: Any, required: tuple[str, ...], optional: tuple[str, ...]
    ) -> list[tuple[date, dict[str, Any]]]:
        if not isinstance(lines, list) or not lines:
            raise ConfigError(f"{self.path}: {name}: expected a list of dated lines")
        table: list[tuple[date, dict[str, Any]]] = []
        for number, line in enumerate(lines, 1):
            where = f"{self.path}: {name}, line {number}"
            if not isinstance(line, dict) or type(line.get("from")) is not date:
                raise ConfigError(f"{where}: expected a date under 'from', such as 2025-01-31")
            if not line.get("source"):
                raise ConfigError(f"{where}: expected where the figure comes from under 'source'")
            keys = set(line) - {"from", "source"}
            wrong = sorted((keys - set(required) - set(optional)) | (set(required) - keys))
            if wrong:
                raise ConfigError(
                    f"{where}: {wrong[0]!r} is unknown or missing; expected {', '.join(required)}"
                )
            if table and line["from"] <= table[-1][0]:
                raise ConfigError(f"{where}: from {line['from']} is not after {table[-1][0]}")
            table.append((line["from"], {key: self._value(where, key, line[key]) for key in keys}))
        return table

    def _value(self, where: str, key: str, value: Any) -> Any:
        if key == "tiers":
            return self._tiers(where, value)
        return self._number(where, key, value)

    def _number(self, where: str, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < math.inf:
            raise ConfigError(f"{where}: {key} is {value!r}, expected a number of at least 0")
        return float(value)

    def _tiers(self, where: str, value: Any) -> tuple[_Tier, ...]:
        if not isinstance(value, list) or not value:
            raise ConfigError(
                f"{where}: tiers: expected a list such as [{{below: 0.05, fee: 0.25}}, {{fee: 0.65}}]"
            )
        tiers = []
        for tier in value:
            if not isinstance(tier, dict) or "fee" not in tier or set(tier) - _TIER_KEYS:
                raise ConfigError(f"{where}: tier {tier!r}: expected fee and at most below, contracts_below")
            tiers.append(_Tier(**{key: self._number(where, key, number) for key, number in tier.items()}))
        if set(value[-1]) != {"fee"}:
            raise ConfigError(f"{where}: the last tier is {value[-1]!r}, expected a fee for all the rest")
        return tuple(tiers)


def _in_force(lines: list[tuple[date, dict[str, Any]]], day: date) -> dict[str, Any]:
    return [line for start, line in lines if start <= day][-1]
