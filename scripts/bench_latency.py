"""``make bench-latency``: from a tick on the socket to the order it leads to on the socket.

A gateway in a process of its own streams a hundred lines at ten ticks a second each; this
process runs what a live session runs: link, quotes, feed, broker, Backtrader's loop. Ten times
a second one tick moves the price of a combo that an urgent exit is working on, which is
re-quoted at once. The gateway takes the time between that tick and the changed order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import threading
import time
from datetime import date, datetime
from multiprocessing.connection import Connection
from typing import Any

LINES = 100
TICKS = 10.0  # a second, of each line
TRIGGERS = 10.0
BACKLOG = 1 << 20  # bytes the client may leave unread
BURST = 0.005  # seconds between two handfuls of ticks
WARM_UP = 3.0
DAY = date(2018, 3, 6)
SYMBOL = "XSP"
ASK = 2


def serve(pipe: Connection, seconds: float) -> None:
    """Run the gateway: tell its port, stream when told to, tell what was measured."""
    from engine.broker.fees import FeeSchedule
    from engine.gateway.faults import Fault
    from engine.gateway.gateway import Gateway
    from engine.sessions import NEW_YORK
    from engine.settings import Settings
    from engine.universe import load_universe
    from scripts.commands.options import CONFIG
    from scripts.gateway_market import synthetic_market

    fees = FeeSchedule.load(CONFIG / "fees.yaml")
    market = synthetic_market(
        Settings.load(CONFIG), load_universe(CONFIG / "universe.json"), [SYMBOL], fees,
        timerange="20180305-20180306",
    )  # fmt: skip
    hold = Fault.model_validate({"do": "hold", "event": "trade", "nth": 0})
    start = datetime(DAY.year, DAY.month, DAY.day, 11, 0, 5, tzinfo=NEW_YORK)
    with Gateway(market, start=start, faults=[hold], speed=1.0, cash=100_000.0, lines=LINES + 2) as gateway:
        pipe.send(gateway.port)
        trigger = pipe.recv()
        pump = Pump(gateway, trigger)
        done = asyncio.run_coroutine_threadsafe(pump.run(seconds), gateway._loop)
        done.result(seconds + 60.0)
        pipe.send({"taken": pump.taken, "sent": pump.sent, "triggers": pump.triggers})
        pipe.recv()


class Pump:
    """Streams ticks to the one client, and times what it does about some of them."""

    def __init__(self, gateway: Any, trigger: str) -> None:
        self._venue = gateway._venue
        self._trigger = trigger
        self._orders = self._venue.orders.place
        self._venue.orders.place = self._placed
        self._began = 0
        self.taken: list[float] = []
        self.sent = self.triggers = 0

    def _placed(self, client: int, values: Any) -> None:
        if self._began:
            self.taken.append((time.monotonic_ns() - self._began) / 1e6)
            self._began = 0
        self._orders(client, values)

    async def run(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        (client,) = self._venue.clients
        begin, due = loop.time(), WARM_UP
        while (now := loop.time() - begin) < seconds:
            streams = list(client.streams.values())
            while self.sent < now * len(streams) * TICKS:
                self._tick(client, streams[self.sent % len(streams)], 0.01 * (self.sent % 7))
            if now >= due and self._venue.orders.open_tickets():
                self._pull(client, streams)
                due = now + 1.0 / TRIGGERS
            client.flush(BACKLOG)
            await asyncio.sleep(BURST)

    def _tick(self, client: Any, stream: Any, size: float) -> None:
        # a line's size moves: a tick to decode, store and look at, without a price to act on
        client.send("tickSize", reqId=stream.request, tick=0, size=10 + round(100 * size))
        self.sent += 1

    def _pull(self, client: Any, streams: list[Any]) -> None:
        (stream,) = [one for one in streams if one.listing and one.listing.local_symbol == self._trigger]
        self.triggers += 1
        self._began = time.monotonic_ns()
        price = round(stream.sent[ASK] + 0.05 * (self.triggers % 2), 2)
        client.send("tickPrice", reqId=stream.request, tick=ASK, price=price, size=10, mask=1)


def measure(seconds: float) -> dict[str, float]:
    """Return milliseconds, counts and the share of one core."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(there, seconds), daemon=True)
    server.start()
    port = here.recv()
    session = Session(port)
    try:
        here.send(session.trigger)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        told = session.run(here)
        after, took = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
    finally:
        session.close()
    here.send("end")
    server.join(10.0)
    taken = sorted(told["taken"])
    if not taken:
        raise SystemExit("no order came back: nothing was measured")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "lines": session.lines,
        "ticks a second": told["sent"] / seconds,
        "orders timed": len(taken),
        "p50 ms": statistics.median(taken),
        "p90 ms": taken[int(0.90 * len(taken))],
        "p99 ms": taken[int(0.99 * len(taken))],
        "worst ms": taken[-1],
        "share of a core": used / took,
        "passes a second": session.passes / took,
    }


