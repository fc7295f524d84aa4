"""What a command was asked to do, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
    bars : Path, optional
        Minute bars instead of synthetic ones.
    quotes : str
        ``model``, or a file of recorded quotes.
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
    verbose : int
        How often -v was given.
    """

    config: Path
    out: Path
    bots: tuple[str, ...] | None = None
    timerange: str | None = None
    bars: Path | None = None
    quotes: str = "model"
    profile: str | None = None
    seed: int | None = None
    premium: float | None = None
    generator: str | None = None
    symbol: str | None = None
    stock_loop: bool = False
    verify: bool = False
    verbose: int = 0
