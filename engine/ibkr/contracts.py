"""Contracts, qualified once and kept for the day.

A trading class is always named (SPX's weeklies are SPXW), an expiry is read off the OCC symbol
(the last trading day TWS returns can be a day later, and an order with it is refused with 478),
and price steps come from the market rule, not from ``minTick``.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from loguru import logger

from engine.errors import LinkError
from engine.ibkr.explain import NO_CONTRACT
from engine.ibkr.library import library
from engine.ibkr.link import Link
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Product, Right, Stock, Style
from engine.options.ticks import tick_size
from engine.sessions import NEW_YORK

VIX = "VIX"
SMART, CBOE, USD = "SMART", "CBOE", "USD"
_OCC_DATE = slice(6, 12)


@dataclass(frozen=True, slots=True)
class Listed:
    """One contract as TWS lists it."""

    con_id: int
    kind: str
    symbol: str
    exchange: str
    primary: str
    local: str
    trading_class: str
    multiplier: str
    expiry: str
    strike: float
    right: str
    rule: int

    def contract(self) -> Any:
        """Return the client library's contract."""
        return library().Contract(
            secType=self.kind,
            conId=self.con_id,
            symbol=self.symbol,
            lastTradeDateOrContractMonth=self.expiry,
            strike=self.strike,
            right=self.right,
            multiplier=self.multiplier,
            exchange=self.exchange,
            primaryExchange=self.primary,
            currency=USD,
            localSymbol=self.local,
            tradingClass=self.trading_class,
        )


