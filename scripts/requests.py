"""What a command was asked to do, as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded market data to use instead of generated; all None means none.

    Parameters
    ----------
    bars : Path, optional
        Minute bars; without them those of ``quotes`` are made of its snapshots.
    zone, stamped, symbol, columns : optional
        What the bars' file does not say itself, see `feeds.history.load_bars`; ``columns``
        as pairs of our name and the file's.
    quotes : Path, optional
        A store of option quotes.
    mix : bool
        Let the model quote what the store does not hold.
    flow : bool
        Read the store's volumes and open interest too, whatever the settings ask for.
    """

    bars: Path | None = None
    zone: str | None = None
    stamped: str | None = None
    symbol: str | None = None
    columns: tuple[tuple[str, str | None], ...] = ()
    quotes: Path | None = None
    mix: bool = False
    flow: bool = False

    def __bool__(self) -> bool:
        return self.bars is not None or self.quotes is not None

    def told(self) -> dict[str, str]:
        """Return what was given, as text to be kept with a run."""
        columns = ",".join(f"{name}={given or ''}" for name, given in self.columns)
        given: dict[str, Any] = {
            "bars": self.bars and self.bars.resolve(),
            "zone": self.zone,
            "stamped": self.stamped,
            "symbol": self.symbol,
            "columns": columns,
            "quotes": self.quotes and self.quotes.resolve(),
            "mix": "yes" if self.mix else None,
        }
        return {name: str(value) for name, value in given.items() if value}

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Recording:
        """Return what ``told`` once said."""
        bars, quotes = told.get("bars"), told.get("quotes")
        return cls(
            Path(bars) if bars else None,
            told.get("zone"),
            told.get("stamped"),
            told.get("symbol"),
            pairs(told.get("columns", "")),
            Path(quotes) if quotes else None,
            bool(told.get("mix")),
        )


def pairs(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return ``time=ts,volume=`` as pairs, None for what a file has not."""
    parts = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return tuple((name.strip(), given.strip() or None) for name, _, given in parts)


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """A backtest as the command line asks for it; None leaves the choice to the settings.

    Parameters
    ----------
    config : Path
        Folder of the settings.
    out : Path
        Folder under which the run's own folder is made.
    bots : tuple of str, optional
        Only these bots, whatever ``enabled`` says.
    timerange : str, optional
        ``20140103-20181231``, either end may be left out.
    recording : Recording
        Recorded bars and quotes instead of generated ones.
    profile : str, optional
        Laid over the settings.
    seed, premium, generator : optional
        In place of ``data.seed``, ``quotes.premium`` and ``data.generator``.
    symbol : str, optional
        In place of every bot's symbols.
    stock_loop : bool
        Run in Backtrader's own loop.
    verify : bool
        Run in both loops and compare the journals.
    control : bool
        Run a synthetic backtest's twin without premium beside it.
    journal : bool
        Write the run into the journal's database too.
    database : str, optional
        Where that is, instead of the venue's own.
    report : bool
        Draw report.html and report.png beside the tables and summary.json.
    as_json : bool
        Print the summary for a program instead of tables.
    verbose : int
        How often -v was given.
    """

    config: Path
    out: Path
    bots: tuple[str, ...] | None = None
    timerange: str | None = None
    recording: Recording = Recording()
    profile: str | None = None
    seed: int | None = None
    premium: float | None = None
    generator: str | None = None
    symbol: str | None = None
    stock_loop: bool = False
    verify: bool = False
    control: bool = True
    journal: bool = False
    database: str | None = None
    report: bool = True
    as_json: bool = False
    verbose: int = 0
