"""A second client of the gateway, which trades as a human in TWS would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.ibkr.library import library
from engine.ibkr.link import Link
from engine.settings_ibkr import IbkrSettings
from tests.ibkr.rig import FAST, TODAY, Rig, until


@contextmanager
def other(one: Rig, client: int = 99) -> Iterator[Link]:
    settings = IbkrSettings(port=one.gateway.port, **(FAST | {"client_id": client}))
    link = Link(settings, True, one.speed)
    link.start()
    try:
        yield link
    finally:
        link.stop()


def put(one: Rig) -> Any:
    """Return the contract of a put at the money."""
    return library().Contract(
        secType="OPT", symbol="XSP", lastTradeDateOrContractMonth=f"{TODAY:%Y%m%d}", right="P",
        strike=float(round(one.book.spot("XSP"))), multiplier="100", exchange="SMART", currency="USD",
        tradingClass="XSP",
    )  # fmt: skip


_bought: list[Any] = []


def trade(one: Rig, buy: bool, client: int = 99) -> None:
    """Buy a put at any price, or sell the one bought before."""
    contract = put(one) if buy else _bought.pop()
    if buy:
        _bought.append(contract)
    before = one.gateway.positions()
    with other(one, client) as link:
        order = library().Order(
            action="BUY" if buy else "SELL", totalQuantity=1, orderType="MKT", tif="DAY", account=link.account
        )
        link.post(lambda ib: ib.client.placeOrder(ib.client.getReqId(), contract, order))
        until(lambda: one.gateway.positions() != before)


def rest(one: Rig, client: int = 99) -> None:
    """Leave an order nobody will take."""
    contract = put(one)
    with other(one, client) as link:
        order = library().Order(
            action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=0.01, tif="DAY", account=link.account
        )
        link.post(lambda ib: ib.client.placeOrder(ib.client.getReqId(), contract, order))
        until(lambda: one.gateway.open_orders())
