"""``mw rehearse``, ``paper``, ``live`` and what belongs to a session: guard, kill, status, flatten."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import ConfigError
from scripts.commands.options import CONFIG, RUNS, AsJson, Config, LogFile, Profile, Seed, Verbose, start_log

FASTEST = 1000.0


class Venue(StrEnum):
    """Whose session."""

    PAPER = "paper"
    LIVE = "live"


Whose = Annotated[Venue, typer.Option("--venue", help="Whose session.")]
Folder = Annotated[Path | None, typer.Option(help="Instead of session.folder.", show_default="")]
Bots = Annotated[str | None, typer.Option(metavar="putlite,condor", help="Only these bots.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(rehearse)
    app.command()(paper)
    app.command()(live)
    app.command()(guard)
    app.command()(kill)
    app.command()(unkill)
    app.command()(status)
    app.command()(flatten)
    app.command("connect-test")(connect_test)
    app.command()(reconcile)
    app.command()(record)
    universe = typer.Typer(no_args_is_help=True, help="Keep config/universe.json.")
    universe.command("update")(universe_update)
    app.add_typer(universe, name="universe")


def rehearse(
    day: Annotated[
        list[str] | None, typer.Option(metavar="2018-05-08", help="A session; may be given again.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="So many sessions with trades, the latest there are.")] = 1,
    speed: Annotated[
        str,
        typer.Option(metavar="1-1000|max", help="Seconds of the session in one of yours; max: in lockstep."),
    ] = "60",
    seed: Seed = None,
    faults: Annotated[Path | None, typer.Option(help="What goes wrong, and when: docs/rehearse.md.")] = None,
    parity: Annotated[bool, typer.Option("--parity", help="Compare with the days' backtest.")] = False,
    quotes: Annotated[Path | None, typer.Option(help="Recorded quotes (mw record); else synthetic.")] = None,
    bars: Annotated[Path | None, typer.Option(help="Minute bars of the recording.")] = None,
    bots: Bots = None,
    profile: Profile = None,
    config: Config = CONFIG,
    out: Annotated[Path, typer.Option(help="Folder for the rehearsal's own folder.")] = RUNS,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Play a day at a simulated gateway. The code is that of paper and live."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.live.rehearse import Rehearsal, rehearse, trading_days
    from scripts.requests import Recording

    if bars is not None and quotes is None:
        raise ConfigError("--bars: expected with --quotes STORE")
    wanted, pace, recording = chosen(bots), _speed(speed), Recording(bars, quotes=quotes)
    if day:
        found = tuple(_day(text) for text in day)
    else:
        found = trading_days(config, wanted, profile, seed, days, recording)
    name = f"rehearsal-{datetime.now():%Y%m%d-%H%M%S}"
    rehearse(
        Rehearsal(
            config, out / name, found, pace, seed, wanted, profile,
            recording=recording, faults=faults, parity=parity,
        )
    )  # fmt: skip


def _speed(text: str) -> float:
    if text == "max":
        return inf
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1.0 <= speed <= FASTEST:
        raise ConfigError(f"--speed: got {text!r}, expected a number from 1 to {FASTEST:g}, or max")
    return speed


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ConfigError(f"--day: got {text!r}, expected a day like 2018-05-08") from None


def paper(
    bots: Bots = None,
    now: Annotated[bool, typer.Option("--now", help="Connect at once, whatever the time.")] = False,
    profile: Profile = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Trade the next session on the paper account."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.live.plan import make_plan
    from scripts.live.run import run

    run(make_plan(config, "paper", chosen(bots), profile), wait=not now)


def live(
    bots: Bots = None,
    now: Annotated[bool, typer.Option("--now", help="Connect at once, whatever the time.")] = False,
    profile: Profile = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Trade the next session live, where the gate allows it."""
    start_log(verbose, logfile)
    from scripts.commands.run import chosen
    from scripts.live.plan import make_plan
    from scripts.live.run import run

    run(make_plan(config, "live", chosen(bots), profile), wait=not now)


