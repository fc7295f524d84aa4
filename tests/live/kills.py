"""``kill -9`` at any moment of a session's life, in lockstep: the moments do not depend on the machine.

``python -m tests.live.kills N [seed]`` (``make soak-kill``) plays N rehearsed hours. In each a
moment is drawn: a message of the session that the gateway receives, a fill the gateway tells, a
row the journal is about to write or has just written, or a second of the session. The session is
killed there, some of its own milliseconds later, lies dead for a while of the market's time (in
which orders trade), and is started again; some are killed twice. A minute after every restart,
and at the end, journal, governor and book must be what the gateway says.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.gateway.client import Client
from engine.gateway.gateway import Gateway
from engine.gateway.listing import listed
from engine.journal import logs
from engine.journal.queries import Reader
from engine.journal.recorder import Recorder
from engine.journal.tables import ReconciliationRow
from scripts.live.journal import read_kept
from scripts.live.lockstep import Lockstep
from scripts.live.plan import Plan, instant, read_plan, save_plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.live.watch import Outcome
from tests.live.apart import Apart, Keeper
from tests.live.killing import PROCESSES, TAG
from tests.live.stage import DAY, HOUR, Played, request

SETTLED = timedelta(seconds=60)  # after a restart: adopted, asked, compared
DEALT = 30  # second of a minute at which what was dealt at its beginning is long booked
ORDERS = frozenset({"3", "4"})  # placeOrder, cancelOrder
PATIENCE = 300.0  # wall
BEGIN = 626  # minutes after midnight
SHORT = {  # in from 10:30, out at 10:50
    **HOUR,
    "risk": {"window_last": "10:38", "flat_by": "10:52"},
    "common": {"time_stop": "10:50"},
}
SLOW = {**SHORT, "execution": {"entry_fraction_start": 0.0}}  # concedes from mid: re-quoted every minute
KINDS = {"message": 10, "fill": 2, "row": 56, "second": 1}  # and how many there are to choose from


@dataclass(frozen=True)
class Moment:
    """When a session is killed: at the ``nth`` of a kind, ``delay`` wall seconds later; ``after`` a row."""

    kind: str
    nth: int = 1
    delay: float = 0.0
    after: bool = False
    at: datetime | None = None

    @classmethod
    def draw(cls, draw: random.Random) -> Moment:
        """Return a random one."""
        kind = draw.choice(tuple(KINDS))
        delay = draw.choice((0.0, 0.0, 0.001, 0.003, 0.01, 0.03))
        at = instant(DAY, BEGIN + 4) + timedelta(seconds=draw.uniform(0.0, 21 * 60.0))
        return cls(kind, draw.randint(1, KINDS[kind]), delay, draw.random() < 0.5, at)


@dataclass(frozen=True)
class Found:
    """What a kill found: how the account stood, and what the journal did not know yet."""

    held: bool
    working: bool
    closing: bool
    unknown_fills: int
    unknown_orders: int
    changing: bool

    def words(self) -> str:
        """Return it as one name."""
        state = "holding" if self.held else "flat"
        if self.working:
            state += ", closing" if self.closing else ", entry working"
        state += ", in the middle of a change" if self.changing else ""
        state += ", a fill not journalled" if self.unknown_fills else ""
        return state + (", an order not journalled" if self.unknown_orders else "")


class Killer:
    """Kills the child of a stage at its moment; what it needs to see it learns from the gateway."""

    def __init__(self, gateway: Gateway, keeper: Keeper, number: int) -> None:
        self._child: Any = None
        self._moment: Moment | None = None
        self._seen: Counter[str] = Counter()
        self.check: Callable[[], None] | None = None
        self._check_at: datetime | None = None
        self.failed: BaseException | None = None
        keeper.moved = self._moved
        server, venue = gateway._server, gateway._venue
        hear, fill = server._hear, venue.fills

        def heard(client: Client, received: list[str]) -> None:
            hear(client, received)
            if client.number == number and received[0] in ORDERS:
                self._see("message")

        def filled(ticket: Any, fills: Any) -> None:
            fill(ticket, fills)
            if ticket.client == number:
                self._see("fill")

        server._hear, venue.fills = heard, filled  # type: ignore[method-assign]

    def arm(self, child: Any, moment: Moment | None, check_at: datetime | None = None) -> None:
        """Wait for a moment of a child; hold the books together at an instant."""
        self._child, self._moment, self._check_at = child, moment, check_at
        self._seen.clear()

    def _see(self, kind: str) -> None:
        self._seen[kind] += 1
        moment = self._moment
        if moment is not None and moment.kind == kind and self._seen[kind] == moment.nth:
            self._kill(moment.delay)

    def _moved(self, at: datetime) -> None:
        moment = self._moment
        if moment is not None and moment.kind == "second" and moment.at is not None and at >= moment.at:
            self._kill(moment.delay)
        if self._check_at is not None and at >= self._check_at:
            self._check_at = None
            try:
                assert self.check is not None
                self.check()
            except BaseException as error:  # noqa: BLE001  it belongs to the soak's own thread
                self.failed = error
                self._kill(0.0)

    def _kill(self, delay: float) -> None:
        self._moment = None
        pid = self._child.pid

        def strike() -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        if delay:
            threading.Timer(delay, strike).start()
        else:
            strike()


def _child(folder: Path, conn: Connection, moment: Moment | None) -> None:
    """Play a session in this process, on the time of the other."""
    logs.start("INFO", folder / "child.log")
    if moment is not None and moment.kind == "row":
        _die_at_row(moment)
    plan = replace(read_plan(folder, TAG), clock=Apart(conn))
    outcome = play(plan)
    (folder / "outcome").write_text(f"{outcome.how} {outcome.trades} {outcome.net}")


def _die_at_row(moment: Moment) -> None:
    """Let this process die before or after one of the journal's rows."""
    record, seen = Recorder.record, 0

    def dying(self: Recorder, event: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == moment.nth and not moment.after:
            os.kill(os.getpid(), signal.SIGKILL)
        record(self, event)
        if seen == moment.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    Recorder.record = dying  # type: ignore[method-assign]


@contextmanager
def _session(plan: Plan, keeper: Keeper, moment: Moment | None) -> Any:
    mine, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(target=_child, args=(plan.folder, theirs, moment), daemon=True)
    child.start()
    theirs.close()
    answers = keeper.serve(mine)
    try:
        yield child
        child.join(PATIENCE)
        assert child.exitcode is not None, (plan.folder / "child.log").read_text()[-3000:]
    finally:
        child.kill()
        answers.join(PATIENCE)


def _gone(gateway: Gateway) -> None:
    """Wait until the gateway has seen that its client is dead."""
    deadline = time.monotonic() + PATIENCE
    while gateway.call(lambda venue: len(venue.clients)):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def books(gateway: Gateway, plan: Plan) -> None:
    """Hold journal, governor and book against the gateway, now."""
    kept = read_kept(plan, DAY)
    held: Counter[str] = Counter()
    for ticket in kept.tickets.values():
        for combo, units in ticket.holdings().items():
            for leg in combo.legs:
                held[listed(leg.instrument).local_symbol] += units * leg.ratio
    truth = gateway.positions()
    assert {name: count for name, count in held.items() if count} == truth, (held, truth)
    open_ = {trade.order_ref for trade in kept.state.open}
    assert open_ == {ticket.intent.order_ref for ticket in kept.tickets.values()}
    entries = kept.state.entries_of("condor", DAY)
    assert entries <= plan.settings.bots.condor.entries_per_day
    Played(Outcome("", DAY, 0, 0.0, ""), gateway, plan).check_executions()


def found(gateway: Gateway, plan: Plan) -> Found:
    """Return how the account and the journal stand after a kill."""
    working = [one for one in gateway.open_orders() if one["orderType"] == "LMT"]
    fills: set[str] = set()
    orders: Mapping[str, float] = {}
    if Path(plan.database).exists():
        with Reader(plan.database) as reader:
            runs = reader.history()
            told = reader.fills(runs)
            fills = set(told["exec_id"]) if len(told) else set()
            rows = reader.orders(runs)
            orders = dict(zip(rows["order_ref"], rows["limit"], strict=True)) if len(rows) else {}
    legs = [one for one in gateway.executions() if one["secType"] != "BAG"]
    unknown = [one for one in working if one["orderRef"] not in orders]
    changing = [
        one
        for one in working
        if one["orderRef"] in orders and abs(abs(one["limit"]) - abs(orders[one["orderRef"]])) > 1e-9
    ]
    held = bool(gateway.positions())
    return Found(
        held, bool(working), held and bool(working), sum(one["execId"] not in fills for one in legs),
        len(unknown), bool(changing),
    )  # fmt: skip


def kill_and_restart(
    folder: Path, moments: list[Moment], deaths: list[float], slow: bool, quantity: int = 1
) -> list[Found]:
    """Play an hour in which a session is killed at every moment that comes; hold everything together.

    Returns what each kill that came has found.

    Raises
    ------
    AssertionError
        The books disagree.
    """
    with stage(request(folder, first=BEGIN, overrides=SLOW if slow else SHORT)) as (gateway, plan):
        save_plan(plan, TAG)
        assert isinstance(plan.clock, Lockstep)
        keeper = Keeper(gateway, plan.clock)
        killer = Killer(gateway, keeper, plan.settings.ibkr.client_id)
        killer.check = lambda: books(gateway, plan)
        came: list[Found] = []
        ahead: list[Moment | None] = [*moments, None]
        check_at = None
        for number, moment in enumerate(ahead):
            with _session(plan, keeper, moment) as child:
                killer.arm(child, moment, check_at)
            if killer.failed is not None:
                raise killer.failed
            if child.exitcode != -signal.SIGKILL:
                assert child.exitcode == 0, (plan.folder / "child.log").read_text()[-3000:]
                break
            _gone(gateway)
            came.append(found(gateway, plan))
            keeper.pass_by(gateway.now + timedelta(seconds=deaths[number]))
            check_at = (gateway.now + SETTLED).replace(second=DEALT)
        how, trades, net = (plan.folder / "outcome").read_text().split()
        assert how == "flat", how
        played = Played(Outcome(how, DAY, int(trades), float(net), ""), gateway, plan)
        played.check()
        assert len(played.trades()) <= 1
        with Reader(plan.database) as reader:
            ends = [
                one for one in reader.events(ReconciliationRow, reader.history(), DAY) if one["kind"] == "end"
            ]
        assert ends and ends[-1]["clean"]
        return came


def hold(folder: Path, moment: Moment) -> None:
    """Kill a session at a moment and leave journal and gateway as they are, on disk."""
    with stage(request(folder, first=BEGIN)) as (gateway, plan):
        save_plan(plan, TAG)
        assert isinstance(plan.clock, Lockstep)
        keeper = Keeper(gateway, plan.clock)
        killer = Killer(gateway, keeper, plan.settings.ibkr.client_id)
        with _session(plan, keeper, moment) as child:
            killer.arm(child, moment)
        _gone(gateway)
        assert gateway.positions(), "nothing is held"


def soak(folder: Path, kills: int, seed: int = 0) -> Counter[str]:
    """Kill sessions at ``kills`` random moments, print a line each; the first that disagrees ends it."""
    draw = random.Random(seed)
    count: Counter[str] = Counter()
    number = 0
    while count.total() < kills:
        number += 1
        moments = [Moment.draw(draw) for _ in range(2 if draw.random() < 0.25 else 1)]
        deaths = [draw.choice((0.0, 0.0, 20.0, 90.0, 240.0)) for _ in moments]
        slow = draw.random() < 0.5
        began = time.monotonic()
        try:
            came = kill_and_restart(folder / str(number), moments, deaths, slow)
        except BaseException:
            print(f"DISAGREE: {moments} {deaths} slow={slow}", flush=True)
            raise
        for one in came:
            count[one.words()] += 1
        told = "; ".join(one.words() for one in came) or "did not come"
        kinds = ", ".join(f"{m.kind} {m.nth} +{1000 * m.delay:g} ms" for m in moments)
        print(
            f"{count.total()}/{kills}: {kinds}: {told}: books agree ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    return count


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        counts = soak(Path(place), int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    for words, number in counts.most_common():
        print(f"{number:4d}  {words}")
