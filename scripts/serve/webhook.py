"""What comes in from outside: a message is checked to the last field before anything is written."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.journal.records import Note
from engine.settings_services import ServeSettings

SOURCE = "tradingview"
Word = Annotated[str, Field(max_length=32)]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a message is not taken, as an HTTP status and one line."""

    status: int
    text: str


class Message(BaseModel):
    """An alert's message, as JSON; docs/tradingview.md shows one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: Annotated[str, Field(max_length=256)] = ""
    id: Annotated[str, Field(min_length=1, max_length=64)]
    time: str
    kind: Literal["veto", "note"]
    bot: Word = ""
    symbol: Word = ""
    minutes: Annotated[float, Field(gt=0, le=390, allow_inf_nan=False)] | None = None
    text: Annotated[str, Field(max_length=500)] = ""

    @field_validator("*")
    @classmethod
    def _printable(cls, value: object) -> object:
        """Refuse what a database or a terminal could choke on."""
        if isinstance(value, str) and not all(char.isprintable() for char in value):
            raise ValueError("expected printable characters only")
        return value


class Door:
    """Check messages one by one and remember how many were taken lately.

    Parameters
    ----------
    token : str
        What every message must carry, in itself or in its header.
    settings : ServeSettings
    bots, symbols : collection of str
        Names a message may mean.
    """

    def __init__(
        self, token: str, settings: ServeSettings, bots: Collection[str], symbols: Collection[str]
    ) -> None:
        self._token = token
        self._settings = settings
        self._names = {"bot": bots, "symbol": symbols}
        self._taken: deque[datetime] = deque()

    def knows(self, token: str) -> bool:
        """Return whether this is the token, in the same time whatever it is."""
        given, held = (
            hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (token, self._token)
        )
        return hmac.compare_digest(given, held)

    def read(self, body: bytes, header: str, now: datetime) -> Note | Refused:
        """Return the note a message stands for, or why it is refused.

        Parameters
        ----------
        body : bytes
        header : str
            The token from the request's header, empty for none.
        now : datetime, aware
        """
        if len(body) > self._settings.body_limit:
            return Refused(
                413, f"message has {len(body)} bytes, expected at most {self._settings.body_limit}"
            )
        try:
            told = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError):
            return Refused(400, "message is no JSON, expected one object in UTF-8")
        if not isinstance(told, dict):
            return Refused(400, f"message is a {type(told).__name__}, expected one object")
        carried = told.get("token", "")
        if not self.knows(header or (carried if isinstance(carried, str) else "")):
            return Refused(401, "token is missing or wrong")
        try:
            message = Message.model_validate(told)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"])[:40] or "message"
            return Refused(400, f"{place}: {first['msg'][:120]}")
        return self._judge(message, now)

    def _judge(self, message: Message, now: datetime) -> Note | Refused:
        for name, known in self._names.items():
            value = getattr(message, name)
            if value and value not in known:
                return Refused(400, f"{name}: got {value!r}, expected one of {', '.join(sorted(known))}")
        sent = _instant(message.time)
        if sent is None:
            return Refused(400, "time: expected an ISO time with zone, such as {{timenow}} gives")
        limit = self._settings.max_age_seconds
        if abs((now - sent).total_seconds()) > limit:
            return Refused(409, f"time: {message.time} is more than {limit:g} s from {now:%H:%M:%S} UTC")
        while self._taken and now - self._taken[0] > timedelta(minutes=1):
            self._taken.popleft()
        if len(self._taken) >= self._settings.per_minute:
            return Refused(429, f"{len(self._taken)} messages in a minute, expected no more")
        self._taken.append(now)
        longest = self._settings.veto_minutes
        until = now + timedelta(minutes=min(message.minutes or longest, longest))
        return Note(
            at=now,
            source=SOURCE,
            kind=message.kind,
            text=message.text,
            bot=message.bot,
            symbol=message.symbol,
            until=until if message.kind == "veto" else None,
            reference=message.id,
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
