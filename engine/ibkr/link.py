"""The connection: one thread owns the event loop and the client, everyone else asks it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from loguru import logger

from engine.errors import LinkError
from engine.ibkr.attempt import Attempt, WrongAccount
from engine.ibkr.clock import GatewayClock
from engine.ibkr.events import (
    AccountTold,
    Change,
    ErrorTold,
    LinkChange,
    LinkState,
    PositionTold,
    Told,
)
from engine.ibkr.explain import RESTORED, RESTORED_EMPTY, UPSTREAM_LOST, explain
from engine.ibkr.library import library
from engine.ibkr.limiter import Limiter
from engine.settings_ibkr import IbkrSettings

T = TypeVar("T")
Listener = Callable[[Told], None]
Open = Callable[[Any], Awaitable[None]]
CLOCK_READINGS = 3
IDS_SKIPPED = 1000
HAND_OVER = (
    0.0005  # seconds after which one thread lets another in; the interpreter's own 5 ms is a late order
)
CLOCK_EVERY = 60.0  # seconds between two readings of the gateway's clock


class Link:
    """One supervised connection to TWS, IB Gateway or the gateway simulator.

    Parameters
    ----------
    settings : IbkrSettings
    paper : bool
        Refuse an account whose id does not begin with D (paper) or, when False, one that does.
    speed : float
        Of the gateway's clock, for rehearsals.
    clock : GatewayClock, optional
        In place of one of that speed.

    Attributes
    ----------
    state : LinkState
    account : str
        The account traded; empty before the first connection.
    clock : GatewayClock
    stirred : threading.Event
        Set whenever something has come that the main loop should look at.
    """

    def __init__(
        self, settings: IbkrSettings, paper: bool, speed: float = 1.0, clock: GatewayClock | None = None
    ) -> None:
        self.settings, self.paper = settings, paper
        self.clock = clock or GatewayClock(speed)
        self.state = LinkState.DOWN
        self.account = ""
        self.stirred = threading.Event()
        self.attempts = 0
        self._listeners: list[Listener] = []
        self._registry: dict[str, Open] = {}
        self._ready = threading.Event()
        self._trouble = ""
        self._final: LinkError | None = None  # why no further attempt makes sense
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ib: Any = None
        self._attempt: Attempt | None = None  # the newest
        self._gone = threading.Event()
        self._limiter: Limiter | None = None
        self._ended: asyncio.Event | None = None
        self._list_lock: asyncio.Lock | None = None
        self._highest = 0  # order or request id used so far

    # life --------------------------------------------------------------------------

    def start(self, patience: float = 0.0) -> None:
        """Connect, and stay connected until `stop`.

        Parameters
        ----------
        patience : float
            Seconds to go on trying when the first attempt fails.

        Raises
        ------
        LinkError
            One line: nobody listens, the API is off, the client id is taken, the account is of
            the wrong kind; the last trouble met when patience is over.
        """
        if self._thread is not None:
            raise LinkError("the link was started before")
        sys.setswitchinterval(min(sys.getswitchinterval(), HAND_OVER))
        library()  # a missing client library is told here, not in the thread
        self._loop = self.clock.new_loop(self.traffic)
        self._thread = threading.Thread(target=self._run, name="ibkr-link", daemon=True)
        self._thread.start()
        deadline = self.clock.seconds() + patience
        while not self.clock.wait(self._ready, 0.02):
            late = self.clock.seconds() > deadline and self.attempts > 0
            if self._final is not None or (late and self._trouble):
                error = self._final or LinkError(self._trouble)
                self.stop()
                raise error

    def stop(self) -> None:
        """Disconnect and end the thread; a second call does nothing."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            return
        self.state = LinkState.STOPPED
        loop.call_soon_threadsafe(self._end)
        self.clock.wait(self._gone, 10.0)
        thread.join(1.0)
        self.stirred.set()

    def _end(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _run(self) -> None:
        loop = self._loop
        assert loop is not None
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._supervise())
        except asyncio.CancelledError:
            pass
        finally:
            if self._ib is not None:
                self._ib.client.disconnect()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            self._gone.set()

    # asking ------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether orders can be sent and quotes can be believed."""
        return self.state is LinkState.UP

    def call(self, make: Callable[[Any], Awaitable[T]], what: str, timeout: float | None = None) -> T:
        """Run a coroutine on the client in the link's thread and return its result.

        Parameters
        ----------
        make : callable
            Takes the ``IB`` object, returns an awaitable.
        what : str
            Names the question in an error: "contract details of SPX".
        timeout : float, optional
            Seconds; by default ``request_seconds``.

        Raises
        ------
        LinkError
            Not connected, no answer in time, or the gateway's refusal in words.
        """
        loop = self._loop
        if loop is None or not loop.is_running():
            raise LinkError(f"{what}: not connected")
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"{what}: Link.call from the link's own thread would wait for itself")
        patience = timeout or self.settings.request_seconds
        future = asyncio.run_coroutine_threadsafe(self.ask(make, what, patience), loop)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        self.clock.wait(done, patience + 5.0)
        return future.result(0.0)

    async def ask(self, make: Callable[[Any], Awaitable[T]], what: str, timeout: float | None = None) -> T:
        """Do as `call` does, for coroutines that already run in the link's thread."""
        seconds = timeout or self.settings.request_seconds
        if self._ib is None or not self._ib.client.isReady():
            raise LinkError(f"{what}: not connected")
        try:
            return await asyncio.wait_for(make(self._ib), seconds)
        except TimeoutError:
            raise LinkError(f"{what}: no answer within {seconds:g} s") from None
        except ConnectionError as error:
            raise LinkError(f"{what}: connection lost ({error})") from None
        except library().RequestError as error:
            raise LinkError(f"{what}: {explain(error.code, error.message)}", error.code) from None

    def post(self, action: Callable[[Any], None]) -> None:
        """Let the link's thread do something with the client soon; never waits, never fails.

        Without a connection the action is dropped: whoever sends orders finds out by resync.
        """

        def run() -> None:
            if self._ib is None or not self._ib.client.isReady():
                return
            try:
                action(self._ib)
            except Exception as error:  # noqa: BLE001  an action must not end the connection of all others
                logger.error("ibkr: {}: {}", type(error).__name__, error)

        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(run)

    def spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start a coroutine in the link's thread; its errors are logged."""

        async def run() -> None:
            try:
                await work()
            except LinkError as error:
                logger.warning("ibkr: {}", error)

        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(lambda: loop.create_task(run()))

    def skip_ids(self) -> None:
        """Jump over order ids that turned out to be used (the gateway's next id was rolled back)."""
        self.post(lambda ib: ib.client.updateReqId(ib.client._reqIdSeq + IDS_SKIPPED))

    def traffic(self) -> dict[int, tuple[int, int]] | None:
        """Return the bytes received and sent of the connection by its port, None while it is being opened."""
        return self._attempt.traffic() if self._attempt is not None else {}

    # subscriptions -----------------------------------------------------------------

    def subscribe(self, key: str, open_it: Open) -> None:
        """Open a subscription now, and again after every connection and every 1101."""
        self._registry[key] = open_it
        if self.state in (LinkState.UP, LinkState.UPSTREAM_LOST):
            self.spawn(lambda: self._open(key))

    def unsubscribe(self, key: str) -> None:
        """Forget a subscription; closing it at the gateway is the owner's to post."""
        self._registry.pop(key, None)

    async def _open(self, key: str) -> None:
        open_it = self._registry.get(key)
        if open_it is None:
            return
        try:
            await open_it(self._ib)
        except LinkError as error:
            logger.warning("ibkr: subscription {}: {}", key, error)

    # listening ---------------------------------------------------------------------

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener everything from now on, in the link's thread; it must not block.

        Returns
        -------
        callable
            Ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def repeat_account(self) -> None:
        """Tell all listeners again what is known of the account: figures and positions."""

        def repeat(ib: Any) -> None:
            for one in list(ib.wrapper.accountValues.values()):
                self.tell(AccountTold(one.account, one.tag, one.value, one.currency))
            for rows in list(ib.wrapper.positions.values()):
                for row in list(rows.values()):
                    self.tell(
                        PositionTold(row.account, row.contract.conId, row.position, row.avgCost, row.contract)
                    )

        self.post(repeat)

    def one_list(self) -> asyncio.Lock:
        """Return the lock under which lists of open orders are asked for: answers carry no id."""
        if self._list_lock is None:
            self._list_lock = asyncio.Lock()
        return self._list_lock

    def tell(self, told: Told) -> None:
        """Hand a record to all listeners; one that fails is logged and the others go on."""
        for listener in list(self._listeners):
            try:
                listener(told)
            except Exception:  # noqa: BLE001  nor must a listener
                logger.exception("ibkr: a listener failed at {}", told)
        self.stirred.set()

    def _hear(self, told: Told) -> None:
        if isinstance(told, ErrorTold):
            self._error(told)
        self.tell(told)

    def _error(self, told: ErrorTold) -> None:
        if self._attempt is not None:
            self._attempt.error(told)
        if told.code == UPSTREAM_LOST and self.state is LinkState.UP:
            self.state = LinkState.UPSTREAM_LOST
            self._change(Change.UPSTREAM_LOST, explain(told.code, told.text))
        elif told.code in (RESTORED, RESTORED_EMPTY) and self.state is LinkState.UPSTREAM_LOST:
            self.state = LinkState.UP
            empty = told.code == RESTORED_EMPTY
            if empty:
                for key in list(self._registry):
                    self.spawn(lambda key=key: self._open(key))  # type: ignore[misc]
            self._change(Change.RESTORED_EMPTY if empty else Change.RESTORED, explain(told.code, told.text))

    def _change(self, what: Change, text: str) -> None:
        logger.info("ibkr: {}: {}", what, text)
        self.tell(LinkChange(what, text))

    # the supervisor ----------------------------------------------------------------

    async def _supervise(self) -> None:
        settings = self.settings
        pause = settings.backoff_first
        while True:
            try:
                self._ended = asyncio.Event()
                await self._connect()
                pause = settings.backoff_first
                await self._stay()
                self.state = LinkState.DOWN
                self._change(Change.LOST, "connection to the gateway lost")
            except LinkError as error:
                self._trouble = str(error)
                if isinstance(error, WrongAccount):
                    self._final = error
                logger.warning("ibkr: {}", error)
            finally:
                self._drop()
            self.attempts += 1
            if self._final is not None:
                return
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, settings.backoff_most)

    async def _stay(self) -> None:
        """Read the gateway's clock now and then until the connection ends."""
        ended = self._ended
        assert ended is not None
        while not ended.is_set():
            try:
                await asyncio.wait_for(ended.wait(), CLOCK_EVERY)
            except TimeoutError:
                try:
                    await self._read_clock()
                except LinkError as error:
                    logger.warning("ibkr: {}", error)

    def _drop(self) -> None:
        ib, self._ib = self._ib, None
        if ib is not None:
            ib.client.disconnect()
        if self._limiter is not None:
            self._limiter.clear()

    async def _connect(self) -> None:
        self._attempt = attempt = Attempt(self.settings, self._hear, self._on_end)
        self._ib = ib = await attempt.open()
        client = ib.client
        self._limiter = Limiter(self._sender(client), self.settings.messages_per_second)
        client.sendMsg = self._limiter.push
        client.updateReqId(self._highest + 1)
        client.getReqId = self._numbered(client.getReqId)
        self.account = attempt.claim(self.paper)
        await self._begin(ib)

    def _on_end(self) -> None:
        if self._ended is not None:
            self._ended.set()

    @staticmethod
    def _sender(client: Any) -> Callable[[str], None]:
        def send(message: str) -> None:
            client.conn.sendMsg(client._prefix(message.encode()))

        return send

    def _numbered(self, take: Callable[[], int]) -> Callable[[], int]:
        """Return what gives out ids and remembers the highest: a client that is cut off forgets its own."""

        def number() -> int:
            self._highest = max(self._highest, found := take())
            return found

        return number

    async def _begin(self, ib: Any) -> None:
        """Ask for what every session needs, then for all that was subscribed before."""
        for _ in range(CLOCK_READINGS):
            await self._read_clock()
        ib.reqMarketDataType(self.settings.market_data_type)
        try:
            await self.ask(lambda ib: ib.reqAccountUpdatesAsync(self.account), "account updates")
            await self.ask(lambda ib: ib.reqPositionsAsync(), "positions")
        except LinkError as error:
            if self._ended is not None and self._ended.is_set():
                raise
            logger.warning("ibkr: {}", error)
        self.state = LinkState.UP
        for key in list(self._registry):
            await self._open(key)
        self._trouble = ""
        self._change(
            Change.CONNECTED,
            f"account {self.account}, server version {ib.client.serverVersion()}, {library().__name__}, "
            f"clocks {self.clock.skew:+.1f} s apart" if self.clock.speed == 1.0
            else f"account {self.account}, clock at {self.clock.speed:g} times",
        )  # fmt: skip
        self._ready.set()

    async def _read_clock(self) -> None:
        asked = self.clock.seconds()
        told = await self.ask(lambda ib: ib.reqCurrentTimeAsync(), "the gateway's time")
        self.clock.read(asked, self.clock.seconds(), told.timestamp())
