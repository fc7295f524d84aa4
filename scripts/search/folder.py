"""The folder of a search: one run at a time, finished files put in place whole."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analyzers.report.sections import Section, render_sections
from analyzers.report.words import NOT_EVIDENCE
from engine.errors import ConfigError
from scripts.files import put

DONE = "done.jsonl"


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Make a search's folder and keep others out of it.

    Raises
    ------
    ConfigError
        Another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder}: another search is at work there, expected one at a time") from None
        yield folder


def put_report(
    folder: Path,
    kind: str,
    title: str,
    lead: str,
    sections: Sequence[Section],
    draw: Callable[[Path], None],
    **parts: Any,
) -> None:
    """Write ``<kind>.png`` and ``<kind>.html``; ``parts`` are the page's own heats or drawings."""
    with put(folder / f"{kind}.png") as path:
        draw(path)
    page = render_sections(title, f"{lead} {NOT_EVIDENCE}", sections, **parts)
    with put(folder / f"{kind}.html") as path:
        path.write_text(page, encoding="utf-8")
