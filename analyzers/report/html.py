"""The run as one self-contained page: charts left, figures right, parameters in the head."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analyzers.analysis import Analysis
from analyzers.benchmarks import ASSUMPTIONS
from analyzers.report import charts
from analyzers.report.words import NOT_EVIDENCE, metric_rows, ratio, share, usd, words
from analyzers.result import RunResult

HERE = Path(__file__).parent
COLUMNS = (
    ("trades", "Trades", lambda v: f"{v:,.0f}"),
    ("net", "Net", usd),
    ("win_rate", "Wins", share),
    ("expectancy", "Per trade", usd),
    ("profit_factor", "Profit factor", ratio),
    ("worst", "Worst", usd),
    ("r_planned", "Mean R", lambda v: ratio(v, 3)),
    ("fees", "Fees", usd),
)
TITLES = {
    "bot": "By bot",
    "symbol": "By symbol",
    "exit_reason": "By exit",
    "weekday": "By weekday",
    "month": "By month of the year",
}


def render_html(result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None) -> str:
    """Return the page; it needs no other file and no network."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"usd": usd, "share": share, "ratio": ratio, "words": words}
    drawings = [
        ("Cumulative net profit and loss of all bots and of each", _svg(charts.equity, (9.2, 3.6), analysis)),
        ("Distance from the running peak", _svg(charts.underwater, (9.2, 1.9), analysis)),
        ("Net result by year and month", _svg(charts.months, (9.2, 2.4), analysis)),
        ("Distribution of results per trade", _svg(charts.results, (9.2, 2.6), result.trades)),
        ("Decision minutes without an entry, by reason", _svg(charts.reasons, (9.2, 3.6), analysis)),
    ]
    assumptions = list(result.assumptions)
    if benchmarks is not None:
        drawing = _svg(charts.passive, (9.2, 3.0), benchmarks, analysis, result.start_cash)
        drawings.insert(2, ("The account beside passive investments", drawing))
        assumptions += ASSUMPTIONS
    return environment.get_template("page.html.j2").render(
        result=result,
        analysis=analysis,
        drawings=drawings,
        assumptions=assumptions,
        metrics=metric_rows(analysis.total),
        bots={bot: metric_rows(figures) for bot, figures in analysis.bots.items()},
        groups=[(TITLES[name], *_table(table)) for name, table in analysis.groups.items() if len(table)],
        settings=list(_flat(result.settings)),
        not_evidence=NOT_EVIDENCE if result.synthetic else "",
        isnan=math.isnan,
    )


def _svg(draw: Callable[..., None], size: tuple[float, float], *args: Any) -> str:
    import matplotlib.pyplot as plt

    with plt.rc_context(charts.STYLE):
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        draw(axes, *args)
        held = io.StringIO()
        figure.savefig(held, format="svg", metadata={"Date": None})
        plt.close(figure)
    text = held.getvalue()
    return text[text.index("<svg") :]


def _table(table: pd.DataFrame) -> tuple[list[str], list[tuple[str, list[str]]]]:
    rows = [
        (words(str(name)), [write(row[column]) for column, _, write in COLUMNS])
        for name, row in table.iterrows()
    ]
    return [title for _, title, _ in COLUMNS], rows


def _flat(settings: dict[str, Any], place: str = "") -> Any:
    for key, value in settings.items():
        name = f"{place}.{key}" if place else key
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else value
