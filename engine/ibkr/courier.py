"""What goes out for the broker, in the link's thread: place, change, cancel, preview, survey."""

from __future__ import annotations

import asyncio
from math import nan
from typing import Any

from loguru import logger

from engine.errors import LinkError
from engine.ibkr.events import OpenOrderTold, PreviewTold, SentTold, SurveyTold, Told
from engine.ibkr.link import Link

UNSET = 1e300


class Courier:
    """Sends orders; answers come back through the link's listeners.

    Orders go to the socket through the client below the library, which refuses to change an
    order it believes to be dead.

    Parameters
    ----------
    link : Link
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._surveying: asyncio.Lock | None = None

    def place(self, ref: str, contract: Any, order: Any) -> None:
        """Send a new order; `SentTold` names its id before anything is answered."""

        def send(ib: Any) -> None:
            order_id = ib.client.getReqId()
            self._link.tell(SentTold(ref, order_id))
            ib.client.placeOrder(order_id, contract, order)

        self._link.post(send)

    def change(self, order_id: int, contract: Any, order: Any) -> None:
        """Send a working order anew under its id."""
        self._link.post(lambda ib: ib.client.placeOrder(order_id, contract, order))

    def cancel(self, order_id: int) -> None:
        """Ask for the end of an order."""
        self._link.post(lambda ib: ib.client.cancelOrder(order_id))

    def preview(self, ref: str, contract: Any, order: Any) -> None:
        """Ask what an order would bind; answered by `PreviewTold`."""
        self._link.spawn(lambda: self._preview(ref, contract, order))

    async def _preview(self, ref: str, contract: Any, order: Any) -> None:
        try:
            state = await self._link.ask(lambda ib: ib.whatIfOrderAsync(contract, order), f"margin of {ref}")
        except LinkError as error:
            self._link.tell(PreviewTold(ref, nan, str(error)))
            return
        try:
            margin = float(state.initMarginChange)
        except (AttributeError, ValueError):  # a failed one resolves to an empty list
            self._link.tell(PreviewTold(ref, nan, "no margin came back"))
            return
        self._link.tell(PreviewTold(ref, margin if abs(margin) < UNSET else nan, ""))

    def survey(self) -> None:
        """Ask for all open orders of this client and today's executions; answered by `SurveyTold`."""
        self._link.spawn(self._survey)

    async def _survey(self) -> None:
        if self._surveying is None:
            self._surveying = asyncio.Lock()
        if self._surveying.locked():
            return
        async with self._surveying:
            asked = self._link.clock.seconds()
            try:
                orders = await open_orders(self._link, all_clients=False)
                await self._link.ask(lambda ib: ib.reqExecutionsAsync(), "executions")
            except LinkError as error:
                logger.warning("ibkr: {}", error)
                return
            self._link.tell(SurveyTold(asked, orders))


async def open_orders(link: Link, all_clients: bool) -> tuple[OpenOrderTold, ...]:
    """Return the open orders, of this client or of all, as the gateway tells them now.

    The library's own list would mix in what it believes; only what is heard between question
    and answer counts, each order once, with the last status told.
    """
    heard: dict[tuple[int, int, int], OpenOrderTold] = {}

    def listen(told: Told) -> None:
        if isinstance(told, OpenOrderTold):
            heard[told.client_id, told.order_id, told.perm_id] = told

    async with link.one_list():
        stop = link.listen(listen)
        try:
            await link.ask(
                lambda ib: ib.reqAllOpenOrdersAsync() if all_clients else ib.reqOpenOrdersAsync(),
                "open orders",
            )
        finally:
            stop()
    return tuple(heard.values())
