"""The run as one self-contained page: charts left, figures right, parameters in the head."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analyzers.analysis import Analysis, passive_figures
from analyzers.benchmarks import ASSUMPTIONS
from analyzers.report import charts
from analyzers.report.words import (
    COLUMNS,
    THIN,
    benchmark_rows,
    break_even_text,
    cost_rows,
    count,
    figure_cells,
    interval,
    is_loss,
    metric_sections,
    ratio,
    several,
    share,
    usd,
    verdict,
    warning,
    words,
)
from analyzers.result import RunResult

HERE = Path(__file__).parent
WIDTH = 9.4  # inches of a drawing; the page scales it
TITLES = {
    "bot": "By bot",
    "symbol": "By symbol",
    "exit_reason": "By exit",
    "bot_exit_reason": "By bot and exit",
    "source": "By source of the option quotes",
    "weekday": "By weekday of entry",
    "month": "By month of the year",
}
# drawn colours that follow the reader's light or dark page
THEMED = {
    charts.INK: "ink",
    charts.FAINT: "faint",
    charts.GRID: "grid",
    charts.TOTAL: "total",
    charts.PAPER: "paper",
    charts.LOSS: "loss",
    **{colour: f"series-{number}" for number, colour in enumerate(charts.SERIES)},
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
    environment.filters |= {"usd": usd, "share": share, "ratio": ratio, "words": words, "count": count}
    environment.filters["several"] = several
    environment.tests["loss"] = is_loss
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    drawing, curve = _equity(analysis)
    return environment.get_template("page.html.j2").render(
        result=result,
        analysis=analysis,
        warning=warning(result),
        verdict=verdict(analysis.total),
        tiles=_tiles(analysis.total),
        facts=_facts(result, analysis),
        assumptions=[*result.assumptions, *(ASSUMPTIONS if benchmarks is not None else ())],
        settings=list(_flat(result.settings)),
        equity=drawing,
        curve=curve,
        drawings=_drawings(result, analysis, benchmarks),
        months=_months(analysis),
        sections=metric_sections(analysis.total)[:2],
        costs=_costs(analysis),
        passive=benchmark_rows(result, analysis, passive_figures(benchmarks))
        if benchmarks is not None
        else [],
        columns=[title for _, title, _ in COLUMNS],
        groups=[
            (TITLES.get(name, words(name)), figure_cells(table))
            for name, table in analysis.groups.items()
            if len(table)
        ],
        denied=_denied(analysis),
        bot_colours={
            bot: f"var(--{THEMED[colour]})" for bot, colour in charts.colours(analysis.bots).items()
        },
    )


def _tiles(total: dict[str, float]) -> list[tuple[str, str, str]]:
    any_trade = total["trades"] > 0
    between = interval(total["expectancy_low"], total["expectancy_high"])
    return [
        (
            "Net result",
            f"{usd(total['net'], 0)} USD",
            f"{share(total['annual_return'], 2)} of the cash a year",
        ),
        ("Per trade", f"{usd(total['expectancy'])} USD" if any_trade else "–", between),
        ("Sharpe ratio", ratio(total["sharpe"]), _error(total["sharpe_error"])),
        ("Trades", count(total["trades"]), f"{share(total['win_rate'])} won" if any_trade else "none"),
        (
            "Largest drawdown",
            f"{usd(total['drawdown'], 0)} USD",
            f"most at risk {usd(total['most_at_risk'], 0)}",
        ),
        (
            "Worst day",
            f"{usd(total['worst_day'], 0)} USD",
            f"worst trade {ratio(total['worst_r_planned'])} R" if any_trade else "no trade",
        ),
    ]


def _error(error: float) -> str:
    return f"± {ratio(error)} standard error" if math.isfinite(error) else THIN


def _facts(result: RunResult, analysis: Analysis) -> list[tuple[str, str]]:
    facts = [
        ("Run", result.run_id),
        ("Commit", result.git_commit),
        ("Settings", result.config_digest[:12]),
        ("Seed", "none, recorded bars" if result.seed is None else str(result.seed)),
        ("Starting cash", f"{usd(result.start_cash, 0)} USD"),
        ("Break-even premium", break_even_text(result, analysis)),
    ]
    return facts if result.synthetic else facts[:-1]


def _drawings(
    result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None
) -> list[tuple[str, str]]:
    from matplotlib.figure import Figure

    with charts.style():
        spread = Figure(figsize=(WIDTH, 3.3), dpi=72, layout="constrained")
        over_time, often = spread.subplots(1, 2, sharey=True, width_ratios=(4, 1))
        charts.results(over_time, often, result.trades, analysis)
        costs = Figure(figsize=(WIDTH, 2.9), dpi=72, layout="constrained")
        charts.costs(costs.subplots(), analysis)
        told = [
            (
                "Result of every trade over time, and how often each result came, in planned losses",
                themed_svg(spread),
            ),
            ("Each bot's result at mid prices, less spread and fees, down to the net", themed_svg(costs)),
        ]
        if benchmarks is not None:
            growth = Figure(figsize=(WIDTH, 2.9), dpi=72, layout="constrained")
            charts.passive(growth.subplots(), benchmarks, analysis, result.start_cash)
            told.append(("Growth of the account beside passive investments", themed_svg(growth)))
    return told


def _equity(analysis: Analysis) -> tuple[str, dict[str, Any]]:
    """Return the first drawing, and where its days and values stand for the pointer's readout."""
    from matplotlib.figure import Figure

    with charts.style():
        figure = Figure(figsize=(WIDTH, 5.0), dpi=72, layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        charts.equity(above, analysis)
        charts.underwater(below, analysis)
        text = themed_svg(figure)
        ends = above.transData.transform(
            [(n, 0.0) for n in charts.day_numbers(analysis.daily.index[[0, -1]])]
        )
        top, bottom = above.get_window_extent().y1, below.get_window_extent().y0
    height = figure.bbox.height
    total = analysis.daily.cumsum()
    curve = {
        "left": round(float(ends[0, 0]), 2),
        "right": round(float(ends[1, 0]), 2),
        "top": round(height - top, 2),
        "bottom": round(height - bottom, 2),
        "days": [int(number) for number in charts.day_numbers(total.index)],
        "values": {words(str(name)): np.round(total[name]).astype(int).tolist() for name in total},
        "day": np.round(analysis.daily["all"], 2).tolist(),
    }
    return text, curve


def themed_svg(figure: Any) -> str:
    """Return a drawing as SVG for a page, in the colours of the page's light or dark theme."""
    held = io.StringIO()
    figure.savefig(held, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = held.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # the same names in every drawing
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text)
    text = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 system-ui, sans-serif", text)
    for colour, name in THEMED.items():
        text = text.replace(colour, f"var(--{name})")
    return text


def _months(analysis: Analysis) -> list[tuple[int, list[tuple[str, float]], float]]:
    """Return per year the written month results with their strength, -1 to 1, and the year's sum."""
    table = charts.month_table(analysis)
    values = table.to_numpy()
    most = (float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0) or 1.0
    return [
        (
            int(year),
            [(charts.whole(v) if np.isfinite(v) else "", float(np.nan_to_num(v)) / most) for v in row],
            float(np.nansum(row)),
        )
        for year, row in zip(table.index, values, strict=True)
    ]


def _costs(analysis: Analysis) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the cost table: one column a bot and all, one row a step from mid to net."""
    parts = {**analysis.bots, "all": analysis.total} if len(analysis.bots) != 1 else analysis.bots
    written = {name: cost_rows(figures) for name, figures in parts.items()}
    steps = [step for step, _ in cost_rows(analysis.total)]
    rows = [(step, [written[name][i][1] for name in written]) for i, step in enumerate(steps)]
    return [words(name) for name in written], rows


def _denied(analysis: Analysis) -> list[tuple[str, list[int], list[float]]]:
    """Return per outcome of a decision minute its counts by bot, and them as shares of the commonest."""
    most = float(analysis.denied.sum().max()) if analysis.denied.size else 1.0
    return [
        (words(str(reason)), [int(n) for n in column], [100.0 * n / most for n in column])
        for reason, column in analysis.denied.items()
        if column.sum()
    ]


def _flat(settings: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{place}.{key}" if place else key
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else value
