"""The command ``mw``. Exit codes: 0 done or Ctrl-C, 1 configuration or fatal, 2 domain error."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import ConfigError, DataError, MarketWatchError

CONFIG = Path(__file__).resolve().parent.parent / "config"
RUNS = Path("runs")
INTERRUPTED = 130  # what typer makes of Ctrl-C
LEVELS = ("WARNING", "INFO", "DEBUG")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Rules-based bots that sell short-dated, defined-risk option premium, and their backtest.",
)
data_app = typer.Typer(no_args_is_help=True, help="Make and look at market data.")
app.add_typer(data_app, name="data")


class Generator(StrEnum):
    """What makes synthetic bars."""

    CONDITIONED = "conditioned"
    SIMULATED = "simulated"


Config = Annotated[Path, typer.Option(help="Folder of the settings.", show_default="the project's config/")]
Profile = Annotated[str | None, typer.Option(help="Name of a file in profiles/, laid over the settings.")]
Seed = Annotated[int | None, typer.Option(help="Instead of data.seed, 0 or more.")]
Premium = Annotated[float | None, typer.Option(help="Instead of quotes.premium; 0 is the null control.")]
Made = Annotated[Generator | None, typer.Option(help="Instead of data.generator.")]
Range = Annotated[str | None, typer.Option(metavar="20140103-20181231", help="Days to use, both included.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="Say more; twice, say all.")]
LogFile = Annotated[Path | None, typer.Option(help="Write the log here too, at level DEBUG.")]


@app.command()
def backtest(
    bots: Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")] = None,
    timerange: Range = None,
    bars: Annotated[Path | None, typer.Option(help="Minute bars, Parquet or CSV; else synthetic.")] = None,
    quotes: Annotated[
        str, typer.Option(metavar="model|FILE", help="Where option quotes come from.")
    ] = "model",
    profile: Profile = None,
    config: Config = CONFIG,
    seed: Seed = None,
    premium: Premium = None,
    generator: Made = None,
    symbol: Annotated[str | None, typer.Option(help="Instead of every bot's symbols.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the run's own folder.")] = RUNS,
    stock_loop: Annotated[bool, typer.Option("--stock-loop", help="Run in Backtrader's own loop.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Run in both loops and compare.")] = False,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Run the bots over minute bars and write a report."""
    _logging(verbose, logfile)
    chosen = None if bots is None else _bots(bots)
    from scripts.backtest import run
    from scripts.requests import BacktestRequest

    request = BacktestRequest(
        config=config,
        out=out,
        bots=chosen,
        timerange=timerange,
        bars=bars,
        quotes=quotes,
        profile=profile,
        seed=seed,
        premium=premium,
        generator=None if generator is None else generator.value,
        symbol=symbol,
        stock_loop=stock_loop,
        verify=verify,
        verbose=verbose,
    )
    run(request)


@app.command()
def report(
    run: Annotated[
        str | None, typer.Argument(help="A run's folder or its name in runs/; else the newest.")
    ] = None,
    trade: Annotated[int | None, typer.Option(min=1, metavar="ID", help="Draw this trade's day.")] = None,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Show a finished run again, or draw one trade's day."""
    _logging(verbose, logfile)
    folder = None if run is None else _folder(run)
    from scripts.report import run as show

    show(folder, trade)


@app.command("show-config")
def show_config(profile: Profile = None, config: Config = CONFIG, verbose: Verbose = 0) -> None:
    """Print the settings as files, profile and environment together make them."""
    _logging(verbose)
    from engine.settings import Settings

    settings = Settings.load(config, profile)
    typer.echo(settings.to_yaml(), nl=False)
    typer.echo(f"# digest {settings.digest}")


@data_app.command()
def synth(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")] = "SPX",
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")] = Path("bars.parquet"),
    generator: Made = None,
    seed: Seed = None,
    timerange: Range = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Write synthetic minute bars of a symbol."""
    _logging(verbose, logfile)
    from scripts.data import synth as make

    made = None if generator is None else generator.value
    make(symbol=symbol, out=out, generator=made, seed=seed, timerange=timerange, config=config)


@app.command()
def chain(
    symbol: Annotated[str, typer.Argument(help="A symbol of config/universe.json.")],
    at: Annotated[str, typer.Option(metavar="TIME", help='New York time, as "2018-02-05 13:00".')],
    days: Annotated[int, typer.Option(min=0, help="Sessions to expiry; 0 expires that day.")] = 0,
    premium: Premium = None,
    seed: Seed = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Print a chain of model quotes with greeks."""
    _logging(verbose, logfile)
    from scripts.chain import run

    run(symbol=symbol, at=at, config=config, seed=seed, premium=premium, days=days)


def _bots(text: str) -> tuple[str, ...]:
    from engine.settings import BotsSettings
    from engine.settings_files import did_you_mean

    known = list(BotsSettings.model_fields)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in known:
            raise ConfigError(f"--bots: got {name!r}, expected some of {known}{did_you_mean(name, known)}")
    return names


def _folder(run: str) -> Path:
    for folder in (Path(run), RUNS / run):
        if folder.is_dir():
            return folder
    raise DataError(f"run: got {run!r}, expected a run's folder or the name of one in {RUNS}/")


def _logging(verbose: int, logfile: Path | None = None) -> None:
    from loguru import logger

    layout = "{time:YYYY-MM-DD HH:mm:ss} {name} {level} {message}"
    logger.remove()
    logger.add(sys.stderr, level=LEVELS[min(verbose, 2)], format=layout)
    if logfile is not None:
        logger.add(logfile, level="DEBUG", format=layout)
    found = sorted(name for name in os.environ if name.upper().startswith("MW_"))
    if found:
        logger.info("from the environment: {}", ", ".join(found))


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; errors of the user are one line on stderr.

    Anything that is not the user's error is a defect and keeps its traceback.
    """
    try:
        code = int(app(arguments, standalone_mode=False) or 0)
        sys.stdout.flush()
        return _say("stopped", 0) if code == INTERRUPTED else code
    except MarketWatchError as error:
        return _say(str(error), error.exit_code)
    except typer.TyperException as error:  # a word of the command line itself
        text = error.format_message()
        return _say(text, 1) if text else 0  # without a word the help was shown
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", 0)
    except BrokenPipeError:
        return _unread()
    except SystemExit as left:  # what typer makes of a broken pipe
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        return _unread()
    except OSError as error:
        if error.filename is None:
            raise
        return _say(f"{error.filename}: {error.strerror}", 1)


def _unread() -> int:
    """Be content that the reader, `head` say, has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(text: str, code: int) -> int:
    sys.stdout.flush()
    print("mw: " + " ".join(text.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
