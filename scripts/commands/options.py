"""What several commands take from the command line, and the log they share."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HERE = Path("config")  # of a working folder, as mw init makes it
CONFIG = (
    HERE.resolve() if (HERE / "strategy.yaml").is_file() else Path(__file__).resolve().parents[2] / "config"
)
RUNS = Path("runs")
LEVELS = ("WARNING", "INFO", "DEBUG")


class Generator(StrEnum):
    """What makes synthetic bars."""

    CONDITIONED = "conditioned"
    SIMULATED = "simulated"


Config = Annotated[
    Path, typer.Option(help="Folder of the settings.", show_default="./config, else the project's")
]
Profile = Annotated[str | None, typer.Option(help="Name of a file in profiles/, laid over the settings.")]
Seed = Annotated[int | None, typer.Option(help="Instead of data.seed, 0 or more.")]
Premium = Annotated[float | None, typer.Option(help="Instead of quotes.premium; 0 is the null control.")]
Made = Annotated[Generator | None, typer.Option(help="Instead of data.generator.")]
Range = Annotated[str | None, typer.Option(metavar="20140103-20181231", help="Days to use, both included.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="Say more; twice, say all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
LogFile = Annotated[Path | None, typer.Option(help="Write the log here too, at level DEBUG.")]


def start_log(verbose: int, logfile: Path | None = None) -> None:
    """Log to standard error, with a file beside it when one is asked for."""
    from loguru import logger

    from engine.journal import logs

    logs.start(LEVELS[min(verbose, 2)], logfile)
    found = sorted(name for name in os.environ if name.upper().startswith("MW_"))
    if found:
        logger.info("from the environment: {}", ", ".join(found))
