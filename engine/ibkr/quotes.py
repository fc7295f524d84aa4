"""Streaming option quotes as a QuoteBook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.options.chain import Chain
from engine.options.combo import Combo
from engine.options.contract import Product
from engine.options.quotebook import Quote
from engine.settings_ibkr import IbkrSettings


class LiveQuotes:
    """`engine.options.quotebook.QuoteBook` over market data of the link."""

    def __init__(
        self, link: Link, contracts: Contracts, products: Mapping[str, Product], settings: IbkrSettings
    ) -> None:
        raise NotImplementedError

    def watch(self, symbol: str, days: int) -> None:
        """Stream the strikes within reach of the expiry ``days`` sessions ahead."""
        raise NotImplementedError

    def hold(self, combo: Combo) -> None:
        """Keep the legs of a combo streaming wherever the price goes."""
        raise NotImplementedError

    def move(self, bar: int) -> None: ...

    def expiry(self, symbol: str, days: int) -> date | None:
        raise NotImplementedError

    def spot(self, symbol: str) -> float:
        raise NotImplementedError

    def chain(self, symbol: str, expiry: date) -> Chain:
        raise NotImplementedError

    def quote(self, combo: Combo) -> Quote | None:
        raise NotImplementedError

    def legs(self, combo: Combo) -> tuple[tuple[float, float], ...]:
        raise NotImplementedError

    def source(self, combo: Combo) -> str:
        return "ibkr"

    def age(self, combo: Combo) -> float:
        """Return the seconds (gateway's clock) since the oldest leg's last tick, infinite without one."""
        raise NotImplementedError

    def two_sided(self, combo: Combo) -> bool:
        """Tell whether every leg has a fresh bid and ask that are not crossed."""
        raise NotImplementedError

    def assumptions(self) -> list[str]:
        raise NotImplementedError
