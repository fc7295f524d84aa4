"""The run as tables in the terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.table import Table

from analyzers.analysis import Analysis
from analyzers.report.html import COLUMNS as ALL_COLUMNS
from analyzers.report.words import NOT_EVIDENCE, metric_rows, words
from analyzers.result import RunResult

COLUMNS = tuple(column for column in ALL_COLUMNS if column[0] not in ("fees", "r_planned"))


def print_tables(console: Console, result: RunResult, analysis: Analysis) -> None:
    """Print per symbol, per exit, what is left open, the summary, denials and assumptions, in this order."""
    for title, name in (("By symbol", "symbol"), ("By exit", "exit_reason"), ("By bot", "bot")):
        console.print(_groups(title, analysis.groups[name]))
    console.print(f"Left open: {analysis.left_open}")
    summary = Table(title="Summary", title_justify="left", show_header=False)
    summary.add_column()
    summary.add_column(justify="right")
    for name, value in metric_rows(analysis.total):
        summary.add_row(name, value)
    for name, count in analysis.orders.items():
        summary.add_row(f"Orders {words(name)}", f"{count:,}")
    for fall in analysis.falls[:1]:
        until = fall.recovered or "not recovered"
        summary.add_row("Drawdown from, lowest, until", f"{fall.peak}, {fall.trough}, {until}")
    console.print(summary)
    console.print(_denials(analysis))
    for line in analysis.excesses:
        console.print(f"[red]Day cap passed:[/red] {line}", soft_wrap=True)
    for line in (*result.data_notes, *result.assumptions):
        console.print(f"[dim]· {line}[/dim]")
    if result.synthetic:
        console.print(f"[bold red]{NOT_EVIDENCE}[/bold red]")


def _groups(title: str, table: pd.DataFrame) -> Table:
    shown = Table(title=title, title_justify="left")
    shown.add_column("", no_wrap=True, overflow="fold")
    for _, name, _ in COLUMNS:
        shown.add_column(name, justify="right")
    for name, row in table.iterrows():
        shown.add_row(words(str(name)), *(write(row[column]) for column, _, write in COLUMNS))
    if table.empty:
        shown.add_row("no trades", *[""] * len(COLUMNS))
    return shown


def _denials(analysis: Analysis) -> Table:
    shown = Table(title="Decision minutes by outcome", title_justify="left")
    shown.add_column("")
    for bot in analysis.denied.index:
        shown.add_column(str(bot), justify="right")
    for reason in analysis.denied.columns:
        shown.add_row(words(reason), *(f"{count:,}" for count in analysis.denied[reason]))
    if analysis.denied.empty:
        shown.add_row("no decisions")
    return shown
