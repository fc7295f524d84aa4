"""The quotes around an order, so that its fill can be held against what the market showed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import nan

from engine.execution.fills import executable
from engine.execution.settings import ExecutionSettings
from engine.intent import Order
from engine.journal.records import SlippageShadow
from engine.options.quotebook import Quote


@dataclass(slots=True)
class Shadow:
    """An order's quotes when it was decided and when it was first sent; None where there was none."""

    decided: Quote | None
    sent: Quote | None = None
    sent_at: datetime | None = None

    def send(self, quote: Quote | None, at: datetime) -> None:
        """Note the quote an order met on its way out; later changes of it do not count."""
        if self.sent_at is None:
            self.sent, self.sent_at = quote, at

    def fall(
        self,
        order: Order,
        units: int,
        price: float,
        quote: Quote | None,
        at: datetime,
        settings: ExecutionSettings,
    ) -> SlippageShadow:
        """Return a fill beside its quotes, and what the backtest's fill model gives on the last of them."""
        model = nan if quote is None else executable(quote, order.combo, order.buy, settings)
        return SlippageShadow(
            at=at,
            order_ref=order.ref,
            bot=order.intent.bot,
            symbol=order.intent.symbol,
            buy=order.buy,
            quantity=units,
            price=price,
            decision_at=order.at,
            decision_bid=_bid(self.decided),
            decision_ask=_ask(self.decided),
            submitted_at=self.sent_at or order.at,
            submitted_bid=_bid(self.sent),
            submitted_ask=_ask(self.sent),
            fill_bid=_bid(quote),
            fill_ask=_ask(quote),
            model=model,
        )


def _bid(quote: Quote | None) -> float:
    return nan if quote is None else quote.bid


def _ask(quote: Quote | None) -> float:
    return nan if quote is None else quote.ask
