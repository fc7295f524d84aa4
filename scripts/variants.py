"""Run many variants of one backtest: the one way sweeps, controls and searches do it.

A variant is the base's settings with some keys changed. Each becomes one line in a results
file, keyed by everything that decided it, so that a stopped search goes on where it was.
"""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.bars import Bars
from engine.broker.fees import FeeSchedule
from engine.errors import ConfigError, DataError, MarketWatchError
from engine.options.contract import Product
from engine.reasons import Reason
from engine.research.space import nested
from engine.risk.blackouts import EventCalendar
from engine.settings import ENVIRONMENT, Settings
from engine.settings_files import Layer, complaint, merge
from feeds.model import ModelQuotes, ModelSettings
from scripts.advisors import advisors_of, model_files
from scripts.chosen import chosen_bots
from scripts.market import find_product, generated, members
from scripts.outcomes import Outcome, append, days_of, read_outcomes, same
from scripts.parallel import spread
from scripts.requests import BacktestRequest
from scripts.session import Setup, overrides, play
from scripts.signals import OWN, WITHOUT, bots_with

NO_EVENTS = f"{WITHOUT}:{Reason.EVENT_BLACKOUT}"
FILES = ("data.daily", ".model")  # settings that name a file
KEPT_BARS = 2  # sets of bars a process holds: five years of two symbols are about 100 MB
KEPT_BOOKS = 2  # models of quotes over them, as large
COLLECT_EVERY = 24  # variants: each leaves some 7 MB of lines in circles nobody else collects in time
ROOT = Path(__file__).resolve().parents[1]
BOTS = ("strategies",)
PROGRAM = ("engine", "feeds", *BOTS, "scripts/market.py", "scripts/session.py", "scripts/signals.py")
_held: dict[str, dict[str, Bars]] = {}
_books: dict[str, tuple[ModelQuotes, dict[str, Bars]]] = {}
_unpacked: dict[str, Base] = {}
_ran = count(1)


@dataclass(frozen=True)
class Base:
    """What all variants share; it travels to other processes and machines, so it holds files' content.

    Parameters
    ----------
    settings : dict
        Every setting, as `Settings.model_dump` gives them.
    bots : tuple of str, optional
        The bots to run; None those enabled in a variant's settings.
    universe, calendar, fees
        As a backtest takes them.
    timerange : str, optional
    digest : str
        Of all this, of the files it was read from and of the program's own source.
    idea : str
        The same with the bots' source only: who asks again with a newer program tries nothing new.
    """

    settings: dict[str, Any]
    bots: tuple[str, ...] | None
    universe: Mapping[str, Product]
    calendar: EventCalendar
    fees: FeeSchedule
    timerange: str | None
    digest: str
    idea: str

    @classmethod
    def of(cls, request: BacktestRequest) -> Base:
        """Read settings, universe, calendar and fees; every user error of them surfaces here."""
        from engine.universe import load_universe

        if request.recording:
            raise ConfigError("variants: recorded data was given, expected a synthetic backtest")
        settings = Settings.load(request.config, request.profile, overrides(request))
        chosen_bots(settings, request.bots)
        universe, events, fees = (
            request.config / name for name in ("universe.json", "events.json", "fees.yaml")
        )
        files = [path for path in (universe, events, fees, settings.data.daily) if path is not None]
        files += model_files(settings)
        told = [settings.digest, request.bots, request.timerange, _content(files)]
        return cls(
            settings=settings.model_dump(mode="json"),
            bots=request.bots,
            universe=load_universe(universe),
            calendar=EventCalendar.load(events, settings.risk.calendar_required),
            fees=FeeSchedule.load(fees),
            timerange=request.timerange,
            digest=hashlib.sha256(json.dumps([*told, source_digest()]).encode()).hexdigest(),
            idea=hashlib.sha256(json.dumps([*told, source_digest(BOTS)]).encode()).hexdigest(),
        )


