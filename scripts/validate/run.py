"""Run the checks of the market's model against recorded data and write what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from engine.errors import ConfigError, DataError, MarketWatchError
from engine.live.files import write_text
from engine.settings_files import did_you_mean
from scripts.progress import shown
from scripts.told import console_of, print_json
from scripts.validate.table import Section, Verdict

Checks = Callable[[Path], list[Section]]
ROOM = "scripts.validate"
# in the order of the page; every module has checks(data) -> list[Section]
MODULES = ("prices", "american", "parity", "generator", "indices")
HEAD = """# Validation: the model against recorded data

Made by `make validate` (`mw validate --out docs/validation.md`); do not edit. The recorded files are not part
of the project; where they are absent the command says so and this page stays as it is. A row *holds* or
*misses* its target, is *explained* where it is outside for a known reason, or is *shown* without a target.
"""


def modules() -> list[str]:
    """Return the names of the check modules there are."""
    return [name for name in MODULES if find_spec(f"{ROOM}.{name}") is not None]


def validate(
    data: Path,
    out: Path | None = None,
    only: Sequence[str] = (),
    as_json: bool = False,
    console: Console | None = None,
) -> list[Section]:
    """Run the checks, show their tables and write the page.

    Parameters
    ----------
    data : Path
        Folder of the recorded files.
    out : Path, optional
        A Markdown file to write; it is replaced only once every check has run.
    only : sequence of str
        Names of `modules`; all of them without.
    as_json : bool
        Print JSON instead of tables.
    console : rich.console.Console, optional

    Raises
    ------
    ConfigError
        An unknown name, or a page of a part of the checks.
    DataError
        The folder or a file of it is missing or unreadable.
    MarketWatchError
        Some figure misses its target; the page is written all the same.
    """
    wanted = _chosen(only)
    if out is not None and only:
        raise ConfigError(
            f"out: got {str(out)!r} beside --only {' '.join(only)}, expected a page of all checks"
        )
    if not data.is_dir():
        raise DataError(
            f"data: got {str(data)!r}, expected the folder of the recorded files (daily, minute and option "
            "data as docs/validation.md names them)"
        )
    console = console or console_of(as_json)
    sections: list[Section] = []
    for name in wanted:
        checks: Checks = import_module(f"{ROOM}.{name}").checks
        with shown(console, f"Checking {name}"):
            sections += checks(data)
    if as_json:
        print_json([section.json() for section in sections])
    else:
        for section in sections:
            section.show(console)
    if out is not None:
        write_text(out, page(sections))
    misses = sum(section.misses for section in sections)
    if misses:
        raise MarketWatchError(f"validate: {misses} of {_count(sections)} figures miss their targets")
    return sections


def _chosen(only: Sequence[str]) -> list[str]:
    """Return the check modules asked for, all without a word, in the order of the page."""
    known = modules()
    for name in only:
        if name not in known:
            raise ConfigError(f"only: got {name!r}, expected {', '.join(known)}{did_you_mean(name, known)}")
    return [name for name in known if not only or name in only]


def page(sections: Sequence[Section]) -> str:
    """Return the whole page as Markdown."""
    counts = [
        f"{sum(verdict is wanted for section in sections for verdict in section.verdicts)} {wanted}"
        for wanted in Verdict
    ]
    return "\n".join([HEAD, f"{', '.join(counts)}.\n", *(section.markdown() for section in sections)])


def _count(sections: Sequence[Section]) -> int:
    return sum(verdict is not Verdict.SHOWN for section in sections for verdict in section.verdicts)
