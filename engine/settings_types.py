"""The kinds of values a setting can have."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from engine.reasons import Reason
from engine.risk.limits import ALL_HALTS


def clock(minute: int) -> str:
    """Return a minute after midnight as HH:MM."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(value: object) -> object:
    if not isinstance(value, str) or value.isdigit():
        return value
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value)
    if found is None:
        raise ValueError("expected a New York time like 10:30")
    return int(found[1]) * 60 + int(found[2])


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def comma_list(value: object) -> object:
    """Return the parts of a text like ``XSP, SPX``; anything else as it is."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _halt(value: object) -> object:
    if value not in ALL_HALTS:
        raise ValueError(f"expected one of {', '.join(sorted(ALL_HALTS))}")
    return value


Minute = Annotated[
    int,
    BeforeValidator(_minute),
    BeforeValidator(_number),
    Field(ge=0, le=1440),
    PlainSerializer(clock, when_used="json"),
]
Real = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Amount = Annotated[float, BeforeValidator(_number), Field(ge=0)]
Share = Annotated[float, BeforeValidator(_number), Field(gt=0, le=1)]
Delta = Annotated[float, BeforeValidator(_number), Field(gt=0, lt=0.5)]
Count = Annotated[int, BeforeValidator(_number), Field(ge=1)]
Whole = Annotated[int, BeforeValidator(_number), Field(ge=0)]
Halts = Annotated[
    frozenset[Annotated[Reason, BeforeValidator(_halt)]], BeforeValidator(comma_list), PlainSerializer(sorted)
]
Symbols = Annotated[tuple[str, ...], BeforeValidator(comma_list), Field(min_length=1)]


class Section(BaseModel):
    """A part of the settings: immutable, without unknown keys, without NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
