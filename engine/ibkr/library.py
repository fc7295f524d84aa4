"""The one module that knows a client library: ib_insync, or ib_async where it is the one installed.

Nothing of the library's own idea of an order is used: what comes over the socket is turned into
`engine.ibkr.events` as it arrives, before the library has drawn its conclusions (it marks an order
cancelled at any unknown error code, forgets everything when the connection drops, and tells of no
execution that arrives on request).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from engine.errors import LinkError
from engine.ibkr.events import (
    AccountTold,
    CommissionTold,
    ErrorTold,
    ExecutionTold,
    OpenOrderTold,
    PositionTold,
    StatusTold,
    Told,
)

Hear = Callable[[Told], None]
NAMES: tuple[str, ...] = ("ib_insync", "ib_async")
UNSET = 1e300  # the protocol's "not set" is the largest double


@lru_cache(maxsize=1)
def library() -> ModuleType:
    """Return the client library.

    Raises
    ------
    LinkError
        Neither is installed.
    """
    name = next((name for name in NAMES if find_spec(name) is not None), None)
    if name is None:
        raise LinkError("no client library for Interactive Brokers, expected ib_insync or ib_async installed")
    import importlib

    try:
        asyncio.get_running_loop()
        return importlib.import_module(name)
    except RuntimeError:
        # eventkit asks for the thread's event loop while it is imported
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            module = importlib.import_module(name)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    logging.getLogger(name).setLevel(logging.CRITICAL)  # what it would say is ours to tell
    return module


def make_client(hear: Hear) -> Any:
    """Return an unconnected ``IB`` whose messages are also told to ``hear``, in the loop's thread."""
    lib = library()
    ib = lib.IB()
    ib.RaiseRequestErrors = True
    ib.wrapper = _ear(lib)(ib)
    ib.wrapper.hear = hear
    ib.client = lib.Client(ib.wrapper)
    ib.client.MaxRequests = 0  # its throttle lets bursts through; engine.ibkr.limiter stands instead
    ib.errorEvent.clear()  # it asks for an account summary after 1102
    return ib


@lru_cache(maxsize=1)
def _ear(lib: ModuleType) -> Any:
    wrapper = lib.wrapper.Wrapper

    class Ear(wrapper):  # type: ignore[misc, valid-type]
        """The library's own receiver, which repeats what concerns orders and the account."""

        hear: Hear

        def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:
            super().openOrder(orderId, contract, order, orderState)
            if not order.whatIf:
                self.hear(_open_order(orderId, contract, order, orderState))

        def orderStatus(
            self, orderId: int, status: str, filled: float, remaining: float,
            avgFillPrice: float, permId: int, parentId: int, lastFillPrice: float, clientId: int,
            whyHeld: str, mktCapPrice: float = 0.0,
        ) -> None:  # fmt: skip
            super().orderStatus(
                orderId, status, filled, remaining, avgFillPrice, permId, parentId,
                lastFillPrice, clientId, whyHeld, mktCapPrice,
            )  # fmt: skip
            self.hear(StatusTold(orderId, permId, clientId, status, filled, remaining, whyHeld))

        def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
            live = reqId not in self._futures
            super().execDetails(reqId, contract, execution)
            self.hear(_execution(contract, execution, live))

        def commissionReport(self, commissionReport: Any) -> None:
            super().commissionReport(commissionReport)
            self.hear(CommissionTold(commissionReport.execId, float(commissionReport.commission)))

        def position(self, account: str, contract: Any, posSize: float, avgCost: float) -> None:
            super().position(account, contract, posSize, avgCost)
            self.hear(PositionTold(account, contract.conId, posSize, avgCost, contract))

        def updateAccountValue(self, tag: str, val: str, currency: str, account: str) -> None:
            super().updateAccountValue(tag, val, currency, account)
            self.hear(AccountTold(account, tag, val, currency))

        def error(self, reqId: int, errorCode: int, errorString: str, *more: Any) -> None:
            super().error(reqId, errorCode, errorString, *more)
            self.hear(ErrorTold(reqId, errorCode, errorString.strip()))

    return Ear


def _open_order(order_id: int, contract: Any, order: Any, state: Any) -> OpenOrderTold:
    return OpenOrderTold(
        order_id=order_id,
        perm_id=order.permId,
        client_id=order.clientId,
        ref=order.orderRef,
        action=order.action,
        quantity=float(order.totalQuantity),
        kind=order.orderType,
        limit=float(order.lmtPrice),
        aux=float(order.auxPrice),
        status=state.status,
        account=order.account,
        contract=contract,
    )


def _execution(contract: Any, execution: Any, live: bool) -> ExecutionTold:
    return ExecutionTold(
        exec_id=execution.execId,
        order_id=execution.orderId,
        perm_id=execution.permId,
        client_id=execution.clientId,
        ref=execution.orderRef,
        account=execution.acctNumber,
        kind=contract.secType,
        con_id=contract.conId,
        side=1 if execution.side == "BOT" else -1,
        quantity=float(execution.shares),
        price=float(execution.price),
        at=execution.time,
        liquidation=bool(execution.liquidation),
        live=live,
        contract=contract,
    )
