"""What the ramp is told: facts about one configuration of one bot, as they stand in the chain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from engine.errors import GateError
from engine.gate.settings import Stage
from engine.journal.records import GateEvent


@dataclass(frozen=True, slots=True)
class Registered:
    """A configuration of a bot that was not the one before: the ramp starts over.

    Parameters
    ----------
    bot, config : str
        ``config`` is the digest of everything in ``parts``.
    parts : mapping of str to str
        Settings by dotted key as JSON, and strategy files by name as digests.
    size : mapping of str to float
        The settings that scale with the number of lots: not part of the digest.
    changed : tuple of str
        What differs from the configuration before, one line each.
    """

    bot: str
    config: str
    parts: Mapping[str, str]
    size: Mapping[str, float]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a backtest of the configuration showed; USD, ratios a year, None where not known.

    ``low`` is the lower 5 % bound of a trade's mean with costs times ``costs``; ``deflated`` the
    deflated Sharpe ratio after ``trials`` trials.
    """

    bot: str
    config: str
    run: str
    recorded: bool
    first: date
    last: date
    sessions: int
    trades: int
    sharpe: float | None
    error: float | None
    trials: int
    deflated: float | None
    expectancy: float | None
    costs: float
    low: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A paper or live session of a bot begins.

    ``account`` is a mark that tells accounts apart; ``settings`` the digest of all settings then.
    """

    bot: str
    config: str
    day: date
    venue: str
    account: str
    settings: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a session of a bot.

    Parameters
    ----------
    failed : mapping of str to str
        Item and evidence; empty for a compliant session.
    net, trades, fills
        USD of the bot's finished trades, their number, and the number of orders filled.
    slippage, modelled : float
        USD given up against mid by the fills that have a shadow, and what the model would have.
    shadows : int
        Fills with a shadow.
    rows : str
        Digest of the rows judged.
    overridden : bool
        Allowed by a typed override, not by the gate.
    """

    bot: str
    config: str
    day: date
    venue: str
    failed: Mapping[str, str]
    net: float
    trades: int
    fills: int
    slippage: float = 0.0
    modelled: float = 0.0
    shadows: int = 0
    rows: str = ""
    overridden: bool = False

    @property
    def compliant(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def idle(self) -> bool:
        """Whether it was clean and without a fill."""
        return not self.failed and self.fills == 0


@dataclass(frozen=True, slots=True)
class Moved:
    """A step on the ramp, up or down; ``criteria`` is the digest of the gate's settings then."""

    bot: str
    config: str
    origin: Stage
    target: Stage
    lots: int
    why: str
    criteria: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """The owner's typed word for a live session the gate does not allow."""

    bot: str
    config: str
    day: date
    words: str
    refused: tuple[str, ...] = field(default=())


Fact = Registered | Backtest | Opened | Judged | Moved | Overridden

KINDS: dict[str, type[Any]] = {
    "registered": Registered,
    "backtest": Backtest,
    "opened": Opened,
    "judged": Judged,
    "moved": Moved,
    "overridden": Overridden,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_DATES = ("day", "first", "last")
_LISTS = ("changed", "refused")
_STAGES = ("origin", "target")


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact and when it was told."""

    at: datetime
    fact: Fact


def kind_of(fact: Fact) -> str:
    """Return the word for a kind of fact."""
    return _NAMES[type(fact)]


def payload(fact: Fact) -> dict[str, Any]:
    """Return a fact as JSON can hold it."""
    told = asdict(fact)
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()}


def read(event: GateEvent) -> Entry:
    """Return the fact in an event of the chain.

    Raises
    ------
    GateError
        It is of an unknown kind, or its content is not that of its kind.
    """
    try:
        raw = json.loads(event.payload)
        values = {name: _value(name, value) for name, value in raw.items()}
        return Entry(event.at, KINDS[event.kind](**values))
    except (KeyError, TypeError, ValueError) as error:
        raise GateError(
            f"gate event {event.kind} of {event.at:%Y-%m-%d %H:%M} cannot be read ({error}); "
            f"expected one of {', '.join(KINDS)}, written by this version or an older one"
        ) from None


def _value(name: str, value: Any) -> Any:
    if name in _DATES:
        return date.fromisoformat(value)
    if name in _LISTS:
        return tuple(value)
    return Stage(value) if name in _STAGES else value