@dataclass(slots=True)
class _Kept:
    """What is known today, as the file holds it."""

    listed: dict[str, Listed] = field(default_factory=dict)  # by instrument text, or symbol
    absent: set[str] = field(default_factory=set)
    expiries: dict[str, list[str]] = field(default_factory=dict)
    strikes: dict[str, list[float]] = field(default_factory=dict)
    rules: dict[int, list[tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deal:
    """How one combo is traded at TWS.

    ``units`` of ``contract`` make one unit of the combo, bought when ``side`` is +1 to buy it;
    its price is the combo's times ``scale``.
    """

    contract: Any
    units: int
    side: int
    scale: float
    legs: tuple[tuple[int, int], ...]  # contract id and signed quantity, of one unit of the combo


class Contracts:
    """What TWS calls our instruments, and back.

    Parameters
    ----------
    link : Link
    products : mapping of symbol to Product
    folder : Path, optional
        Where contracts are kept for the day, an account each; none keeps them in memory only.
    """

    def __init__(self, link: Link, products: Mapping[str, Product], folder: Path | None = None) -> None:
        self._link, self.products, self._folder = link, dict(products), folder
        self._kept = _Kept()
        self._day: date | None = None
        self._contracts: dict[str, Any] = {}
        self._by_id: dict[int, Instrument] = {}
        self._asking: dict[str, asyncio.Future[None]] = {}

    # asking TWS --------------------------------------------------------------------

    def prepare(self, symbols: Sequence[str]) -> None:
        """Qualify underlyings, VIX and option parameters; blocks.

        Raises
        ------
        LinkError
            Names what is not listed or not answered.
        """
        patience = self._link.settings.request_seconds * (2 + len(symbols))
        self._link.call(lambda ib: self._prepare(ib, symbols), "contracts", patience)

    async def _prepare(self, ib: Any, symbols: Sequence[str]) -> None:
        self._load()
        for symbol in [*symbols, VIX]:
            if symbol not in self._kept.listed:
                found = await self._details(self._underlying(symbol), symbol)
                self._kept.listed[symbol] = found
        for symbol in symbols:
            if symbol not in self._kept.expiries:
                await self._parameters(symbol)
        self._save()

    def _underlying(self, symbol: str) -> Any:
        if symbol == VIX or self.products[symbol].style is Style.EUROPEAN:
            return library().Contract(secType="IND", symbol=symbol, exchange=CBOE, currency=USD)
        return _shares(symbol)

    async def _details(self, asked: Any, name: str) -> Listed:
        link = self._link
        rows = await link.ask(lambda ib: ib.reqContractDetailsAsync(asked), f"contract of {name}")
        if len(rows) != 1:
            raise LinkError(f"contract of {name}: got {len(rows)}, expected one", NO_CONTRACT)
        row, told = rows[0], rows[0].contract
        exchange = asked.exchange or told.exchange
        return Listed(
            con_id=told.conId,
            kind=told.secType,
            symbol=told.symbol,
            exchange=exchange,
            primary=told.primaryExchange,
            local=told.localSymbol,
            trading_class=told.tradingClass,
            multiplier=told.multiplier,
            expiry=f"20{told.localSymbol[_OCC_DATE]}" if told.secType == "OPT" else "",
            strike=float(told.strike),
            right=told.right[:1] if told.secType == "OPT" else "",
            rule=_rule_of(row, exchange),
        )

    async def _parameters(self, symbol: str) -> None:
        listed, product = self._kept.listed[symbol], self.products[symbol]
        rows = await self._link.ask(
            lambda ib: ib.reqSecDefOptParamsAsync(symbol, "", listed.kind, listed.con_id),
            f"option chain of {symbol}",
        )
        fits = [row for row in rows if row.tradingClass == product.trading_class]
        fits.sort(key=lambda row: row.exchange != SMART)
        if not fits:
            classes = sorted({row.tradingClass for row in rows})
            raise LinkError(
                f"option chain of {symbol}: got trading classes {classes}, expected {product.trading_class}"
            )
        self._kept.expiries[symbol] = sorted(fits[0].expirations)
        self._kept.strikes[symbol] = sorted(float(strike) for strike in fits[0].strikes)

    async def qualify(self, wanted: Iterable[Instrument]) -> None:
        """Qualify options, or stocks that are only watched, that are not known yet; in the link's thread.

        One that is not listed is noted and not asked for again that day.
        """
        self._load()
        missing = [
            one
            for one in dict.fromkeys(wanted)
            if str(one) not in self._kept.listed and str(one) not in self._kept.absent
        ]
        if not missing:
            return
        await asyncio.gather(*(self._qualify(one) for one in missing))
        rules = {listed.rule for listed in self._kept.listed.values()} - {-1, *self._kept.rules}
        for rule in sorted(rules):
            await self._rule(rule)
        self._save()

    async def _qualify(self, instrument: Instrument) -> None:
        name = str(instrument)
        known = self._asking.get(name)
        if known is not None:
            await known
            return
        done = self._asking[name] = asyncio.get_running_loop().create_future()
        expiry, asked = "", _shares(name)
        if isinstance(instrument, Contract):
            expiry, asked = f"{instrument.expiry:%Y%m%d}", _option(instrument)
        try:
            found = await self._details(asked, name)
            if found.expiry == expiry:
                self._kept.listed[name] = found
            else:
                self._kept.absent.add(name)
        except LinkError as error:
            if error.code != NO_CONTRACT:
                logger.warning("ibkr: {}", error)
            else:
                self._kept.absent.add(name)
        finally:
            del self._asking[name]
            done.set_result(None)

    async def _rule(self, rule: int) -> None:
        try:
            rows = await self._link.ask(lambda ib: ib.reqMarketRuleAsync(rule), f"market rule {rule}")
        except LinkError as error:
            logger.warning("ibkr: {}; the universe's price steps stand", error)
            rows = []
        self._kept.rules[rule] = sorted((float(row.lowEdge), float(row.increment)) for row in rows or [])

    # answering ---------------------------------------------------------------------

    def expiries(self, symbol: str) -> tuple[date, ...]:
        """Return the listed expiries of a symbol's trading class, rising."""
        told = self._kept.expiries.get(symbol, [])
        return tuple(datetime.strptime(text, "%Y%m%d").date() for text in told)

    def strikes(self, symbol: str) -> tuple[float, ...]:
        """Return the strikes of a symbol's trading class, rising; not every expiry lists all."""
        return tuple(self._kept.strikes.get(symbol, ()))

    def underlying(self, symbol: str) -> Any:
        """Return the library's contract of a symbol's underlying, or of VIX."""
        return self.named(symbol)

    def known(self, instrument: Instrument) -> Any | None:
        """Return the library's contract of an instrument, None before it is qualified."""
        return self.named(str(instrument))

    def named(self, name: str) -> Any | None:
        """Return the library's contract by the text of our instrument, or by an underlying's symbol.

        Always the same object, by which the library knows its subscriptions.
        """
        made = self._contracts.get(name)
        if made is None:
            listed = self._kept.listed.get(name)
            if listed is None:
                return None
            made = self._contracts[name] = listed.contract()
        return made

    def tick(self, instrument: Instrument, price: float) -> float:
        """Return the price step of an instrument near a price by its market rule."""
        listed = self._kept.listed.get(str(instrument))
        steps = self._kept.rules.get(listed.rule, []) if listed is not None else []
        if not steps:
            return tick_size(price, instrument.product.tick)
        place = bisect_right(steps, (abs(price) + 1e-9, math.inf)) - 1
        return steps[max(place, 0)][1]

    def deal(self, combo: Combo) -> Deal | None:
        """Return how a combo is traded, None while one of its legs is not qualified.

        A single leg trades as itself, several as a BAG whose ratios have no common divisor.
        """
        ids = []
        for leg in combo.legs:
            contract = self.known(leg.instrument)
            if contract is None:
                return None
            ids.append(contract.conId)
        legs = tuple((con_id, leg.ratio) for con_id, leg in zip(ids, combo.legs, strict=True))
        if len(combo.legs) == 1:
            leg = combo.legs[0]
            scale = combo.multiplier / (leg.ratio * leg.instrument.multiplier)
            return Deal(self.known(leg.instrument), abs(leg.ratio), 1 if leg.ratio > 0 else -1, scale, legs)
        common = math.gcd(*(leg.ratio for leg in combo.legs))
        return Deal(self._bag(combo, ids, common), common, 1, 1.0 / common, legs)

    @staticmethod
    def _bag(combo: Combo, ids: Sequence[int], common: int) -> Any:
        lib = library()
        bag = lib.Contract(secType="BAG", symbol=combo.symbol, exchange=SMART, currency=USD)
        bag.comboLegs = [
            lib.ComboLeg(
                conId=con_id,
                ratio=abs(leg.ratio) // common,
                action="BUY" if leg.ratio > 0 else "SELL",
                exchange=SMART,
            )
            for con_id, leg in zip(ids, combo.legs, strict=True)
        ]
        return bag

    def instrument(self, contract: Any) -> Instrument | None:
        """Return our instrument of a contract TWS named, None for one we do not trade."""
        known = self._by_id.get(contract.conId)
        if known is None:
            known = self._read(contract)
            if known is not None:
                self._by_id[contract.conId] = known
        return known

    def _read(self, contract: Any) -> Instrument | None:
        product = self.products.get(contract.symbol)
        if product is None:
            return None
        if contract.secType == "STK":
            return Stock(product) if product.style is Style.AMERICAN else None
        if contract.secType != "OPT" or contract.tradingClass not in ("", product.trading_class):
            return None
        text = contract.localSymbol[_OCC_DATE] if len(contract.localSymbol) >= _OCC_DATE.stop else ""
        text = f"20{text}" if text.isdigit() else contract.lastTradeDateOrContractMonth[:8]
        try:
            expiry = datetime.strptime(text, "%Y%m%d").date()
            return Contract(product, expiry, float(contract.strike), Right(contract.right[:1]))
        except ValueError:
            return None

    def name(self, contract: Any) -> str:
        """Return the words for a contract of TWS: our instrument's, or TWS's own."""
        known = self.instrument(contract)
        if known is not None:
            return str(known)
        return f"{contract.secType} {contract.localSymbol or contract.symbol} (id {contract.conId})"

    # the day's file ----------------------------------------------------------------

    def _load(self) -> None:
        today = self._link.clock.instant().astimezone(NEW_YORK).date()
        if today == self._day:
            return
        self._day, self._kept = today, _Kept()
        self._contracts.clear()
        path = self._path()
        if path is None or not path.is_file():
            return
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            self._kept = _Kept(
                listed={name: Listed(**row) for name, row in told["listed"].items()},
                absent=set(told["absent"]),
                expiries=told["expiries"],
                strikes=told["strikes"],
                rules={int(rule): [tuple(step) for step in steps] for rule, steps in told["rules"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("ibkr: {}: unreadable ({}), contracts are asked for anew", path, error)

    def _save(self) -> None:
        path = self._path()
        if path is None:
            return
        kept = self._kept
        told = {
            "listed": {name: asdict(row) for name, row in kept.listed.items()},
            "absent": sorted(kept.absent),
            "expiries": kept.expiries,
            "strikes": kept.strikes,
            "rules": kept.rules,
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = path.with_suffix(f".{os.getpid()}.part")
            staged.write_text(json.dumps(told), encoding="utf-8")
            os.replace(staged, path)
        except OSError as error:
            logger.warning("ibkr: {}: not kept ({})", path, error)

    def _path(self) -> Path | None:
        if self._folder is None or not self._link.account:
            return None
        return self._folder / f"contracts-{self._link.account}-{self._day:%Y%m%d}.json"


def _shares(symbol: str) -> Any:
    return library().Contract(secType="STK", symbol=symbol, exchange=SMART, currency=USD)


def _option(option: Contract) -> Any:
    return library().Contract(
        secType="OPT",
        symbol=option.symbol,
        lastTradeDateOrContractMonth=f"{option.expiry:%Y%m%d}",
        strike=option.strike,
        right=str(option.right),
        multiplier=str(option.multiplier),
        exchange=SMART,
        currency=USD,
        tradingClass=option.product.trading_class,
    )


def _rule_of(details: Any, exchange: str) -> int:
    """Return the market rule that holds on an exchange, -1 where none is named."""
    exchanges = details.validExchanges.split(",")
    rules = details.marketRuleIds.split(",")
    if len(exchanges) != len(rules):
        return -1
    named = dict(zip(exchanges, rules, strict=True))
    text = named.get(exchange, rules[0])
    return int(text) if text.isdigit() else -1