@dataclass(frozen=True)
class Variant:
    """One change of the base.

    Parameters
    ----------
    changes : mapping
        Dotted keys of the settings to values: ``{"bots.condor.width": 2, "data.seed": 3}``.
    signals : str
        Whose verdicts let a bot trade, see `scripts.signals.bots_with`.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    signals: str = OWN

    def key(self, base: Base) -> str:
        """Return the name of this variant's result under a base."""
        return self._key(base.digest)

    def trial(self, base: Base) -> str:
        """Return the name of what is tried by this variant, in whatever version of the program."""
        return self._key(base.idea)

    def _key(self, digest: str) -> str:
        files = [Path(value) for key, value in self.changes.items() if value and key.endswith(FILES)]
        told = [digest, dict(self.changes), self.signals]
        text = json.dumps([*told, _content(files) if files else ""], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def settings_of(base: Base, changes: Mapping[str, Any]) -> Settings:
    """Return the settings of a variant.

    Raises
    ------
    ConfigError
        A key that does not exist, or a value that cannot be.
    """
    layers = [Layer("base", base.settings), Layer("variant", nested(changes))]
    try:
        return Settings(**merge(layers))
    except ValidationError as error:
        raise complaint(error, layers, Settings, ENVIRONMENT) from None


def setup_of(base: Base, changes: Mapping[str, Any]) -> Setup:
    """Return everything a variant's backtest is made of; equal bars are made once a process."""
    settings = settings_of(base, changes)
    bots = chosen_bots(settings, base.bots)
    symbols = dict.fromkeys(symbol for name in bots for symbol in getattr(settings.bots, name).symbols)
    products = {symbol: find_product(base.universe, symbol) for symbol in symbols}
    book, bars = _book(settings, products, base.timerange, members(settings, base.universe))
    harvest = settings.common.regime.harvest is not None
    calendar = EventCalendar(base.calendar.known, settings.risk.calendar_required, harvest)
    advisors, _ = advisors_of(settings, bots)
    return Setup(settings, bots, products, bars, book, calendar, base.fees, advisors)


def run_variant(base: Base, variant: Variant, key: str = "") -> Outcome:
    """Run one variant; whatever goes wrong with it is told in its outcome."""
    began = time.perf_counter()
    try:
        setup = setup_of(base, variant.changes)
        if variant.signals == NO_EVENTS:
            setup = replace(setup, calendar=setup.calendar.without_events())
        desk, _ = play(setup, roster=bots_with(variant.signals))
        found = {bot: days_of(bot, desk.journal.trades) for bot in setup.bots}
        told: dict[str, Any] = {
            "error": "",
            "cash": setup.settings.account.cash,
            "sessions": tuple(day.isoformat() for day in desk.sessions),
            "bots": found,
        }
    except MarketWatchError as error:
        told = {"error": str(error), "cash": 0.0, "sessions": (), "bots": {}}
    except Exception as error:  # noqa: BLE001 - a defect met by one variant must not cost the others
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        told = {"error": said, "cash": 0.0, "sessions": (), "bots": {}}
    if next(_ran) % COLLECT_EVERY == 0:
        gc.collect()
    spent = round(time.perf_counter() - began, 3)
    return Outcome(key, dict(variant.changes), variant.signals, spent, **told)


def run_packed(digest: str, packed: bytes, variant: Variant, key: str) -> Outcome:
    """Run one variant of a pickled base; a process unpacks each base once."""
    if digest not in _unpacked:
        _unpacked.clear()
        _unpacked[digest] = pickle.loads(packed)
    return run_variant(_unpacked[digest], variant, key)


def run_variants(
    base: Base,
    variants: Sequence[Variant],
    jobs: int = -1,
    done: Path | None = None,
    scheduler: str | None = None,
    known: Mapping[str, Outcome] | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """Run variants on all cores, or on a cluster, and give each outcome as it is finished.

    Parameters
    ----------
    base : Base
    variants : sequence of Variant
        Equal ones run once.
    jobs : int
        Processes; -1 one a core.
    done : Path, optional
        File of finished variants: those in it are not run again, the others are added, a line
        each, on the disk before they are given. Failed ones are run again.
    scheduler : str, optional
        Address of a Dask scheduler instead of local processes.
    known : mapping of key to Outcome, optional
        What ``done`` holds, where it was read already.

    Yields
    ------
    (int, Outcome)
        Number of the variant and what came of it; those already done first.
    """
    numbers: dict[str, list[int]] = {}
    for number, variant in enumerate(variants):
        numbers.setdefault(variant.key(base), []).append(number)
    known = (read_outcomes(done) if done is not None else {}) if known is None else known
    left: list[tuple[str, Variant]] = []
    for key, places in numbers.items():
        if key in known:
            yield from ((number, known[key]) for number in places)
        else:
            left.append((key, variants[places[0]]))
    # variants on the same bars stand together, so that a process seldom changes its bars
    left.sort(key=lambda item: json.dumps(_market_changes(item[1]), sort_keys=True, default=str))
    for found in _outcomes(base, left, jobs, scheduler):
        outcome = replace(found, sessions=same(found.sessions))
        if done is not None:
            append(done, outcome)
        yield from ((number, outcome) for number in numbers[outcome.key])


@lru_cache(maxsize=2)
def source_digest(parts: tuple[str, ...] = PROGRAM) -> str:
    """Return a digest of the program's source: another version's results are others."""
    files = [
        path
        for part in parts
        for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))
    ]
    return _content(files)


