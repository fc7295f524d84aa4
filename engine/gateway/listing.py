"""One thing that can be traded or watched, as the protocol names it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from engine.errors import DataError
from engine.gateway.codec import Values
from engine.options.contract import Contract, Instrument, Product, Right, Settlement, Stock

INDEX, SHARE, OPTION = "IND", "STK", "OPT"


@dataclass(frozen=True)
class Listing:
    """A share, an index or an option with its contract number.

    Parameters
    ----------
    number : int
        The ``conId``: the simulator's own, the same in every run.
    symbol : str
    instrument : Contract, Stock or None
        None for an index that is only watched, such as VIX.
    """

    number: int
    symbol: str
    instrument: Instrument | None

    @property
    def contract(self) -> Contract | None:
        """The option, None for a share or an index."""
        return self.instrument if isinstance(self.instrument, Contract) else None

    @property
    def product(self) -> Product | None:
        return self.instrument.product if self.instrument is not None else None

    @property
    def kind(self) -> str:
        """The security type: ``STK``, ``IND`` or ``OPT``."""
        if isinstance(self.instrument, Contract):
            return OPTION
        return SHARE if self.product is not None and is_share(self.product) else INDEX

    @property
    def trading_class(self) -> str:
        product = self.product
        return product.trading_class if self.contract is not None and product else self.symbol

    @property
    def exchange(self) -> str:
        """The exchange it is listed on."""
        return "CBOE" if self.kind == INDEX or self.product_is_index else "ARCA"

    @property
    def product_is_index(self) -> bool:
        """Whether it belongs to an index rather than to shares."""
        return self.product is None or not is_share(self.product)

    @cached_property
    def local_symbol(self) -> str:
        return occ_symbol(self.contract) if self.contract is not None else self.symbol

    def fields(self, exchange: str = "") -> Values:
        """Return the contract's fields of a message."""
        option = self.contract
        return {
            "conId": self.number,
            "symbol": self.symbol,
            "secType": self.kind,
            "expiry": f"{option.expiry:%Y%m%d}" if option else "",
            "strike": option.strike if option else 0.0,
            "right": str(option.right) if option else "",
            "multiplier": str(option.multiplier) if option else "",
            "exchange": exchange,
            "primaryExchange": "" if option else self.exchange,
            "currency": "USD",
            "localSymbol": self.local_symbol,
            "tradingClass": self.trading_class,
        }


def is_share(product: Product) -> bool:
    """Tell whether the underlying itself can be bought."""
    return product.settlement is Settlement.PHYSICAL


def occ_symbol(contract: Contract) -> str:
    """Return the option's name as the clearing house writes it: ``SPXW  180305P02700000``."""
    strike = round(contract.strike * 1000)
    return f"{contract.product.trading_class:<6}{contract.expiry:%y%m%d}{contract.right}{strike:08d}"


def instrument_of(local_symbol: str, products: Iterable[Product]) -> Instrument:
    """Return the share or option of a local symbol.

    Raises
    ------
    DataError
        No product has such a symbol or trading class.
    """
    if len(local_symbol) == 21:
        name, rest = local_symbol[:6].strip(), local_symbol[6:]
        expiry = parse_expiry("20" + rest[:6])
        for product in products:
            if product.trading_class == name and expiry is not None:
                return Contract(product, expiry, int(rest[7:]) / 1000.0, Right(rest[6]))
    for product in products:
        if product.symbol == local_symbol:
            return Stock(product)
    raise DataError(f"{local_symbol!r}: expected a share or an option of this market")


def contract_number(name: str) -> int:
    """Return the contract number of a name: a positive 31-bit number, the same in every run."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") & 0x7FFFFFFF or 1


def listed(instrument: Instrument) -> Listing:
    """Return the listing of a share or an option."""
    if isinstance(instrument, Stock):
        return underlying(instrument.product)
    return Listing(contract_number(occ_symbol(instrument)), instrument.symbol, instrument)


def underlying(product: Product) -> Listing:
    """Return the listing of a product's underlying, a share or an index."""
    return Listing(contract_number(product.symbol), product.symbol, Stock(product))


def watched(name: str) -> Listing:
    """Return the listing of an index without options of its own."""
    return Listing(contract_number(name), name, None)


def parse_expiry(text: str) -> date | None:
    """Return the day of ``YYYYMMDD``, None for a month or anything else."""
    day = text.split(" ")[0].split("-")[0]
    if len(day) != 8 or not day.isdigit():
        return None
    try:
        return date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None
