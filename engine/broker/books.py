"""The books of the simulated broker: what every trade holds, binds, has paid and is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from engine.broker.fees import Execution
from engine.broker.ledger import Ledger, Posting
from engine.broker.margin import MarginBook
from engine.intent import Intent
from engine.journal.journal import Journal
from engine.journal.records import Fill, Owner
from engine.options.combo import Combo
from engine.options.contract import Instrument, Leg, Stock
from engine.options.middle import combo_mid
from engine.options.quotebook import QuoteBook

_CONTRACT_SHARES = 100.0  # so many shares weigh as much as one contract when fees are split


@dataclass(slots=True, eq=False)
class Held:
    """One intent at the broker: contracts and shares held, units bought by combo, orders at work."""

    intent: Intent
    owner: Owner
    legs: dict[Instrument, int] = field(default_factory=dict)
    units: dict[Combo, int] = field(default_factory=dict)
    orders: int = 0

    @property
    def ref(self) -> str:
        return self.intent.order_ref

    @property
    def most(self) -> int:
        """Units held of the combo of which most are held."""
        return max(self.units.values(), default=0)

    def lacks(self, combo: Combo, units: int) -> str:
        """Return what selling so many units of a combo would sell without holding it, or nothing."""
        for leg in combo.legs:
            held, sold = self.legs.get(leg.instrument, 0), leg.ratio * units
            if held * sold <= 0 or abs(held) < abs(sold):
                return f"sells {sold:+d} {leg.instrument}, the trade holds {held:+d}"
        return ""


class Booking(NamedTuple):
    """One execution of all its legs: ``cash`` cents received per leg, ``fees`` cents in all."""

    exec_ref: str
    order_ref: str
    at: datetime
    opening: bool
    legs: Sequence[Execution]
    names: Sequence[str]  # the words for the instruments
    cash: Sequence[int]
    fees: int
    price: float
    mid: float
    source: str  # of the quotes


class Books:
    """Ledger, margin and holdings, kept together so that they cannot disagree.

    Parameters
    ----------
    start : int
        Cents.
    journal : Journal
    """

    def __init__(self, start: int, journal: Journal) -> None:
        self.ledger = Ledger(start)
        self.margin = MarginBook()
        self.trades: dict[str, Held] = {}
        self._journal = journal

    @property
    def funds(self) -> int:
        """Cents free for a new trade."""
        return self.ledger.cash - self.margin.bound

    def book(self, trade: Held, booking: Booking) -> tuple[Fill, ...]:
        """Book one execution and return its fills, journalled."""
        ref, held = trade.ref, trade.legs
        postings = [
            Posting(instrument, quantity, cash)
            for (instrument, quantity, _), cash in zip(booking.legs, booking.cash, strict=True)
        ]
        self.ledger.book(ref, postings, booking.fees)
        self.margin.moved(ref, sum(booking.cash) - booking.fees)
        for instrument, quantity, _ in booking.legs:
            left = held.get(instrument, 0) + quantity
            if left:
                held[instrument] = left
            else:
                held.pop(instrument, None)
        return self._fills(trade.intent, booking)

    def settle_margin(self, trade: Held) -> None:
        """Bind what is really held once no order of a trade works; forget a trade that is flat."""
        if trade.orders:
            return
        if trade.legs:
            self.margin.resize(trade.ref, trade.most)
        else:
            self.close(trade)

    def close(self, trade: Held) -> None:
        """Forget a trade and free what it has bound."""
        self.margin.release(trade.ref)
        self.trades.pop(trade.ref, None)

    def equity(self, book: QuoteBook) -> float:
        """Return cash and everything held at mid, USD; what has no quote stands at its cost."""
        return self.ledger.cash / 100.0 + sum(self._mark(trade, book) for trade in self.trades.values())

    def shares(self, symbol: str) -> tuple[int, float]:
        """Return the shares of a symbol that all trades hold together, and their cost in USD."""
        count = cost = 0
        for (_, instrument), holding in self.ledger.holdings.items():
            if isinstance(instrument, Stock) and instrument.symbol == symbol:
                count, cost = count + holding.quantity, cost + holding.cost
        return count, cost / 100.0

    def _mark(self, trade: Held, book: QuoteBook) -> float:
        if not trade.legs:
            return 0.0
        combo = Combo(tuple(Leg(instrument, count) for instrument, count in trade.legs.items()), "held")
        if book.quote(combo) is None:
            return sum(self.ledger.holdings[trade.ref, held].cost for held in trade.legs) / 100.0
        return combo_mid(combo, book.legs(combo)) * combo.multiplier

    def _fills(self, intent: Intent, booking: Booking) -> tuple[Fill, ...]:
        fills = []
        of_order = booking.order_ref, intent.trade_id, intent.bot, intent.symbol, booking.at, booking.opening
        of_price = booking.price, booking.mid, booking.source
        fees = split_fees(booking.fees, booking.legs)
        rows = zip(booking.legs, booking.names, fees, strict=True)
        for number, ((instrument, quantity, price), name, fee) in enumerate(rows, 1):
            what = name, quantity, price, instrument.multiplier, fee / 100.0
            # by place: by name it takes three times as long, and there are six a trade
            fill = Fill(f"{booking.exec_ref}.{number}", *of_order, *what, *of_price)
            self._journal.fill(fill)
            fills.append(fill)
        return tuple(fills)


def split_fees(fees: int, legs: Sequence[Execution]) -> list[int]:
    """Split cents of fees over legs by contracts, a hundred shares counting as one; the sum is kept."""
    weights = [
        abs(leg.quantity) / (_CONTRACT_SHARES if isinstance(leg.instrument, Stock) else 1.0) for leg in legs
    ]
    total, given, parts = sum(weights), 0, []
    reached = 0.0
    for weight in weights:
        reached += weight
        upto = round(fees * reached / total)
        parts.append(upto - given)
        given = upto
    return parts
