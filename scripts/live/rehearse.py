"""``mw rehearse``: a day at the simulated gateway, played by the session that plays paper and live."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from math import isinf
from pathlib import Path
from typing import Any

from rich.console import Console

from engine.bars import Bars
from engine.errors import ConfigError, DataError
from engine.gateway.faults import Faults
from engine.gateway.gateway import Gateway
from engine.live.memory import LineMemory
from engine.sessions import CLOSE_MINUTE, NEW_YORK, OPEN_MINUTE, session_dates, sessions_ahead
from engine.settings import Settings
from engine.standing import StandingLoop, StandingTime
from engine.universe import load_universe
from scripts.gateway_market import gateway_market, watched_stocks
from scripts.live.lockstep import Lockstep
from scripts.live.plan import Plan, instant, make_plan
from scripts.live.run import run
from scripts.live.warm import warm
from scripts.live.watch import Outcome
from scripts.progress import shown
from scripts.requests import Recording

DATA_END = date(2018, 12, 31)  # of the daily data shipped
BESIDE = ("atm_iv", "skew", "put_volume", "call_volume")
HISTORY = 40  # sessions before the first, for what looks back
LOOKED_AT = 60  # sessions among which days with trades are looked for
LEAST_CONFIRM = 0.1  # wall
LOOK_SECONDS = 0.2  # of the wall, between two looks at the gateway's clock
NOTHING = Recording()
OPEN_EARLY = 5  # minutes before the open at which a rehearsed day begins


@dataclass(frozen=True)
class Rehearsal:
    """What is rehearsed.

    Parameters
    ----------
    config, out : Path
        Folder of the settings; folder for the rehearsal's own folder.
    days : tuple of date
        Sessions, in order.
    speed : float
        Infinite: in lockstep, as fast as the machine can.
    seed : int, optional
        In place of ``data.seed``.
    first : int, optional
        Minute after midnight at which the first day begins.
    faults : Path, optional
        A script of what goes wrong.
    prompt : bool
        The exchange deals at once instead of once a minute; a backtest then fills later.
    parity : bool
        Afterwards play the days' backtest and show where the two differ.
    recording : Recording
        Recorded bars and quotes instead of synthetic ones.
    """

    config: Path
    out: Path
    days: tuple[date, ...]
    speed: float = 60.0
    seed: int | None = None
    bots: tuple[str, ...] | None = None
    profile: str | None = None
    first: int | None = None
    recording: Recording = Recording()
    overrides: Mapping[str, Any] | None = None
    port: int = 0
    faults: Path | None = None
    prompt: bool = False
    parity: bool = False

    @property
    def lockstep(self) -> bool:
        return isinf(self.speed)

    @property
    def pace(self) -> float:
        """Seconds of the session in one of those by which answers are waited for."""
        return 1.0 if self.lockstep else self.speed


@contextmanager
def stage(request: Rehearsal) -> Iterator[tuple[Gateway, Plan]]:
    """Open a gateway that plays the days, and the plan of a session at it."""
    from scripts.market import market

    plan = _plan(request, 0)
    settings = plan.settings
    bars, book = market(
        settings, load_universe(request.config / "universe.json"), plan.symbols,
        seed=request.seed, recording=request.recording, timerange=span(request),
    )  # fmt: skip
    from engine.execution.settings import ExecutionSettings

    execution = ExecutionSettings(**settings.execution.model_dump())
    begin = instant(request.days[0], request.first or OPEN_MINUTE - OPEN_EARLY)
    remember(plan, bars, begin)
    members = {} if request.recording != NOTHING else plan.members  # no recording holds their prices
    stocks = watched_stocks(settings, members, request.seed, span(request))
    played = gateway_market(bars, book, plan.products, plan.fees, execution, stocks)
    seed = settings.data.seed if request.seed is None else request.seed
    standing = StandingTime()
    loop = StandingLoop(standing) if request.lockstep else None
    gateway = Gateway(
        played,
        port=request.port,
        start=begin,
        faults=Faults.load(request.faults) if request.faults else Faults(),
        state=request.out / "gateway.json",
        loop=loop,
        speed=0.0 if request.lockstep else request.speed,
        seed=seed,
        cash=settings.account.cash,
        prompt=request.prompt,
    )
    with gateway:
        clock = Lockstep(gateway, standing, loop) if loop is not None else None
        yield gateway, replace(_plan(request, gateway.port), clock=clock)


def span(request: Rehearsal) -> str:
    """Return the days of a rehearsal's market, history included, as a time range."""
    first = sessions_ahead(request.days[0], -HISTORY)
    return f"{first:%Y%m%d}-{request.days[-1]:%Y%m%d}"


def _plan(request: Rehearsal, port: int) -> Plan:
    settings = Settings.load(request.config, request.profile, request.overrides)
    ibkr = settings.ibkr.model_dump(mode="json")
    # at home, without an account's name; the simulated exchange quotes once a minute
    ibkr |= {"host": "127.0.0.1", "port": port or ibkr["port"], "account": "", "quote_age": 150.0}
    # the gateway answers at once; at a speed, a second of the machine's is a minute of the session
    ibkr["confirm_seconds"] = max(ibkr["confirm_seconds"] / request.pace, LEAST_CONFIRM)
    overrides = dict(request.overrides or {}) | {"ibkr": ibkr}
    overrides["session"] = {"guard": False} | dict(overrides.get("session", {}))
    return make_plan(
        request.config, "rehearsal", request.bots, request.profile, overrides,
        request.pace, request.out, str(request.out / "journal.db"), request.out, brief=True,
    )  # fmt: skip


