"""Synthetic minute bars of a symbol, written to a file of one's own."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.bars import Bars
from engine.errors import ConfigError
from engine.settings import Settings
from engine.universe import load_universe
from feeds.synthetic.cache import save
from scripts.market import market
from scripts.progress import shown


def synth(
    symbol: str,
    out: Path,
    generator: str | None = None,
    seed: int | None = None,
    timerange: str | None = None,
    config: Path = Path("config"),
    console: Console | None = None,
) -> Path:
    """Write the bars a backtest of the symbol would run on, and say what they are.

    Parameters
    ----------
    symbol : str
        Of ``config/universe.json``.
    out : Path
        A ``.parquet`` file; an existing one is replaced. Its column ``bar_end`` is UTC, beside
        the prices stand what is known of `engine.bars.LINES`, and the notes
        in the file's metadata. `feeds.history.load_bars` reads it without further options.
    generator, seed, timerange : optional
        In place of ``data.generator``, ``data.seed`` and ``data.start``, ``data.end``.
    config : Path
        Folder of the settings.
    console : rich.console.Console, optional

    Raises
    ------
    ConfigError
        An unknown symbol, generator, range or file type.
    """
    if out.suffix != ".parquet":
        raise ConfigError(f"out: got {str(out)!r}, expected a file name ending in .parquet")
    settings = Settings.load(config)
    universe = load_universe(config / "universe.json")
    console = console or Console()
    with shown(console, f"Making bars of {symbol}"):
        bars, _ = market(settings, universe, [symbol], seed, generator, timerange=timerange)
        made = bars[symbol]
        save(made, out)
    say_bars(console, out, symbol, made, f"{out.stat().st_size / 1e6:.1f} MB")
    return out


def say_bars(console: Console, out: Path, symbol: str, bars: Bars, more: str) -> None:
    """Print what a file of bars holds, and their notes."""
    dates = bars.grid.dates
    console.print(
        f"{out}: {len(bars):,} minute bars of {symbol}, {len(dates)} sessions {dates[0]} to {dates[-1]}, "
        f"{more}",
        highlight=False,
        soft_wrap=True,
    )
    for note in bars.notes:
        console.print(f"- {note}", highlight=False, markup=False, soft_wrap=True)
