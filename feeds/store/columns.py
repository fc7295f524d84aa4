"""How a vendor's file says what a quote is: declared, never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError

NEEDED = ("stamp", "expiry", "strike", "right", "bid", "ask")
OPTIONAL = ("am", "root", "bid_size", "ask_size", "spot", "volume", "open_interest")


class ColumnMap(BaseModel):
    """A vendor's columns and habits.

    ``columns`` leads from our names to the file's; ``zone`` is that of stamps without an
    offset; a stamp at the ``start`` of a bar of ``minutes`` is moved to its end, when the
    quote was known; ``calls`` and ``puts`` are the words for the right; series of
    ``am_roots`` settle on the open where no column ``am`` says so; strikes are divided by
    ``strike_divisor`` and prices by ``price_divisor``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str]
    zone: str
    stamped: Literal["start", "end"] = "end"
    minutes: int = Field(default=1, ge=1)
    calls: tuple[str, ...] = ("C",)
    puts: tuple[str, ...] = ("P",)
    am_roots: tuple[str, ...] = ()
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    strike_divisor: float = Field(default=1.0, gt=0)
    price_divisor: float = Field(default=1.0, gt=0)

    @classmethod
    def load(cls, path: Path) -> ColumnMap:
        """Read a column map.

        Raises
        ------
        ConfigError
            The file cannot be read, or the map is incomplete; one line.
        """
        try:
            made = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be read ({' '.join(str(error).split())[:160]})") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ConfigError(f"{path}: {place} is {first['input']!r}: {first['msg']}") from None
        for name in NEEDED:
            if name not in made.columns:
                raise ConfigError(f"{path}: columns names no {name!r}, expected {', '.join(NEEDED)}")
        for name in made.columns:
            if name not in (*NEEDED, *OPTIONAL):
                raise ConfigError(
                    f"{path}: columns names {name!r}, expected some of {', '.join((*NEEDED, *OPTIONAL))}"
                )
        return made


def preset(folder: Path, name: str) -> ColumnMap:
    """Return a shipped column map; ConfigError names those there are."""
    path = folder / f"{name}.yaml"
    known = sorted(found.stem for found in folder.glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"preset: got {name!r}, expected one of {', '.join(known)}")
    return ColumnMap.load(path)
