"""Contracts, qualified once and kept for the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from engine.ibkr.link import Link
from engine.options.combo import Combo
from engine.options.contract import Contract, Instrument, Product


class Contracts:
    """What TWS calls our instruments, and back.

    Parameters
    ----------
    link : Link
    products : mapping of symbol to Product
    folder : Path, optional
        Where contracts are kept for the day; none keeps them in memory only.
    """

    def __init__(self, link: Link, products: Mapping[str, Product], folder: Path | None = None) -> None:
        raise NotImplementedError

    def prepare(self, symbols: Sequence[str]) -> None:
        """Qualify underlyings, VIX and option parameters; blocks. LinkError names what is missing."""
        raise NotImplementedError

    def expiries(self, symbol: str) -> tuple[date, ...]:
        raise NotImplementedError

    def known(self, instrument: Instrument) -> Any | None:
        """Return the library's contract of an instrument, None before it is qualified."""
        raise NotImplementedError

    def bag(self, combo: Combo) -> Any:
        """Return the contract of an order for a combo: BAG, or the instrument of a single leg."""
        raise NotImplementedError

    def instrument(self, contract: Any) -> Instrument | None:
        """Return our instrument of a contract TWS named, None for one we do not trade."""
        raise NotImplementedError

    async def qualify(self, wanted: Sequence[Contract]) -> None:
        """Qualify options that are not known yet."""
        raise NotImplementedError
