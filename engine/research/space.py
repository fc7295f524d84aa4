"""Which variants a search tries: grids, lists and random draws over dotted keys of the settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from engine.errors import ConfigError

Changes = dict[str, Any]
MOST_VALUES = 10_000  # of one axis


@dataclass(frozen=True)
class Axis:
    """The values one key may take: ``values``, or all numbers from ``low`` to ``high``.

    ``log`` draws evenly in the logarithm; ``whole`` draws whole numbers.
    """

    key: str
    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    whole: bool = False

    @classmethod
    def of(cls, key: str, told: Any) -> Axis:
        """Return the axis a search file describes.

        ``told`` is a list, ``{from, to, step}`` (both ends included, numbers or times like 10:30)
        or ``{low, high[, log]}`` (whole numbers where both ends are whole).

        Raises
        ------
        ConfigError
        """
        where = f"keys: {key}"
        if isinstance(told, list) and told:
            if len({repr(value) for value in told}) < len(told):
                raise ConfigError(f"{where}: got {told}, expected each value only once")
            return cls(key, tuple(told))
        if isinstance(told, Mapping) and set(told) == {"from", "to", "step"}:
            first, last, step = (_number(where, name, told[name]) for name in ("from", "to", "step"))
            if not (step > 0 and last >= first):
                raise ConfigError(f"{where}: got {dict(told)}, expected step above 0 and from not above to")
            count = math.floor((last - first) / step + 1e-9) + 1
            if count > MOST_VALUES:
                raise ConfigError(f"{where}: makes {count:,} values, expected at most {MOST_VALUES:,}")
            return cls(key, tuple(_tidy(first + i * step) for i in range(count)))
        if isinstance(told, Mapping) and {"low", "high"} <= set(told) <= {"low", "high", "log"}:
            low, high = _number(where, "low", told["low"]), _number(where, "high", told["high"])
            log = bool(told.get("log", False))
            if not low < high or (log and low <= 0):
                raise ConfigError(f"{where}: got {dict(told)}, expected low under high, above 0 with log")
            whole = isinstance(told["low"], int) and isinstance(told["high"], int)
            return cls(key, (), low, high, log, whole)
        raise ConfigError(
            f"{where}: got {told!r}, expected a list, {{from, to, step}} or {{low, high}} with or without log"
        )

    def draw(self, random: np.random.Generator) -> Any:
        """Return one value by chance."""
        if self.values:
            return self.values[int(random.integers(len(self.values)))]
        if self.whole and not self.log:
            return int(random.integers(int(self.low), int(self.high) + 1))
        if self.log:
            value = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = float(random.uniform(self.low, self.high))
        return round(value) if self.whole else float(f"{value:.6g}")


def grid(axes: Sequence[Axis]) -> list[Changes]:
    """Return every combination of the axes' values, the last axis changing fastest."""
    for axis in axes:
        if not axis.values:
            raise ConfigError(
                f"keys: {axis.key}: is a range, expected a list or {{from, to, step}} in a grid"
            )
    names = [axis.key for axis in axes]
    return [dict(zip(names, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def drawn(axes: Sequence[Axis], count: int, seed: int) -> list[Changes]:
    """Return ``count`` different random combinations, fewer where there are not so many."""
    random = np.random.default_rng(seed)
    found: dict[str, Changes] = {}
    for _ in range(count * 20):
        if len(found) == count:
            break
        changes = {axis.key: axis.draw(random) for axis in axes}
        found.setdefault(repr(changes), changes)
    return list(found.values())


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the last words of dotted keys, as many as tell them apart."""
    found = {}
    for key in keys:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[-count:])
            if sum(other == key or other.endswith(f".{name}") for other in keys) == 1:
                break
        found[key] = name
    return found


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as the nested mapping settings are made of.

    Raises
    ------
    ConfigError
        A key lies inside another one.
    """
    found: dict[str, Any] = {}
    for key, value in changes.items():
        *path, last = key.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"keys: {key}: lies inside another key that is set as a whole")
        if last in place:
            raise ConfigError(f"keys: {key}: holds another key that is set by itself")
        place[last] = value
    return found


def _number(where: str, name: str, value: Any) -> float:
    if isinstance(value, str) and (told := re.fullmatch(r"(\d\d?):(\d\d)", value)):
        return int(told[1]) * 60 + int(told[2])  # a time of day, in minutes as the settings have it
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{where}: {name} is {value!r}, expected a number")
    return value


def _tidy(value: float) -> float:
    rounded = float(f"{value:.10g}")
    return int(rounded) if rounded.is_integer() else rounded
