"""What a gateway needs to know of the market it plays: given from outside, never made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.execution.settings import ExecutionSettings
from engine.options.combo import Combo
from engine.options.contract import Instrument, Product
from engine.options.quotebook import QuoteBook
from engine.tape import Tape


@dataclass(frozen=True, slots=True)
class Traded:
    """One leg traded: ``quantity`` contracts or shares (negative sold) at ``price`` per share."""

    instrument: Instrument
    quantity: int
    price: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A stock that is quoted and that nobody can trade: it has no options here.

    ``bars`` are on the tape's minutes; ``half_spread`` takes a price, both in USD.
    """

    product: Product
    bars: Bars
    half_spread: Callable[[float], float]


Fees = Callable[[Sequence[Traded], date], float]
Split = Callable[[Combo, Sequence[tuple[float, float]], float], tuple[int, ...]]


@dataclass(frozen=True)
class Market:
    """Bars, quotes and rules of a simulated exchange.

    Parameters
    ----------
    tape : Tape
        Minute bars of all underlyings. The gateway plays them one minute after the other.
    book : QuoteBook
        Option and share quotes over these bars. The gateway alone moves it.
    products : mapping of symbol to Product
        Of every symbol on the tape.
    execution : ExecutionSettings
        ``fill_fraction`` and ``slippage_ticks`` say at which price the market trades.
    fees : callable
        What one whole order costs in USD, given all it has traded and the day.
    split : callable
        What every leg costs its buyer in cents when a unit of a combo trades at a price.
    indices : mapping of name to ndarray
        Further indices without options of their own, such as VIX: their price on every bar.
    listed : callable
        Strikes by expiry that a symbol lists now, quoted or not; nothing where what is quoted says it.
    stocks : mapping of symbol to Watched
        Further stocks, for their quotes alone.
    """

    tape: Tape
    book: QuoteBook
    products: Mapping[str, Product]
    execution: ExecutionSettings
    fees: Fees
    split: Split
    indices: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    listed: Callable[[str], Mapping[date, NDArray[np.float64]]] = lambda symbol: {}
    stocks: Mapping[str, Watched] = field(default_factory=dict)

    def bars(self, symbol: str) -> Bars:
        """Return the bars of an underlying or of a stock that is only watched."""
        watched = self.stocks.get(symbol)
        return self.tape.bars[symbol] if watched is None else watched.bars
