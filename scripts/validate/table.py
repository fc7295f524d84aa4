"""The tables of the validation: what was measured, what it should be, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.errors import DataError

COLUMNS = ("what", "measured", "target", "verdict", "note")


class Verdict(StrEnum):
    """What a row says of the model; only ``MISSES`` makes the command fail."""

    HOLDS = "holds"
    MISSES = "misses"
    EXPLAINED = "explained"  # outside its target, with the reason in the note
    SHOWN = "shown"  # for the reader, without a target


COLOURS = {Verdict.HOLDS: "green", Verdict.MISSES: "bold red", Verdict.EXPLAINED: "yellow"}


@dataclass(frozen=True, slots=True)
class Check:
    """One measured figure. ``measured`` and ``target`` are as printed, ``unit`` follows both."""

    name: str
    measured: str
    target: str
    verdict: Verdict
    unit: str = ""
    note: str = ""

    @classmethod
    def within(
        cls,
        name: str,
        value: float,
        low: float | None = None,
        high: float | None = None,
        digits: int = 4,
        unit: str = "",
        note: str = "",
    ) -> Check:
        """Return a check that holds where ``low <= value <= high``; a missing limit is none.

        Without either limit the figure is only shown. A figure that is no number misses.
        """
        shown = f"{value:.{digits}f}"
        if low is None and high is None:
            return cls(name, shown, "", Verdict.SHOWN, unit, note)
        holds = (low is None or value >= low) and (high is None or value <= high)
        if value != value:
            holds = False
        if low is None:
            target = f"at most {high:g}"
        elif high is None:
            target = f"at least {low:g}"
        else:
            target = f"{low:g} to {high:g}"
        return cls(name, shown, target, Verdict.HOLDS if holds else Verdict.MISSES, unit, note)


@dataclass(frozen=True, slots=True)
class Section:
    """One table under a title: ``rows`` of cells as printed, a verdict for every row.

    Where the verdict shall be seen, the cells hold it too; `Section.of` sees to that.
    """

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: tuple[Verdict, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise DataError(
                    f"{self.title}: a row has {len(row)} cells, expected {len(self.columns)}: {row}"
                )
        if len(self.verdicts) != len(self.rows):
            raise DataError(
                f"{self.title}: got {len(self.verdicts)} verdicts, expected one for each of "
                f"{len(self.rows)} rows"
            )

    @classmethod
    def of(cls, title: str, text: str, checks: Sequence[Check]) -> Section:
        """Return the usual table of checks; its last column appears only where a note is."""
        noted = any(check.note for check in checks)
        columns = COLUMNS if noted else COLUMNS[:-1]
        rows = tuple(
            (
                check.name,
                _with(check.measured, check.unit),
                _with(check.target, check.unit),
                str(check.verdict),
            )
            + ((check.note,) if noted else ())
            for check in checks
        )
        return cls(title, text, columns, rows, tuple(check.verdict for check in checks))

    @property
    def misses(self) -> int:
        """How many rows miss their target."""
        return sum(verdict is Verdict.MISSES for verdict in self.verdicts)

    def markdown(self) -> str:
        """Return title, text and table as Markdown."""
        lines = [f"## {self.title}", "", self.text, ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|" + "---|" * len(self.columns))
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"

    def json(self) -> dict[str, Any]:
        """Return the section as plain values."""
        return {
            "title": self.title,
            "text": self.text,
            "rows": [
                dict(zip(self.columns, row, strict=True)) | {"verdict": str(verdict)}
                for row, verdict in zip(self.rows, self.verdicts, strict=True)
            ],
        }

    def show(self, console: Console) -> None:
        """Print the section."""
        table = Table(title=self.title, title_justify="left", title_style="bold", caption=self.text)
        table.caption_justify = "left"
        for column in self.columns:
            table.add_column(column, overflow="fold")
        for row, verdict in zip(self.rows, self.verdicts, strict=True):
            table.add_row(*row, style=COLOURS.get(verdict))
        console.print(table)


def _with(text: str, unit: str) -> str:
    return f"{text} {unit}" if text and unit else text