def guard(
    venue: Whose = Venue.PAPER,
    tag: Annotated[str | None, typer.Option(help="Account, as its files are named.")] = None,
    folder: Folder = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Watch a session from outside; close the account at need. Sessions start it themselves."""
    start_log(verbose, logfile)
    from scripts.live.guard import Guard, tag_of, told_owner
    from scripts.live.plan import read_plan

    place = _folder(folder, config)
    name = tag or tag_of(place, venue.value)
    plan = read_plan(place, name)
    with told_owner(plan) as tell:
        code = Guard(plan, name, tell).run()
    raise typer.Exit(code)


def kill(
    why: Annotated[str, typer.Argument(help="A word on why.")] = "by hand",
    folder: Folder = None,
    config: Config = CONFIG,
) -> None:
    """Let no session start and no entry be made. Until `mw unkill`; what is open is closed as usual."""
    from engine.live.files import KillFile

    file = KillFile(_folder(folder, config))
    file.set(why)
    typer.echo(f"{file.path} stands: no session starts, no entry is made; mw unkill lifts it")


def unkill(folder: Folder = None, config: Config = CONFIG) -> None:
    """Let sessions start and entries be made again."""
    from engine.live.files import KillFile

    file = KillFile(_folder(folder, config))
    typer.echo(f"{file.path} is gone" if file.clear() else f"{file.path} was not there")


def status(folder: Folder = None, config: Config = CONFIG, as_json: AsJson = False) -> None:
    """Say which sessions run, and what they hold."""
    from scripts.live.status import show

    show(_folder(folder, config), as_json)


def flatten(
    venue: Whose = Venue.PAPER,
    profile: Profile = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """End the session, close what is open, cancel its orders. Checks that the account is flat."""
    start_log(verbose, logfile)
    from scripts.live.plan import make_plan
    from scripts.live.status import flatten as close

    close(make_plan(config, venue.value, None, profile))


def connect_test(
    venue: Whose = Venue.PAPER,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Check connection, account, data and clock at the broker. Say what to click."""
    start_log(verbose, logfile)
    from scripts.live.connect import run
    from scripts.live.plan import make_plan

    raise typer.Exit(run(make_plan(config, venue.value, None, profile), as_json))


def reconcile(
    adopt: Annotated[bool, typer.Option("--adopt", help="End a trade TWS no longer holds.")] = False,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close the options TWS holds.")] = False,
    net: Annotated[float | None, typer.Option(help="With --adopt: what it brought, USD.")] = None,
    venue: Whose = Venue.PAPER,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Show where journal and broker differ. Settle it the way you choose; no session may run."""
    start_log(verbose, logfile)
    from scripts.live.plan import make_plan
    from scripts.live.reconcile import Choice, run

    if adopt and flatten:
        raise ConfigError("reconcile: got --adopt and --flatten, expected one of them")
    choice = Choice.ADOPT if adopt else Choice.FLATTEN if flatten else None
    if choice is not None:
        word = choice.value.upper()
        if typer.prompt(f"Type {word} to do it") != word:
            raise ConfigError(f"reconcile: expected the word {word}; nothing is done")
    left = run(make_plan(config, venue.value, None, profile), choice, net, as_json)
    raise typer.Exit(2 if any(one.blocks for one in left) else 0)


def record(
    store: Annotated[Path, typer.Argument(help="Folder for quotes and bars.")] = Path("runs/recorded"),
    venue: Whose = Venue.PAPER,
    now: Annotated[bool, typer.Option("--now", help="Connect at once, whatever the time.")] = False,
    profile: Profile = None,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Keep a session's bars and chains, without trading. For a backtest to replay."""
    start_log(verbose, logfile)
    from dataclasses import replace

    from scripts.live.plan import make_plan
    from scripts.live.run import run

    plan = make_plan(config, venue.value, None, profile, {"session": {"record": str(store)}})
    run(replace(plan, bots=()), wait=not now)


def universe_update(
    source: Annotated[str, typer.Option(metavar="ibkr|delayed", help="Who is asked.")] = "ibkr",
    venue: Whose = Venue.PAPER,
    profile: Profile = None,
    as_json: AsJson = False,
    config: Config = CONFIG,
    verbose: Verbose = 0,
    logfile: LogFile = None,
) -> None:
    """Rank the underlyings by option volume and spread. Your own edits stay."""
    start_log(verbose, logfile)
    from scripts.live.plan import make_plan
    from scripts.live.universe import update

    update(make_plan(config, venue.value, None, profile), source, as_json)


def _folder(folder: Path | None, config: Path) -> Path:
    from engine.settings import Settings

    return folder or Settings.load(config).session.folder
