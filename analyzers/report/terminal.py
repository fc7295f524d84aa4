"""The run as tables in the terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analyzers.analysis import Analysis
from analyzers.report.sections import WIDE, titled
from analyzers.report.words import (
    COLUMNS,
    break_even_text,
    count,
    figure_cells,
    metric_sections,
    verdict,
    warning,
    words,
)
from analyzers.result import RunResult


def print_tables(console: Console, result: RunResult, analysis: Analysis) -> None:
    """Print per bot, symbol and exit, the summary, rules, denials and assumptions, in this order."""
    for title, name in (("By bot", "bot"), ("By symbol", "symbol"), ("By exit", "bot_exit_reason")):
        console.print(_groups(title, analysis.groups[name], console.width))
    console.print(_summary(analysis))
    console.print(_rules(analysis, console.width))
    console.print(_denials(analysis, console.width))
    for line in analysis.excesses:
        console.print(f"[red]Day cap passed:[/red] {escape(line)}", soft_wrap=True)
    for line in (*result.data_notes, *result.assumptions):
        console.print(f"[dim]· {escape(line)}[/dim]", highlight=False)
    if result.synthetic:
        console.print(f"Break-even premium: {break_even_text(result, analysis)}", highlight=False)
    console.print(f"[bold red]{warning(result)}[/bold red]", highlight=False)
    console.print(f"[bold]{verdict(analysis.total)}[/bold]", highlight=False)


def _summary(analysis: Analysis) -> Table:
    shown = Table(title="Summary", title_justify="left", show_header=False)
    shown.add_column()
    shown.add_column(justify="right")
    for _, rows in metric_sections(analysis.total):
        for name, value in rows:
            shown.add_row(name, value, end_section=(name, value) == rows[-1])
    for name, number in analysis.orders.items():
        shown.add_row("Limits conceded" if name == "conceded" else f"Orders {words(name)}", count(number))
    shown.add_row("Trades left open", count(analysis.left_open))
    for fall in analysis.falls[:1]:
        until = fall.recovered or "not recovered"
        shown.add_row("Drawdown from, lowest, until", f"{fall.peak}, {fall.trough}, {until}")
    return shown


def _rules(analysis: Analysis, width: int) -> Table:
    shown = titled("Rules, held against every trade", width)
    for name in ("Rule", "Limit", "Worst seen"):
        shown.add_column(name)
    shown.add_column("Broken", justify="right")
    for check in analysis.checks:
        shown.add_row(
            check.rule, check.limit, check.worst, count(check.breaches) if check.breaches else "never"
        )
    if not analysis.checks:
        shown.add_row("no trades", "", "", "")
    return shown


def _groups(title: str, table: pd.DataFrame, width: int) -> Table:
    """Return figures by group; where there is little room the names are folded, never a figure."""
    rows = figure_cells(table)
    shown = titled(title, width)
    shown.add_column("", overflow="fold")
    for number, (_, name, _) in enumerate(COLUMNS):
        longest = max((len(cells[number]) for _, cells in rows), default=None)
        head = name if width >= WIDE else name.replace(" ", "\n")
        shown.add_column(head, justify="right", min_width=longest, overflow="fold")
    for name, cells in rows:
        shown.add_row(name, *cells)
    if table.empty:
        shown.add_row("no trades", *[""] * len(COLUMNS))
    return shown


def _denials(analysis: Analysis, width: int) -> Table:
    shown = titled("Decision minutes by outcome", width)
    shown.add_column("")
    for bot in analysis.denied.index:
        shown.add_column(words(str(bot)), justify="right")
    for reason in analysis.denied.columns:
        shown.add_row(words(reason), *(count(number) for number in analysis.denied[reason]))
    if analysis.denied.empty:
        shown.add_row("no decisions")
    return shown
