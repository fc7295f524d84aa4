"""``mw sweep``: many variants of a backtest, what was best among them, and what that is worth."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from analyzers.report.heat import heat_chart, panels_of
from analyzers.report.luck import luck_section, verdict_of
from analyzers.report.sections import Section
from analyzers.report.sweep import best_section, failed_section
from analyzers.report.words import count
from analyzers.search import best_of, luck_of
from engine.errors import DataError
from scripts.files import put
from scripts.progress import shown
from scripts.search.folder import held, put_report
from scripts.search.found import Found
from scripts.search.ledger import Ledger
from scripts.search.run import Plan, SearchRequest, searched
from scripts.told import console_of, tell

CHOSEN = "the variant with the best Sharpe ratio"


def run(request: SearchRequest) -> Path:
    """Run a sweep, or go on with one that was stopped, and return its folder.

    The folder holds ``done.jsonl`` (a line a variant, as it was finished), ``results.parquet``
    (a row a variant), ``daily.parquet`` (what each made every day), ``sweep.html`` and
    ``sweep.png``.

    Raises
    ------
    MarketWatchError
        Whatever the user can put right.
    """
    console = console_of(request.as_json)
    plan = Plan.of(request)
    ledger = Ledger(request.out, plan.family)
    with held(plan.folder(request.out)) as folder:
        found = searched(plan, request, folder, console, ledger)
        with put(folder / "results.parquet") as path:
            found.results().to_parquet(path, index=False)
        if not found.good:
            raise DataError(f"sweep: all {len(found.outcomes)} variants failed: {found.failed[0][1]}")
        with put(folder / "daily.parquet") as path:
            found.long().to_parquet(path, index=False)
        with shown(console, "Writing the report"):
            sections = _report(plan, found, ledger, folder)
    tell(console, sections, folder / "sweep.html", request.as_json)
    return folder


def _report(plan: Plan, found: Found, ledger: Ledger, folder: Path) -> list[Section]:
    spec, (pnl, trades), figures = plan.search.spec, found.daily, found.figures
    best = best_of(figures[spec.metric], pnl, trades)
    places = [one.place for one in best_of(figures["sharpe"], pnl, trades, 1)]
    top = places[0] if places else 0
    luck = luck_of(
        float(figures["sharpe"][top]),
        float(figures["sharpe_error"][top]),
        pnl,
        ledger.ratios,
        ledger.trials,
    )
    sections = [
        best_section(found.values, figures, best, spec.metric),
        luck_section(luck, len(found.outcomes), plan.family, CHOSEN),
    ]
    if found.failed:
        sections.append(failed_section(found.failed))
    title = f"Market Watch sweep: {plan.search.name}"
    days = f"{found.days[0]} to {found.days[-1]}, {count(len(found.days))} sessions"
    lead = f"{count(len(found.outcomes))} variants, {days}. {verdict_of(luck, CHOSEN)}"
    panels = panels_of(found.values, figures)
    picture = partial(heat_chart, title, lead, panels)
    put_report(folder, "sweep", title, lead, sections, picture, heats=panels)
    return sections