class Session:
    """What a live session runs, with one urgent exit at work that never fills."""

    def __init__(self, port: int) -> None:
        import backtrader as bt

        from engine.execution.settings import ExecutionSettings
        from engine.ibkr.broker import LiveBroker
        from engine.ibkr.contracts import Contracts
        from engine.ibkr.feed import LiveFeed, Minutes
        from engine.ibkr.link import Link
        from engine.ibkr.quotes import LiveQuotes
        from engine.journal.journal import Journal
        from engine.settings_ibkr import IbkrSettings
        from engine.universe import load_universe
        from scripts.commands.options import CONFIG

        products = {SYMBOL: load_universe(CONFIG / "universe.json")[SYMBOL]}
        settings = IbkrSettings(port=port, urgent=0.001, reach_moves=20.0, line_budget=LINES + 2)
        self.link = Link(settings, paper=True)
        self.link.start()
        contracts = Contracts(self.link, products)
        contracts.prepare([SYMBOL])
        self.book = LiveQuotes(self.link, contracts, products, settings)
        self.book.start([SYMBOL])
        for days in (0, 1):
            self.book.watch(SYMBOL, days)
        self.minutes = Minutes(self.link, contracts, self.book, [SYMBOL], settings)
        self.broker = LiveBroker(
            self.link, contracts, self.book, self.minutes.tape, Journal(), settings, ExecutionSettings(),
            lambda rows, day: 0.0,
        )  # fmt: skip
        self.minutes.start()
        self.combo = self._combo(products[SYMBOL])
        self._work()
        self.cerebro = bt.Cerebro(stdstats=False)
        self.cerebro.setbroker(self.broker)
        self.cerebro.adddata(LiveFeed(minutes=self.minutes, symbol=SYMBOL))
        self.cerebro.addstrategy(bt.Strategy)
        self.passes, turn = 0, self.broker.next

        def counted() -> None:
            self.passes += 1
            turn()

        self.broker.next = counted

    def _combo(self, product: Any) -> Any:
        from engine.options.combo import put_spread

        low = float(int(self.book.spot(SYMBOL))) - 1.0
        combo = put_spread(product, DAY, low, low - 1.0)
        deadline = time.monotonic() + 30.0
        while not (self.book.two_sided(combo) and self.book.lines >= LINES):
            if time.monotonic() > deadline:
                raise SystemExit(f"only {self.book.lines} lines stream, expected {LINES}")
            time.sleep(0.05)
        return combo

    def _work(self) -> None:
        from engine.intent import Intent, Order, Urgency
        from engine.reasons import Reason

        at = self.broker.at
        intent = Intent(
            "bench-1", 1, "bench", SYMBOL, self.combo, 1, True, Reason.ENTERED, at, 50.0, 100.0, 1.0
        )
        self.broker.submit(Order("bench-1/1", intent, self.combo, 1, True, Urgency.URGENT, at), self)

    def on_order(self, event: Any, fills: Any, units: int) -> None:
        """Hear of every change; the bench acts on none."""

    @property
    def trigger(self) -> str:
        """The local symbol of the leg whose ask is moved: the one that is bought."""
        contract = self.book._contracts.known(self.combo.legs[1].instrument)
        return str(contract.localSymbol)

    @property
    def lines(self) -> int:
        return self.book.lines

    def run(self, pipe: Connection) -> dict[str, Any]:
        """Run Cerebro until the gateway has told what it measured."""
        told: dict[str, Any] = {}

        def wait() -> None:
            told.update(pipe.recv())
            self.minutes.finish()

        threading.Thread(target=wait, daemon=True).start()
        self.cerebro.run()
        return told

    def close(self) -> None:
        self.link.stop()


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=33.0, help="how long to stream (3 of it warm up)")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    chosen = parser.parse_args()
    found = measure(chosen.seconds)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>16}  {value:.2f}")


if __name__ == "__main__":
    main()
