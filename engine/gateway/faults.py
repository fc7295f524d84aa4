"""What goes wrong, and when: a script of faults for a gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from engine.errors import ConfigError
from engine.sessions import NEW_YORK

Event = Literal["connect", "request", "order", "change", "cancel", "trade", "filled"]
TIMED = (
    "drop", "notice", "outage", "silence", "restart", "rate", "freeze", "cross", "assign", "roll_back",
)  # fmt: skip
EVENTS: dict[str, tuple[str, ...]] = {
    "connect": ("taken", "roll_back", "drop"),
    "request": ("refuse", "silence", "drop"),
    "order": ("refuse", "inactive", "notice", "drop"),
    "change": ("refuse", "notice", "drop"),
    "cancel": ("refuse", "inactive", "late_fill", "ignore", "drop"),
    "trade": ("partial", "hold"),
    "filled": ("drop", "outage", "lost"),
}
MINUTES_OF_DAY = 1440
Seconds = Annotated[float, Field(ge=0)]


def _clock(value: Any) -> Any:
    """Read a time of day that YAML may have taken for a number of base 60, or a date and a time."""
    if isinstance(value, int) and not isinstance(value, bool):
        minutes, second = divmod(value, 60) if value >= MINUTES_OF_DAY else (value, 0)
        value = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    if isinstance(value, datetime):
        return value
    for pattern in ("%H:%M", "%H:%M:%S"):
        try:
            return datetime.strptime(str(value), pattern).time()
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"got {value!r}, expected a time such as 10:45 or 2018-03-05 10:45") from None


class Fault(BaseModel):
    """One fault.

    Parameters
    ----------
    do : str
        What happens.
    at : time or datetime, optional
        When, New York time; a time of day counts on every session.
    event : str, optional
        The event on which it happens, instead of a time.
    nth : int
        The occurrence of the event, 1 the first; 0 every one.
    request, symbol, kind, client : optional
        Only requests of this name, this symbol, this security type, this client; of an assignment
        ``kind`` is the right, P or C.
    seconds : float
        How long it lasts, of the gateway's own time.
    code, text : int, str
        The error it sends.
    lost : bool
        After an outage, subscriptions are lost (1101) rather than kept (1102).
    units, limit, by : int
        Units of a partial fill, messages a second, order numbers to roll back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    do: str
    at: Annotated[time | datetime | None, BeforeValidator(_clock)] = None
    event: Event | None = None
    nth: Annotated[int, Field(ge=0)] = 1
    request: str | None = None
    symbol: str | None = None
    kind: str | None = None
    client: int | None = None
    seconds: Seconds = 0.0
    code: int = 0
    text: str = ""
    lost: bool = False
    units: Annotated[int, Field(ge=1)] = 1
    limit: Annotated[int, Field(ge=1)] = 5
    by: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.at is None) == (self.event is None):
            raise ValueError("expected either 'at' a time or an 'event'")
        known = TIMED if self.event is None else EVENTS[self.event]
        if self.do not in known:
            where = "at a time" if self.event is None else f"on {self.event}"
            raise ValueError(f"do: got {self.do!r}, expected {where} one of {', '.join(known)}")
        return self

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Tell whether an event of these facts is one this fault waits for."""
        wanted = {"request": self.request, "symbol": self.symbol, "kind": self.kind, "client": self.client}
        return all(value is None or facts.get(name) == value for name, value in wanted.items())


class Faults:
    """The script of a run, and how far it has come."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._waiting = [fault for fault in faults if fault.event is not None]
        self._timed = [fault for fault in faults if fault.at is not None]
        self._seen = dict.fromkeys(range(len(self._waiting)), 0)
        self._done: set[tuple[int, date]] = set()
        self._until: dict[str, tuple[datetime, Fault]] = {}
        self.happened: list[str] = []

    @classmethod
    def load(cls, path: Path) -> Faults:
        """Read a script: YAML with a list ``faults``.

        Raises
        ------
        ConfigError
            Names file, place, value and what was expected.
        """
        try:
            told = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot read the faults: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
        if not isinstance(told, dict) or set(told) != {"faults"} or not isinstance(told["faults"], list):
            raise ConfigError(f"{path}: expected one list named 'faults'")
        return cls([cls._one(path, number, row) for number, row in enumerate(told["faults"])])

    @staticmethod
    def _one(path: Path, number: int, row: Any) -> Fault:
        try:
            return Fault.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in ("faults", number, *first["loc"]))
            text = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{path}: {place}: {text}") from None

    def on(self, event: Event, **facts: Any) -> Fault | None:
        """Count an event; return the first fault it sets off, None when it sets off none."""
        hit = None
        for place, fault in enumerate(self._waiting):
            if fault.event != event or not fault.fits(facts):
                continue
            self._seen[place] += 1
            if hit is None and fault.nth in (0, self._seen[place]):
                hit = fault
        if hit is not None:
            self.happened.append(f"{hit.do} on {event}")
        return hit

    def due(self, now: datetime, since: datetime) -> list[Fault]:
        """Return the timed faults of the span after ``since`` up to ``now``, each once."""
        found = []
        for place, fault in enumerate(self._timed):
            at = self._instant(fault, now)
            if since < at <= now and (place, at.date()) not in self._done:
                self._done.add((place, at.date()))
                self.happened.append(f"{fault.do} at {at:%H:%M:%S}")
                found.append(fault)
        return found

    def next(self, now: datetime) -> datetime | None:
        """Return when the next timed fault, or the end of a lasting one, is due."""
        days = (now, now + timedelta(days=1))
        ahead = [at for day in days for at in (self._instant(one, day) for one in self._timed) if at > now]
        ahead += [until for until, _ in self._until.values()]
        return min(ahead, default=None)

    @staticmethod
    def _instant(fault: Fault, now: datetime) -> datetime:
        if isinstance(fault.at, time):
            return datetime.combine(now.astimezone(NEW_YORK).date(), fault.at, NEW_YORK)
        assert fault.at is not None
        return fault.at if fault.at.tzinfo else fault.at.replace(tzinfo=NEW_YORK)

    # what lasts ------------------------------------------------------------------------------

    def begin(self, fault: Fault, until: datetime) -> None:
        """Let a fault last until an instant."""
        self._until[fault.do] = (until, fault)

    def lasting(self, kind: str) -> Fault | None:
        """Return the fault of a kind that lasts now."""
        return self._until[kind][1] if kind in self._until else None

    def ended(self, now: datetime) -> list[Fault]:
        """Return, once, the lasting faults that are over."""
        over = [kind for kind, (until, _) in self._until.items() if until <= now]
        return [self._until.pop(kind)[1] for kind in over]
