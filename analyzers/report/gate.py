"""The gate's tables: where a bot stands, what is missing, what it was told, and how a session was judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzers.report.sections import Section
from analyzers.report.words import words
from engine.gate.compliance import SessionVerdict
from engine.gate.criteria import Verdict
from engine.gate.facts import Backtest, Entry, Fact, Judged, Moved, Opened, Overridden, Registered
from engine.gate.ramp import ORDER
from engine.gate.settings import Stage
from engine.gate.view import GateView
from engine.sessions import NEW_YORK

CANNOT = (
    "What it can tell: that a bot keeps its rules, that its fills cost what the model says, that its "
    "backtest was not the luck of a search. What it cannot: that the Sharpe ratio is above 1. Forty paper "
    "days put its 95 % interval about 5 either way; it is shown, and is necessary, and proves nothing."
)
NEXT = dict(zip(ORDER, (*ORDER[1:], Stage.SCALED), strict=True))
SHOWN = 3  # breaches
COLUMNS = ("measured", "required", "verdict", "still unknown")


def standing_section(view: GateView) -> Section:
    """Return the table of criteria of one bot."""
    rows = tuple(
        (row.name, (row.measured, row.required, row.verdict.value, _open(row.text, row.until)))
        for row in view.rows
    )
    return Section(title_of(view), told_of(view), COLUMNS, rows, "criterion")


def title_of(view: GateView) -> str:
    """Return a bot and its stage."""
    lots = f", {view.lots} lot{'s' * (view.lots != 1)} live" if view.lots else ""
    return f"{words(view.bot)}: {view.stage}{lots}"


def told_of(view: GateView) -> str:
    """Return what there is to say beside the table."""
    parts = [f"Configuration {view.config or 'none registered'}.", _outlook(view)]
    if view.overrides:
        parts.append(f"Overrides by hand: {'; '.join(view.overrides)}.")
    if view.breaches:
        more = len(view.breaches) - SHOWN
        parts.append(
            f"Breaches: {'; '.join(view.breaches[-SHOWN:])}{f' and {more} before' if more > 0 else ''}."
        )
    if view.changed:
        parts.append(f"Changed against the configuration before: {'; '.join(view.changed)}.")
    return " ".join(parts)


def _outlook(view: GateView) -> str:
    if not view.rows:
        return "The top of the ramp: nothing more is asked."
    step = f"For the step to {_next(view)}"
    if view.until is not None:
        return f"{step} all can be known in {view.until} sessions at the earliest."
    if any(row.verdict is Verdict.UNKNOWN for row in view.rows):
        return f"{step} it cannot be said yet how long it takes until all is known."
    return f"{step} all is known, and not all passed."


def _next(view: GateView) -> str:
    return f"{view.lots + 1} lots" if view.stage in (Stage.SMALL, Stage.SCALED) else NEXT[view.stage].value


def _open(text: str, until: int | None) -> str:
    if until is None:
        return text
    return f"{text}; {until} session{'s' * (until != 1)}" if text else f"{until} sessions"


def history_section(entries: Iterable[Entry]) -> Section:
    """Return what the gate was told, oldest first."""
    rows = tuple(
        (f"{entry.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}", (words(entry.fact.bot), *_said(entry.fact)))
        for entry in entries
    )
    text = "Every line is chained to the one before it: an edited or a lost one is noticed."
    return Section("History", text, ("bot", "event", "told"), rows, "New York")


def _said(fact: Fact) -> tuple[str, str]:
    match fact:
        case Registered():
            told = "; ".join(fact.changed) or "the first one"
            return "configuration", f"{fact.config[:8]}: {told}"
        case Backtest():
            kind = "recorded" if fact.recorded else "model"
            figures = ", ".join(
                f"{name} {'unknown' if value is None else format(value, '.3f')}"
                for name, value in (("deflated Sharpe", fact.deflated), ("lower bound", fact.low))
            )
            return (
                "backtest",
                f"{fact.run}, {fact.sessions} sessions, {kind} quotes, {fact.trials} trials: {figures}",
            )
        case Opened():
            return "session", f"{fact.venue} session of {fact.day} begins"
        case Judged():
            kind = "idle" if fact.idle else "compliant" if fact.compliant else "breach"
            broken = "; ".join(f"{item}: {why}" for item, why in fact.failed.items())
            told = f"{fact.venue} session of {fact.day}: {fact.trades} trades, {fact.net:.2f} USD"
            return kind, f"{told}; {broken}" if broken else told
        case Moved():
            return "step", f"{fact.origin} -> {fact.target}, {fact.lots} lots: {fact.why}"
        case Overridden():
            return "override", f"{fact.day}: {fact.words!r}; missing then: {', '.join(fact.refused)}"


def verdict_section(verdicts: Sequence[SessionVerdict]) -> Section:
    """Return the items of a session with their evidence; bots with the same evidence share a row."""
    rows: list[tuple[str, tuple[str, ...]]] = []
    for asked in zip(*(verdict.items for verdict in verdicts), strict=True):
        found: dict[tuple[str, str], list[str]] = {}
        for verdict, one in zip(verdicts, asked, strict=True):
            found.setdefault(("pass" if one.passed else "fail", one.evidence), []).append(verdict.bot)
        question = asked[0].question
        for (passed, evidence), bots in found.items():
            who = "all" if len(bots) == len(verdicts) else ", ".join(words(bot) for bot in bots)
            rows.append((question, (who, passed, evidence)))
            question = ""
    title = "; ".join(
        f"{words(one.bot)}: " + ("compliant" if one.compliant else f"not compliant, {', '.join(one.failed)}")
        for one in verdicts
    )
    return Section(title, "Profit plays no part.", ("bots", "verdict", "evidence"), tuple(rows), "item")