def remember(plan: Plan, bars: Mapping[str, Bars], begin: datetime) -> None:
    """Keep what earlier sessions would have measured beside the bars before ``begin``."""
    memory = LineMemory(plan.folder / f"lines-{plan.venue}")
    until = int(begin.timestamp()) * 10**9
    for symbol, held in bars.items():
        columns = {name: held.lines[name] for name in BESIDE if name in held.lines}
        for row, stamp in enumerate(held.stamp.tolist()):
            if stamp <= until:
                memory.keep(stamp, symbol, {name: float(values[row]) for name, values in columns.items()})
    memory.close()


def rehearse(request: Rehearsal) -> tuple[Outcome, ...]:
    """Play the days one after the other, show what came of them, and return how each ended.

    Raises
    ------
    ConfigError
        No day, or a speed out of range.
    SessionError
        A day did not end flat.
    """
    if not request.days:
        raise ConfigError("rehearse: got no day, expected at least one trading day")
    console = Console()
    outcomes = []
    with ExitStack() as stack:
        with shown(console, "Preparing the gateway's days"):
            if not request.lockstep:
                warm(_plan(request, 0))
            gateway, plan = stack.enter_context(stage(request))
        for day in request.days:
            wait_for(gateway, plan, day)
            pace = "in lockstep" if request.lockstep else f"at {request.speed:g} times"
            console.print(f"Rehearsing {day} {pace}, gateway on port {gateway.port}")
            outcomes.append(run(plan, wait=False, watch=partial(clock_shown, console, gateway, day)))
        told = gateway.happened
        truth = gateway.executions()
        for day in request.days if request.parity else ():
            _show_parity(console, request, plan, day)
    for line in told:
        console.print(f"fault: {line}", soft_wrap=True)
    console.print(f"{len(truth)} executions at the gateway; journal: {plan.database}", soft_wrap=True)
    return tuple(outcomes)


@contextmanager
def clock_shown(console: Console, gateway: Gateway, day: date) -> Iterator[None]:
    """Show on a terminal what time it is in the session that is played."""
    if not console.is_terminal:
        yield
        return
    over = threading.Event()
    begin = instant(day, OPEN_MINUTE - OPEN_EARLY)
    whole = (instant(day, CLOSE_MINUTE) - begin).total_seconds()
    with shown(console, "In the session it is") as told:

        def follow() -> None:
            while not over.wait(LOOK_SECONDS):
                now = gateway.now
                told((now - begin).total_seconds(), whole, f"{now.astimezone(NEW_YORK):%H:%M}")

        thread = threading.Thread(target=follow, name="session clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _show_parity(console: Console, request: Rehearsal, plan: Plan, day: date) -> None:
    from scripts.live.parity import parity

    found = parity(request, plan, day)
    word = "the same" if not found.differences else "differences:"
    console.print(f"{day}, against its backtest: {found.decisions} decisions, {found.trades} trades, {word}")
    for one in found.differences:
        kind = "sampling" if one.sampling else "NOT sampling"
        text = f"  {one.what}: backtest {one.backtest}, rehearsal {one.rehearsal}: {one.cause} ({kind})"
        console.print(text, soft_wrap=True)


def wait_for(gateway: Gateway, plan: Plan, day: date) -> None:
    """Wait until the gateway's clock has come to a day."""
    begin = instant(day, OPEN_MINUTE - OPEN_EARLY)
    while gateway.now < begin:
        if isinstance(plan.clock, Lockstep):
            plan.clock.go(begin)
        else:
            time.sleep(0.05)


def trading_days(
    config: Path,
    bots: tuple[str, ...] | None,
    profile: str | None,
    seed: int | None,
    count: int,
    recording: Recording = NOTHING,
) -> tuple[date, ...]:
    """Return the latest days of the synthetic data, or of a recording, on which a backtest trades.

    Raises
    ------
    DataError
        There are fewer among the last sessions.
    """
    from scripts.requests import BacktestRequest
    from scripts.session import play as backtest
    from scripts.session import prepare

    last = _latest(recording)
    request = BacktestRequest(
        config, config, bots, f"{last[0]:%Y%m%d}-{last[-1]:%Y%m%d}", recording, profile=profile, seed=seed
    )
    with shown(Console(), "Looking for days with trades"):
        desk, _ = backtest(prepare(request))
    found = sorted({trade.entry_time.date() for trade in desk.journal.trades})
    if len(found) < count:
        raise DataError(
            f"--days: got {count}, but a backtest of {last[0]} to {last[-1]} trades on {len(found)}; "
            "name the days with --day"
        )
    return tuple(found[-count:])


def _latest(recording: Recording) -> list[date]:
    """Return the days among which those with trades are looked for."""
    from feeds.store.store import QuoteStore

    if recording.quotes is None:
        return session_dates(DATA_END - timedelta(days=2 * LOOKED_AT), DATA_END)[-LOOKED_AT:]
    store = QuoteStore.open(recording.quotes)
    days = {day for symbol in store.symbols() for day in store.days(symbol)}
    return sorted(days)[-LOOKED_AT:]