def _outcomes(
    base: Base, left: Sequence[tuple[str, Variant]], jobs: int, scheduler: str | None
) -> Iterator[Outcome]:
    if not left:
        return
    if scheduler is not None:
        from scripts.cluster import outcomes_of

        yield from outcomes_of(base, left, scheduler)
    elif jobs == 1 or len(left) == 1:
        yield from (run_variant(base, variant, key) for key, variant in left)
    else:
        from joblib import delayed

        packed = pickle.dumps(base)  # once: events and fees are many small objects
        runs = (delayed(run_packed)(base.digest, packed, variant, key) for key, variant in left)
        yield from spread(runs, jobs, ordered=False)


def _book(
    settings: Settings, products: Mapping[str, Product], timerange: str | None, breadth_of: Sequence[Product]
) -> tuple[ModelQuotes, dict[str, Bars]]:
    """Return the quotes of the settings and the bars with their lines, those last used as they are."""
    model = ModelSettings(settings.quotes.premium, settings.quotes.spread_scale)
    key = f"{_data_key(settings, products, timerange, breadth_of)} {model}"
    if key not in _books:
        bars = _bars(settings, products, timerange, breadth_of)
        while len(_books) >= KEPT_BOOKS:
            del _books[next(iter(_books))]
        book = ModelQuotes(bars, products, model)
        _books[key] = book, book.with_lines()
    return _books[key]


def _data_key(
    settings: Settings, products: Mapping[str, Product], timerange: str | None, breadth_of: Sequence[Product]
) -> str:
    names = sorted(map(repr, products.values())), [product.symbol for product in breadth_of]
    return json.dumps([settings.data.model_dump(mode="json"), timerange, *names])


def _bars(
    settings: Settings, products: Mapping[str, Product], timerange: str | None, breadth_of: Sequence[Product]
) -> dict[str, Bars]:
    """Return the bars of the settings, those last used without making them again."""
    key = _data_key(settings, products, timerange, breadth_of)
    if key not in _held:
        while len(_held) >= KEPT_BARS:
            del _held[next(iter(_held))]
        _held[key] = generated(settings, products, timerange=timerange, breadth_of=breadth_of)
    return {symbol: _held[key][symbol] for symbol in products}


def _market_changes(variant: Variant) -> dict[str, Any]:
    return {key: value for key, value in variant.changes.items() if key.startswith(("data", "quotes"))}


def _content(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}), expected a file") from None
    return digest.hexdigest()
