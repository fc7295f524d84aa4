"""What clients are told of the account: values, positions, profit and loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.gateway.account import Account, Holding
from engine.gateway.client import Client
from engine.gateway.codec import Values
from engine.gateway.exchange import Exchange
from engine.gateway.listing import listed
from engine.options.contract import Instrument


@dataclass
class Statements:
    """Sends an account's statements, as it stands at the present minute."""

    account: Account
    exchange: Exchange

    def publish(self, client: Client, now: datetime) -> None:
        """Send a client all that he watches."""
        if client.account_updates:
            self.values(client, now)
        for request in client.multi:
            self.multi(client, request)
        for request, tags in client.summaries.items():
            self.summary(client, request, tags)
        for request in client.pnl:
            self.profit(client, request)

    def values(self, client: Client, now: datetime) -> None:
        """Send the account's values and its portfolio."""
        for key, (value, currency) in self._known().items():
            client.send("accountValue", key=key, value=value, currency=currency, account=self.account.name)
        for instrument, held in self.account.holdings.items():
            client.send("portfolioValue", self._valued(instrument, held))
        client.send("accountTime", time=f"{now:%H:%M}")

    def multi(self, client: Client, request: int) -> None:
        """Send the account's values by the request that asked for them."""
        self._keyed(client, "accountUpdateMulti", request, "key", self._known())

    def summary(self, client: Client, request: int, tags: Iterable[str]) -> None:
        """Send the values a summary asks for."""
        known = self._known()
        self._keyed(
            client, "accountSummary", request, "tag", {tag: known[tag] for tag in tags if tag in known}
        )

    def _keyed(
        self, client: Client, message: str, request: int, key: str, rows: dict[str, tuple[str, str]]
    ) -> None:
        for name, (value, currency) in rows.items():
            shown = {"reqId": request, "account": self.account.name, key: name}
            client.send(message, shown, value=value, currency=currency)

    def positions(self, client: Client, symbols: Iterable[str] | None = None) -> None:
        """Send what is held; of some symbols only, but with what is held no more."""
        wanted = None if symbols is None else set(symbols)
        for instrument, held in self.account.holdings.items():
            if held.count if wanted is None else instrument.symbol in wanted:
                client.send(
                    "position",
                    listed(instrument).fields(),
                    account=self.account.name,
                    position=held.count,
                    averageCost=round(held.price * instrument.multiplier, 8),
                )

    def profit(self, client: Client, request: int) -> None:
        """Send profit and loss, of the account or of one contract, to the request that watches it."""
        number = client.pnl[request]
        if not number:
            funds = self.account.funds(self.exchange)
            shown = {"daily": funds.net - self.account.opening_equity, "realized": funds.realized}
            shown["unrealized"] = funds.unrealized
            client.send("pnl", {name: round(value, 4) for name, value in shown.items()}, reqId=request)
            return
        for instrument, held in self.account.holdings.items():
            if listed(instrument).number == number:
                valued = self._valued(instrument, held)
                gain, realized = valued["unrealizedPNL"], valued["realizedPNL"]
                client.send(
                    "pnlSingle",
                    reqId=request,
                    position=held.count,
                    daily=gain + realized,
                    unrealized=gain,
                    realized=realized,
                    value=valued["marketValue"],
                )

    def _valued(self, instrument: Instrument, held: Holding) -> Values:
        """Return the fields of ``portfolioValue``."""
        price = self.exchange.mark(instrument)
        value = held.count * price * instrument.multiplier
        return listed(instrument).fields() | {
            "position": held.count,
            "marketPrice": round(price, 6),
            "marketValue": round(value, 4),
            "averageCost": round(held.price * instrument.multiplier, 8),
            "unrealizedPNL": round(value - held.count * held.price * instrument.multiplier, 4),
            "realizedPNL": round(held.realized, 4),
            "account": self.account.name,
        }

    def _known(self) -> dict[str, tuple[str, str]]:
        """Return the account's values by their names, each with its currency."""
        funds = self.account.funds(self.exchange)
        sums = {
            "NetLiquidation": funds.net,
            "TotalCashValue": funds.cash,
            "SettledCash": funds.cash,
            "CashBalance": funds.cash,
            "EquityWithLoanValue": funds.equity_with_loan,
            "InitMarginReq": funds.initial,
            "MaintMarginReq": funds.initial,
            "FullInitMarginReq": funds.initial,
            "FullMaintMarginReq": funds.initial,
            "AvailableFunds": funds.available,
            "ExcessLiquidity": funds.available,
            "FullAvailableFunds": funds.available,
            "FullExcessLiquidity": funds.available,
            "BuyingPower": max(2.0 * funds.available, 0.0),
            "GrossPositionValue": abs(funds.stocks) + abs(funds.options),
            "StockMarketValue": funds.stocks,
            "OptionMarketValue": funds.options,
            "UnrealizedPnL": funds.unrealized,
            "RealizedPnL": funds.realized,
        }
        words = {"AccountCode": self.account.name, "AccountType": "INDIVIDUAL", "AccountReady": "true"}
        return {name: (text, "") for name, text in words.items()} | {
            name: (f"{value:.2f}", "USD") for name, value in sums.items()
        }
