"""``mw gateway``: the gateway simulator on this machine, until Ctrl-C or the end of its days."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import typer

from engine.broker.fees import FeeSchedule
from engine.errors import ConfigError
from engine.execution.settings import ExecutionSettings
from engine.gateway.exchange import session_hours
from engine.gateway.faults import Faults
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market
from engine.sessions import sessions_ahead
from engine.settings import Settings
from engine.universe import load_universe, single_stocks
from scripts.chosen import chosen_bots
from scripts.gateway_market import gateway_market, watched_stocks
from scripts.market import market
from scripts.requests import Recording

BEFORE = 40  # sessions of history a client can ask for
EARLY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """A gateway as the command line asks for it.

    Parameters
    ----------
    config : Path
        Folder of the settings.
    day : date, optional
        The first day it plays; by default the last there is.
    days : int
        How many sessions it plays.
    symbols : tuple of str
        Underlyings; none: those of the enabled bots.
    quotes : Path, optional
        A store of recorded quotes instead of synthetic bars and model quotes.
    seed : int, optional
        In place of ``data.seed``.
    speed, port, faults, state, account, cash : optional
        See `engine.gateway.gateway.Gateway`.
    """

    config: Path
    day: date | None = None
    days: int = 1
    symbols: tuple[str, ...] = ()
    quotes: Path | None = None
    profile: str | None = None
    seed: int | None = None
    speed: float = 60.0
    port: int = 4010
    faults: Path | None = None
    state: Path | None = None
    account: str = "DU0000007"
    cash: float | None = None


def build(request: GatewayRequest) -> tuple[Gateway, Market]:
    """Return the gateway asked for, not yet started, and its market; every user error surfaces here."""
    settings = Settings.load(request.config, request.profile)
    universe = load_universe(request.config / "universe.json")
    symbols = request.symbols or tuple(
        dict.fromkeys(s for name in chosen_bots(settings, None) for s in getattr(settings.bots, name).symbols)
    )
    script = Faults.load(request.faults) if request.faults else Faults()
    recording = Recording(quotes=request.quotes) if request.quotes else None
    seed = settings.data.seed if request.seed is None else request.seed
    bars, book = market(settings, universe, symbols, seed=seed, recording=recording, timerange=_span(request))
    products = {symbol: universe[symbol] for symbol in bars}
    fees = FeeSchedule.load(request.config / "fees.yaml")
    execution = ExecutionSettings(**settings.execution.model_dump())
    members = single_stocks(universe) if settings.common.regime.needs_breadth and not recording else {}
    stocks = watched_stocks(settings, members, seed, _span(request))
    made = gateway_market(bars, book, products, fees, execution, stocks)
    dates = made.tape.dates
    day = request.day or dates[-request.days]
    if day not in dates:
        raise ConfigError(f"--day: got {day}, expected a session from {dates[0]} to {dates[-1]}")
    gateway = Gateway(
        made,
        port=request.port,
        start=session_hours(day)[0] - EARLY,
        faults=script,
        state=request.state,
        speed=request.speed,
        seed=seed,
        cash=settings.account.cash if request.cash is None else request.cash,
        account=request.account,
    )
    return gateway, made


def _span(request: GatewayRequest) -> str | None:
    """Return the days to make: those to play, and history before them."""
    if request.day is None:
        return None
    first = sessions_ahead(request.day, -BEFORE)
    last = sessions_ahead(request.day, request.days - 1)
    return f"{first:%Y%m%d}-{last:%Y%m%d}"


def run(request: GatewayRequest) -> None:
    """Start a gateway and serve until Ctrl-C, SIGTERM or the end of its last day."""
    gateway, made = build(request)
    over = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: over.set())
    with gateway:
        typer.echo(
            f"Gateway on 127.0.0.1:{gateway.port}, account {request.account}, "
            f"{', '.join(made.products)}, {gateway.now:%Y-%m-%d %H:%M} New York, speed {request.speed:g}"
        )
        last = session_hours(made.tape.dates[-1])[1] + EARLY
        with suppress(KeyboardInterrupt):
            while not over.wait(0.2) and not _past(gateway, last):
                pass
        fills, held, working = gateway.executions(), gateway.positions(), gateway.open_orders()
    typer.echo(
        f"Stopped at {gateway.now:%Y-%m-%d %H:%M}: {len(fills)} executions, {len(held)} positions, "
        f"{len(working)} working orders"
    )
    for line in gateway.happened:
        typer.echo(f"fault: {line}")


def _past(gateway: Gateway, last: datetime) -> bool:
    return gateway.now >= last
