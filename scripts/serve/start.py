"""Find the journals of this project and show or serve them until interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from engine.errors import ConfigError
from engine.journal import secrets
from engine.journal.database import VENUES, Run, open_journal
from engine.journal.queries import Reader
from engine.journal.writing import Writer
from engine.settings import Settings
from scripts.commands.options import RUNS

TOKEN = "MW_SERVE_TOKEN"
LEAST_TOKEN = 16  # characters
ENDING = 5.0  # seconds
DATABASE = "MW_DATABASE_URL"
GATE = "gate"  # the journal of the ramp, without sessions


def journals(
    settings: Settings, held: Mapping[str, str], place: str | None = None, runs: Path | None = None
) -> dict[str, str]:
    """Return the journals there are, by a name for people: the live one first, backtests last.

    Parameters
    ----------
    settings : Settings
    held : mapping
        The environment with ``.env``.
    place : str, optional
        The only one to be shown.
    runs : Path, optional
        A folder whose newest rehearsal is shown too.

    Raises
    ------
    JournalError
        The one asked for cannot be read.
    """
    if place is not None:
        with Reader(place) as reader:
            return {reader.venue: place}
    shown = [venue for venue in reversed(VENUES) if venue != GATE]
    files = {venue: settings.journal.folder / f"{venue}.db" for venue in shown}
    if runs is not None and (rehearsals := sorted(runs.glob("rehearsal-*/journal.db"))):
        files["rehearsal"] = rehearsals[-1]
    found = {venue: str(path) for venue, path in files.items() if path.is_file()}
    if url := held.get(DATABASE):
        with Reader(url) as reader:
            found = {f"{reader.venue} database": url} | found
    return found


def newest(places: Mapping[str, str]) -> str:
    """Return the journal with the newest session.

    Raises
    ------
    ConfigError
        None has a session.
    """
    starts: dict[str, datetime] = {}
    for place in places.values():
        with Reader(place) as reader:
            for row in reader.sessions(1):
                starts[place] = row["started"]
    if not starts:
        raise ConfigError("journal: none has a session, expected one; run mw paper or mw backtest --journal")
    return max(starts, key=lambda place: starts[place])


def show_dashboard(config: Path, place: str | None, port: int | None, logs: Path | None) -> None:
    """Show the journals on a page of this machine until interrupted."""
    if find_spec("streamlit") is None:
        raise ConfigError(
            "dashboard: streamlit is missing, expected make add SET=dashboard in the project's folder"
        )
    held = secrets.load()
    settings = Settings.load(config)
    told = {
        "MW_DASHBOARD_JOURNALS": json.dumps(journals(settings, held, place, RUNS)),
        "MW_DASHBOARD_LOGS": str(logs or settings.journal.logs),
        "MW_DASHBOARD_REFRESH": str(settings.dashboard.refresh_seconds),
        "MW_DASHBOARD_GATE": held.get(DATABASE) or str(settings.journal.folder / f"{GATE}.db"),
        "MW_DASHBOARD_CONFIG": str(config),
    }
    at = port or settings.dashboard.port
    print(f"http://127.0.0.1:{at}  (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "scripts.board.run", str(at)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the page would live on
    with subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.DEVNULL) as page:
        try:
            code = page.wait()
        except KeyboardInterrupt:  # how a server is ended
            _end(page)
            return
    if code:
        text = f"dashboard: ended with {code}, expected port {at} free"
        raise ConfigError(text)


def _end(page: subprocess.Popen[bytes]) -> None:
    """End the page's process, in order if it can."""
    page.terminate()
    try:
        page.wait(ENDING)
    except subprocess.TimeoutExpired:
        page.kill()


def serve_journal(config: Path, place: str | None, port: int | None) -> None:
    """Serve one journal on this machine until interrupted.

    Raises
    ------
    ConfigError
        There is no token, or nothing to serve.
    """
    try:
        import uvicorn

        from scripts.serve.app import make_app
    except ModuleNotFoundError as error:
        text = f"serve: {error.name} is missing, expected make add SET=serve in the project's folder"
        raise ConfigError(text) from None
    from engine.universe import load_universe
    from scripts.serve.webhook import Door

    held = secrets.load()
    token = held.get(TOKEN, "")
    if len(token) < LEAST_TOKEN:
        raise ConfigError(f"{TOKEN}: has {len(token)} characters, expected at least {LEAST_TOKEN} of them")
    settings = Settings.load(config)
    where = place or newest(journals(settings, held))
    symbols = load_universe(config / "universe.json")
    door = Door(token, settings.serve, tuple(type(settings.bots).model_fields), tuple(symbols))
    with Reader(where) as reader:
        run = Run(
            name=f"serve-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}",
            kind="serve",
            venue=reader.venue,
            account_kind="",
            started=datetime.now(UTC),
            config_hash=settings.digest,
            command="mw serve",
        )
        with Writer(open_journal(where, reader.venue), run) as writer:
            app = make_app(reader, writer, door, settings.serve.body_limit)
            uvicorn.run(app, host="127.0.0.1", port=port or settings.serve.port, log_level="warning")
