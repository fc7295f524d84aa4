"""The rates of one day, and the dated table they are read from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.options.contract import Contract, Settlement

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
class Tier:
    fee: float
    below: float = math.inf
    contracts_below: float = math.inf


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates in force on one day."""

    option_minimum: float
    option_tiers: tuple[Tier, ...]
    share: float
    share_minimum: float
    share_maximum: float
    exchange: Mapping[str, tuple[Tier, ...]]
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
            other += tier_fee(tiers, price, count) * count
        if quantity < 0:
            other += self.activity_option * count
            if product.settlement is Settlement.PHYSICAL:
                other += self.per_million * 1e-6 * price * count * product.multiplier
        return tier_fee(self.option_tiers, price, 0) * count, other

    def stock(self, quantity: int, price: float) -> float:
        """Return all fees of one share trade."""
        count = abs(quantity)
        value = count * price
        fees = min(max(self.share * count, self.share_minimum), self.share_maximum * value)
        if quantity < 0:
            fees += min(self.activity_share * count, self.activity_maximum) + self.per_million * 1e-6 * value
        return fees


def tier_fee(tiers: tuple[Tier, ...], price: float, contracts: int) -> float:
    for tier in tiers:
        if price < tier.below - 1e-9 and contracts < tier.contracts_below:
            return tier.fee
    return tiers[-1].fee


class TableReader:
    """Turn the YAML of a fee table into rates, naming the place of anything wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, content: Any) -> tuple[tuple[date, ...], tuple[Rates, ...]]:
        """Return the days on which any rate changes and the rates in force from each of them."""
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
        return changes, tuple(self._rates(tables, exchange, day) for day in changes)

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

    def _tiers(self, where: str, value: Any) -> tuple[Tier, ...]:
        if not isinstance(value, list) or not value:
            raise ConfigError(
                f"{where}: tiers: expected a list such as [{{below: 0.05, fee: 0.25}}, {{fee: 0.65}}]"
            )
        tiers = []
        for tier in value:
            if not isinstance(tier, dict) or "fee" not in tier or set(tier) - _TIER_KEYS:
                raise ConfigError(f"{where}: tier {tier!r}: expected fee and at most below, contracts_below")
            tiers.append(Tier(**{key: self._number(where, key, number) for key, number in tier.items()}))
        if set(value[-1]) != {"fee"}:
            raise ConfigError(f"{where}: the last tier is {value[-1]!r}, expected a fee for all the rest")
        return tuple(tiers)


def _in_force(lines: list[tuple[date, dict[str, Any]]], day: date) -> dict[str, Any]:
    return [line for start, line in lines if start <= day][-1]
