"""How a vendor's file says what a quote is: declared, never guessed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError
from engine.settings_files import did_you_mean

TIME = ("stamp", "day", "milliseconds")
CONTRACT = ("osi", "expiry", "strike", "right", "am", "root")
PRICES = ("bid", "ask", "bid_size", "ask_size", "sizes", "volume", "open_interest")
KNOWN = (*TIME, *CONTRACT, *PRICES, "spot")


class ColumnMap(BaseModel):
    """A vendor's columns and habits.

    ``columns`` leads from our names to the file's. The time is ``stamp``, or ``day`` and
    ``milliseconds`` after its midnight; the contract ``expiry``, ``strike`` and ``right``, or
    an ``osi`` symbol (root, yymmdd, C or P, thousandths of a dollar) that also names the
    root. ``sizes`` is text like "10 x 25", bid first. A file that writes call and put in one
    row names its columns in ``calls_in`` and ``puts_in`` and has no ``right``. A file without
    a first line of names has them listed in ``header``; the named groups of the regular
    expression ``name`` are further columns, read from the name of the file, in a zip from
    that of its member.

    ``zone`` is that of stamps without an offset; ``stamp_unit`` says that stamps count from
    1970 (UTC); ``dates`` is how expiry and day are written, ``iso`` or a strptime format.
    A stamp at the ``start`` of a bar of ``minutes`` is moved to its end, when the quote was
    known. ``calls`` and ``puts`` are the words for the right; series of ``am_roots`` settle
    on the open where no column ``am`` says so. Of underlyings in ``unnamed_am`` the file
    mixes classes without naming them: their monthly expiries are kept apart. Strikes and
    prices are divided by ``strike_divisor`` and ``price_divisor``; a number in ``nothing``
    means none.

    ``stale_minutes`` (0: never) and ``stale_share`` are the bounds of `feeds.store.stale`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str]
    zone: str
    calls_in: dict[str, str] = {}
    puts_in: dict[str, str] = {}
    header: tuple[str, ...] = ()
    name: str | None = None
    stamp_unit: Literal["text", "s", "ms", "us", "ns"] = "text"
    dates: str = "iso"
    stamped: Literal["start", "end"] = "end"
    minutes: int = Field(default=1, ge=1)
    calls: tuple[str, ...] = ("C",)
    puts: tuple[str, ...] = ("P",)
    am_roots: tuple[str, ...] = ()
    unnamed_am: tuple[str, ...] = ()
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    strike_divisor: float = Field(default=1.0, gt=0)
    price_divisor: float = Field(default=1.0, gt=0)
    nothing: tuple[float, ...] = ()
    stale_minutes: int = Field(default=15, ge=0)
    stale_share: float = Field(default=0.002, gt=0, lt=1)

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that come from the file's name."""
        return tuple(re.compile(self.name).groupindex) if self.name else ()

    @property
    def given(self) -> tuple[str, ...]:
        """The file's columns that are read, none from its name."""
        found = (*self.columns.values(), *self.calls_in.values(), *self.puts_in.values())
        return tuple(dict.fromkeys(name for name in found if name not in self.groups))

    @classmethod
    def load(cls, path: Path) -> ColumnMap:
        """Read a column map.

        Raises
        ------
        ConfigError
            The file cannot be read, or the map is incomplete or contradicts itself; one line.
        """
        try:
            made = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be read ({' '.join(str(error).split())[:160]})") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ConfigError(f"{path}: {place} is {first['input']!r}: {first['msg']}") from None
        wrong = made._wrong()
        if wrong:
            raise ConfigError(f"{path}: {wrong}")
        return made

    def _wrong(self) -> str | None:
        wide = bool(self.calls_in or self.puts_in)
        sides = [{**self.columns, **side} for side in (self.calls_in, self.puts_in)]
        time = ("day", "milliseconds") if "day" in self.columns else ("stamp",)
        contract = ("osi",) if "osi" in self.columns else ("expiry", "strike", *(() if wide else ("right",)))
        for name in (*time, *contract, "bid", "ask"):
            if any(name not in side for side in sides):
                held = "columns" if not wide else "columns, calls_in and puts_in"
                return f"{held} names no {name!r}, expected {', '.join((*time, *contract, 'bid', 'ask'))}"
        for name in sides[0] | sides[1]:
            if name not in KNOWN:
                hint = did_you_mean(name, KNOWN)
                return f"columns names {name!r}, expected some of {', '.join(KNOWN)}{hint}"
        for name in (*self.calls_in, *self.puts_in):
            if name not in PRICES:
                hint = did_you_mean(name, PRICES)
                return f"calls_in and puts_in name {name!r}, expected some of {', '.join(PRICES)}{hint}"
        if wide and {"right", "osi"} & set(self.columns):
            return "columns names a right or an OSI symbol although call and put stand in one row"
        if self.name is not None:
            try:
                re.compile(self.name)
            except re.error as error:
                return f"name is {self.name!r}, expected a regular expression ({error})"
        for given in self.header and self.given:
            if given not in self.header:
                return f"header lists no {given!r}, which columns names{did_you_mean(given, self.header)}"
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return f"zone: got {self.zone!r}, expected a name like America/New_York"
        return None


def preset(folder: Path, name: str) -> ColumnMap:
    """Return a shipped column map; ConfigError names those there are."""
    path = folder / f"{name}.yaml"
    known = sorted(found.stem for found in folder.glob("*.yaml"))
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(f"preset: got {name!r}, expected one of {', '.join(known)}{hint}")
    return ColumnMap.load(path)
