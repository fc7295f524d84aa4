"""Put the parts of a backtest together and play it: the only place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import backtrader as bt

from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.broker.option_broker import OptionBroker
from engine.cerebro import FastCerebro, calm_collector
from engine.desk import Desk
from engine.execution.settings import ExecutionSettings
from engine.journal.journal import Journal
from engine.ml.advice import Advisor
from engine.options.contract import Product
from engine.risk.blackouts import EventCalendar
from engine.risk.governor import Governor
from engine.settings import Settings
from engine.settings_bots import BotsSettings
from engine.tape import Tape
from feeds.lines import ArrayFeed
from feeds.model import ModelQuotes
from scripts.chosen import chosen_bots
from scripts.requests import BacktestRequest

if TYPE_CHECKING:
    from feeds.recorded.book import RecordedQuotes

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Setup:
    """Everything a backtest is made of before its first bar."""

    settings: Settings
    bots: tuple[str, ...]
    products: Mapping[str, Product]
    bars: Mapping[str, Bars]
    book: ModelQuotes | RecordedQuotes
    calendar: EventCalendar
    fees: FeeSchedule
    advisors: Mapping[str, Advisor] = field(default_factory=dict)
    advisor_notes: tuple[str, ...] = ()


def overrides(request: BacktestRequest) -> dict[str, Any]:
    """Return the settings a command line lays over the files."""
    found: dict[str, Any] = {}
    for section, key, value in (
        ("data", "seed", request.seed),
        ("data", "generator", request.generator),
        ("quotes", "premium", request.premium),
    ):
        if value is not None:
            found.setdefault(section, {})[key] = value
    if request.symbol is not None:
        symbols = [request.symbol]
        found["bots"] = {name: {"symbols": symbols} for name in BotsSettings.model_fields}
    return found


def prepare(request: BacktestRequest) -> Setup:
    """Load settings, calendar, fees, bars and quotes; every user error surfaces here."""
    from engine.universe import load_universe
    from scripts.advisors import advisors_of
    from scripts.market import market

    settings = Settings.load(request.config, request.profile, overrides(request))
    bots = chosen_bots(settings, request.bots)
    universe = load_universe(request.config / "universe.json")
    calendar = EventCalendar.load(
        request.config / "events.json",
        settings.risk.calendar_required,
        settings.common.regime.harvest is not None,
    )
    fees = FeeSchedule.load(request.config / "fees.yaml")
    symbols = dict.fromkeys(symbol for name in bots for symbol in getattr(settings.bots, name).symbols)
    bars, book = market(
        settings, universe, symbols, recording=request.recording, timerange=request.timerange, kept=True
    )
    products = {symbol: universe[symbol] for symbol in symbols}
    advisors, notes = advisors_of(settings, bots)
    return Setup(settings, bots, products, bars, book, calendar, fees, advisors, notes)


def play(
    setup: Setup,
    stock_loop: bool = False,
    progress: Progress | None = None,
    roster: Mapping[str, type[Any]] | None = None,
    analyzers: Sequence[type[Any]] = (),
) -> tuple[Desk, list[Any]]:
    """Run the bots over the bars once and return the desk and the strategies.

    Parameters
    ----------
    setup : Setup
    stock_loop : bool
        Visit every bar in Backtrader's own loop, and look at every candidate's chain.
    progress : callable, optional
        Called with (bars done, bars in all).
    roster : mapping of name to bot, optional
        Instead of the bots as they are.
    analyzers : sequence of Backtrader analyzers, optional
        Asked at the end of every bot, such as `analyzers.cerebral.ANALYZERS`.
    """
    from strategies.roster import BOTS

    settings = setup.settings
    tape, journal = Tape(setup.bars), Journal()
    execution = ExecutionSettings(**settings.execution.model_dump())
    broker = OptionBroker(setup.book, tape, setup.fees, journal, execution, settings.account.cash)
    governor = Governor(
        settings.risk.limits(), setup.calendar, research=settings.bots.putlite.structure == "cash_secured"
    )
    desk = Desk(setup.book, broker, governor, journal, tape, setup.fees, tape.dates, settings.account.cash)
    options = {"stdstats": False, "preload": True, "runonce": True}
    cerebro = bt.Cerebro(**options) if stock_loop else FastCerebro(progress=progress, **options)
    cerebro.setbroker(broker)
    for symbol, bars in setup.bars.items():
        cerebro.adddata(ArrayFeed(bars=bars, name=symbol))
    broker.attach(cerebro.datas[0].lines.datetime)  # whose length is told faster than the feed's
    for name in setup.bots:
        cerebro.addstrategy(
            (roster or BOTS)[name],
            desk=desk,
            config=getattr(settings.bots, name),
            common=settings.common,
            products=setup.products,
            foresee=not stock_loop,
            advisor=setup.advisors.get(name),
        )
    for analyzer in analyzers:
        cerebro.addanalyzer(analyzer)
    with calm_collector():
        return desk, cerebro.run()


def describe(setup: Setup, desk: Desk) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is to be said of the data and of the assumptions, each sentence once."""
    notes = dict.fromkeys(note for bars in setup.bars.values() for note in bars.notes)
    told = dict.fromkeys([*setup.book.assumptions(), *desk.broker.assumptions(), *setup.advisor_notes])
    return tuple(notes), tuple(told)
