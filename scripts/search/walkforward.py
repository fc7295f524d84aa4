"""``mw walkforward``: choose on past days, judge on later ones, count everything ever tried."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.report.html import themed_svg
from analyzers.report.luck import luck_section
from analyzers.report.sections import Section
from analyzers.report.sweep import failed_section
from analyzers.report.walkforward import (
    equity_figure,
    result_section,
    verdict_of,
    walk_chart,
    window_section,
)
from analyzers.report.words import count
from analyzers.search import Luck, luck_of
from analyzers.walkforward import Walk, walk, windows_of
from engine.errors import ConfigError, DataError
from engine.research.statistics import expectancy_interval, sharpe
from scripts.files import put
from scripts.progress import shown
from scripts.search.folder import held, put_report
from scripts.search.found import Found
from scripts.search.ledger import Ledger
from scripts.search.run import Plan, SearchRequest, searched
from scripts.told import console_of, tell

CHOSEN = "what was chosen, on later days"


def run(request: SearchRequest) -> Path:
    """Run a walk-forward and return its folder, that of the sweep over the same variants.

    It adds ``walkforward.parquet`` (the days out of sample), ``walkforward.json``,
    ``walkforward.html`` and ``walkforward.png``.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right.
    """
    console = console_of(request.as_json)
    plan = Plan.of(request)
    spec = plan.search.spec
    if spec.search == "tpe":
        raise ConfigError(
            f"{request.file}: search: got tpe, which looks at all days to propose; "
            "expected grid, list or random for a walk-forward"
        )
    ledger = Ledger(request.out, plan.family)
    with held(plan.folder(request.out)) as folder:
        found = searched(plan, request, folder, console, ledger)
        if not found.good:
            raise DataError(f"walkforward: all {len(found.outcomes)} variants failed: {found.failed[0][1]}")
        cut = spec.walkforward
        windows = windows_of(len(found.days), cut.train, cut.test, cut.embargo, cut.mode == "anchored")
        walked = walk(*found.daily, windows, spec.metric, cut.least_trades, found.capital)
        ratio, error = sharpe(pd.Series(walked.pnl), found.capital)
        luck = luck_of(ratio, error, found.daily[0], ledger.ratios, ledger.trials, len(walked.rows))
        with shown(console, "Writing the report"):
            sections = _report(plan, found, walked, luck, folder)
    page = folder / "walkforward.html"
    tell(console, sections, page, request.as_json, _told(found, walked, luck))
    return folder


def _report(plan: Plan, found: Found, walked: Walk, luck: Luck, folder: Path) -> list[Section]:
    spec, cut = plan.search.spec, plan.search.spec.walkforward
    low, high, _ = expectancy_interval(pd.Series(walked.pnl), pd.Series(walked.trades))
    sections = [
        result_section(walked, luck, low, high),
        luck_section(luck, len(found.outcomes), plan.family, CHOSEN),
        window_section(walked, found.days, found.values, spec.metric),
    ]
    if found.failed:
        sections.append(failed_section(found.failed))
    title = f"Market Watch walk-forward: {plan.search.name}"
    lead = (
        f"{count(len(found.outcomes))} variants, {found.days[0]} to {found.days[-1]}; {cut.mode}: "
        f"{cut.train} days choose, {cut.embargo} are left out, {cut.test} judge. {verdict_of(walked, luck)}"
    )
    with put(folder / "walkforward.parquet") as path:
        _days(found, walked).to_parquet(path, index=False)
    with put(folder / "walkforward.json") as path:
        path.write_text(json.dumps(_told(found, walked, luck), indent=2) + "\n", encoding="utf-8")
    picture = partial(walk_chart, title, lead, walked, found.days)
    drawing = ("", themed_svg(equity_figure(walked, found.days)))
    put_report(folder, "walkforward", title, lead, sections, picture, drawings=[drawing])
    return sections


def _numbers(found: Found) -> list[int]:
    """Return the numbers of the variants that did not fail, in the order of the columns."""
    return [number for number, outcome in enumerate(found.outcomes) if not outcome.error]


def _days(found: Found, walked: Walk) -> pd.DataFrame:
    """Return the days out of sample; ``number`` is the variant followed, -1 where none was."""
    numbers = _numbers(found)
    followed = [
        np.full(step.window.stop - step.window.start, -1 if step.chosen is None else numbers[step.chosen])
        for step in walked.steps
    ]
    return pd.DataFrame(
        {
            "day": pd.to_datetime([found.days[row] for row in walked.rows]),
            "net": walked.pnl,
            "trades": walked.trades.astype(np.int64),
            "number": np.concatenate(followed) if followed else np.empty(0, np.int64),
        }
    )


def _told(found: Found, walked: Walk, luck: Luck) -> dict[str, Any]:
    """Return the figures for a program; null where the data is too thin."""
    fit = luck.overfitting
    told = {
        "net": walked.pnl.sum(),
        "trades": walked.trades.sum(),
        "days": len(walked.rows),
        "sharpe": luck.ratio,
        "sharpe_error": luck.error,
        "trials": luck.deflated.trials,
        "luck": luck.deflated.luck,
        "better_than_luck": luck.deflated.probability,
        "overfitting": math.nan if fit is None else fit.probability,
        "kept": walked.kept,
    }
    numbers = _numbers(found)
    windows = [
        {
            "train": [found.days[step.window.first], found.days[step.window.last - 1]],
            "test": [found.days[step.window.start], found.days[step.window.stop - 1]],
            "number": None if step.chosen is None else numbers[step.chosen],
            "net": round(step.net, 2),
        }
        for step in walked.steps
    ]
    plain = {name: round(float(value), 6) if math.isfinite(value) else None for name, value in told.items()}
    return plain | {"windows": windows}
