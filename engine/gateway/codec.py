"""Message layouts as data, and the one encoder and decoder that read them.

A message of the TWS protocol is a list of text fields. A layout names them in their order:
single fields, groups that exist only between two server versions, lists with a leading
count, and groups that follow only when a field is set. A message is a flat dictionary of
the names; lists hold dictionaries.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import DataError

MIN_VERSION, MAX_VERSION = 157, 178
UNSET = "1.7976931348623157E308"
_UNSET_FLOAT = 1.7976931348623157e308
_UNSET_INT = 2147483647
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: text ``s``, int ``i``, float ``f``, flag ``b``, or int ``n`` and float ``u``.

    An unset number is None; it travels as an empty field, of the last two kinds as the largest
    number of its type.
    """

    name: str
    kind: str = "s"


@dataclass(frozen=True, slots=True)
class Const:
    """A field that always holds the same text, such as the version of a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Between:
    """Fields that exist from server version ``first`` up to, but without, ``end``."""

    first: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A count and that many groups of fields; absent altogether unless ``field`` holds ``value``."""

    name: str
    parts: tuple[Part, ...]
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """Fields that follow only when ``field`` is set, or holds ``value`` where one is given."""

    field: str
    parts: tuple[Part, ...]
    value: Any = None


Part = Field | Const | Between | Many | When


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one message after its number."""

    number: int
    name: str
    parts: tuple[Part, ...]


def fields(text: str) -> tuple[Part, ...]:
    """Return the fields of ``"conId:i symbol strike:f"``; ``=6`` stands for a constant."""
    made: list[Part] = []
    for word in text.split():
        if word.startswith("="):
            made.append(Const(word[1:]))
        else:
            name, _, kind = word.partition(":")
            made.append(Field(name, kind or "s"))
    return tuple(made)


def since(version: int, parts: str | tuple[Part, ...]) -> tuple[Part, ...]:
    """Return fields that exist from a server version on."""
    return (Between(version, MAX_VERSION + 1, _parts(parts)),)


def until(version: int, parts: str | tuple[Part, ...]) -> tuple[Part, ...]:
    """Return fields that exist below a server version."""
    return (Between(0, version, _parts(parts)),)


def _parts(given: str | tuple[Part, ...]) -> tuple[Part, ...]:
    return fields(given) if isinstance(given, str) else given


def many(name: str, text: str) -> tuple[Part, ...]:
    """Return a counted list of groups."""
    return (Many(name, fields(text)),)


def when(field: str, *parts: tuple[Part, ...], value: Any = None) -> tuple[Part, ...]:
    """Return parts that follow only when a field is set."""
    return (When(field, tuple(part for group in parts for part in group), value),)


def layout(number: int, name: str, *parts: tuple[Part, ...] | str) -> Layout:
    """Return a layout of several groups of parts; text is read by `fields`."""
    return Layout(number, name, tuple(one for part in parts for one in _parts(part)))


# to the wire ---------------------------------------------------------------------------


def encode(message: Layout, values: Mapping[str, Any], version: int) -> list[str]:
    """Return a message's fields, its number first.

    A name that is missing travels as an unset number, an empty text or an empty list.
    """
    out = [str(message.number)]
    _put(message.parts, values, version, out)
    return out


def _put(parts: Sequence[Part], values: Mapping[str, Any], version: int, out: list[str]) -> None:
    for part in parts:
        match part:
            case Field(name, kind):
                out.append(written(kind, values.get(name)))
            case Const(text):
                out.append(text)
            case Between(first, end, inner):
                if first <= version < end:
                    _put(inner, values, version, out)
            case Many(name, inner):
                if _present(part, values):
                    rows = values.get(name) or ()
                    out.append(str(len(rows)))
                    for row in rows:
                        _put(inner, row, version, out)
            case When(field, inner, wanted):
                if _holds(values.get(field), wanted):
                    _put(inner, values, version, out)


def written(kind: str, value: Any) -> str:
    """Return one value as the wire has it: whole numbers without a fraction, flags as 0 or 1."""
    if value is None:
        return {"u": UNSET, "n": str(_UNSET_INT), "b": "0"}.get(kind, "")
    if kind == "b":
        return "1" if value else "0"
    if kind in "fu":
        number = float(value)
        if not math.isfinite(number):
            return "Infinite" if number == math.inf else ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(int(value)) if kind in "in" else str(value).replace("\0", " ")


# from the wire -------------------------------------------------------------------------


def decode(message: Layout, received: Sequence[str], version: int) -> tuple[Values, list[str]]:
    """Return a message's values and the fields left over.

    Parameters
    ----------
    received : sequence of str
        With the message's number first.

    Raises
    ------
    DataError
        Names message and field where a field is missing or of the wrong kind.
    """
    values: Values = {}
    rest = iter(received[1:])
    _take(message, message.parts, values, version, rest)
    return values, list(rest)


def _take(message: Layout, parts: Sequence[Part], values: Values, version: int, rest: Iterator[str]) -> None:
    for part in parts:
        match part:
            case Field(name, kind):
                values[name] = _read(message, name, kind, rest)
            case Const(text):
                _read(message, f"the constant {text}", "s", rest)
            case Between(first, end, inner):
                if first <= version < end:
                    _take(message, inner, values, version, rest)
            case Many(name, inner):
                if _present(part, values):
                    count = _read(message, f"count of {name}", "i", rest) or 0
                    if not 0 <= count <= 100_000:
                        raise DataError(f"{message.name}: got {count} {name}, expected 0 or more")
                    rows: list[Values] = [{} for _ in range(count)]
                    for row in rows:
                        _take(message, inner, row, version, rest)
                    values[name] = rows
            case When(field, inner, wanted):
                if _holds(values.get(field), wanted):
                    _take(message, inner, values, version, rest)


def _read(message: Layout, name: str, kind: str, rest: Iterator[str]) -> Any:
    text = next(rest, None)
    if text is None:
        raise DataError(f"{message.name}: ends before {name}")
    try:
        return read(kind, text)
    except (ValueError, OverflowError):
        raise DataError(f"{message.name}: {name} is {text[:40]!r}, expected a number") from None


def read(kind: str, text: str) -> Any:
    """Return one field's value; None for a number that is unset.

    Raises
    ------
    ValueError, OverflowError
        The text is no number, or an infinite one where a whole one belongs.
    """
    if kind == "s":
        return text
    if kind == "b":
        return text.lower() in ("1", "true")
    if not text:
        return None
    number = math.inf if text in ("Infinite", "Infinity") else float(text)
    if math.isnan(number) or number == _UNSET_FLOAT or (kind in "in" and number == _UNSET_INT):
        return None
    return int(number) if kind in "in" else number


def _holds(value: Any, wanted: Any) -> bool:
    return bool(value) if wanted is None else bool(value == wanted)


def _present(part: Many, values: Mapping[str, Any]) -> bool:
    return not part.field or values.get(part.field) == part.value


# frames --------------------------------------------------------------------------------


def frame(sent: Sequence[str]) -> bytes:
    """Return fields as a frame: the length, big-endian, then every field with a NUL behind it."""
    body = ("\0".join(sent) + "\0").encode()
    return struct.pack(">I", len(body)) + body


def unframe(body: bytes) -> list[str]:
    """Return the fields of a frame's body."""
    return body.decode(errors="replace").removesuffix("\0").split("\0")
