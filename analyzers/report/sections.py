"""A report made of titled tables: for the terminal, for a page, for a file of figures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analyzers.report.words import is_loss

if TYPE_CHECKING:
    from analyzers.report.heat import Panel

WIDE = 110  # columns of a terminal with room for lines between figures


@dataclass(frozen=True, slots=True)
class Section:
    """A table with what it says: rows are a name and a text a column."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    first: str = ""


def titled(title: str, width: int) -> Table:
    """Return an empty table; without lines where a terminal of that width has no room for them."""
    if width >= WIDE:
        return Table(title=title, title_justify="left")
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)


def print_sections(console: Console, sections: Sequence[Section]) -> None:
    """Print sections one after another."""
    for section in sections:
        shown = titled(section.title, console.width)
        shown.add_column(section.first, overflow="fold")
        for name in section.columns:
            shown.add_column(name, justify="right", overflow="fold")
        for name, cells in section.rows:
            shown.add_row(escape(name), *(escape(cell) for cell in cells))
        console.print(shown)
        console.print(f"[dim]{escape(section.text)}[/dim]")


def render_sections(
    title: str,
    lead: str,
    sections: Sequence[Section],
    picture: bytes | None = None,
    drawings: Sequence[tuple[str, str]] = (),
    heats: Sequence[Sequence[Panel]] = (),
) -> str:
    """Return one self-contained page.

    ``picture`` is a PNG shown under the lead, ``drawings`` are titled SVG, ``heats`` the panels
    of one pair of keys each.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from analyzers.report.heat import METRICS  # terminals do without pages and drawings

    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["loss"] = is_loss
    environment.filters["metric"] = METRICS.__getitem__
    drawn = None if picture is None else base64.b64encode(picture).decode()
    page = environment.get_template("sections.html.j2")
    return page.render(
        title=title,
        lead=lead,
        sections=sections,
        picture=drawn,
        drawings=drawings,
        heats=heats,
    )
