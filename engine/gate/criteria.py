"""What the next step asks for, what was measured, and what cannot be known yet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.gate.facts import Backtest, Moved
from engine.gate.ramp import Standing, demotion
from engine.gate.settings import GateSettings, Stage
from engine.research.statistics import DAYS, LEAST_ACTIVE, LEAST_DAYS, chance_above, least_days, sharpe

NONE = "–"
WEEK = 7  # days
SESSIONS_A_DAY = 5 / 7
TWO_SIDED = 1.959964


class Verdict(StrEnum):
    """What can be said of a criterion."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "insufficient data"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the gate's table.

    ``until`` is the number of sessions until the verdict can be known, None where no number of
    them tells; ``text`` says what is still unknown, ``""`` where nothing is.
    """

    name: str
    measured: str
    required: str
    verdict: Verdict
    text: str = ""
    until: int | None = None


def criteria(standing: Standing, settings: GateSettings) -> Iterator[Criterion]:
    """Yield what the next step asks for, the cheapest to work out first; nothing at the top."""
    match standing.stage:
        case Stage.RESEARCH:
            yield from _research(standing.backtest, settings)
        case Stage.PAPER:
            yield from _paper(standing, settings)
        case Stage.SMALL:
            yield _in_a_row(standing, settings, settings.small.compliant)
        case Stage.SCALED:
            if standing.lots < settings.scaled.lots:
                yield _in_a_row(standing, settings, settings.scaled.compliant)


def next_step(standing: Standing, settings: GateSettings) -> Moved | None:
    """Return the step due now, down before up, None when there is none."""
    down = demotion(standing, settings)
    if down is not None or standing.registered is None:
        return down
    asked, passed = 0, True
    for criterion in criteria(standing, settings):
        asked += 1
        if criterion.verdict is not Verdict.PASS:
            passed = False
            break
    if not asked or not passed:
        return None
    target, lots = _above(standing)
    why = f"all {asked} criteria of {standing.stage} passed" if asked > 1 else "criterion passed"
    return Moved(standing.bot, standing.config, standing.stage, target, lots, why, settings.digest)


def _above(standing: Standing) -> tuple[Stage, int]:
    if standing.stage is Stage.RESEARCH:
        return Stage.PAPER, 0
    if standing.stage is Stage.PAPER:
        return Stage.SMALL, 1
    return Stage.SCALED, standing.lots + 1


def _research(backtest: Backtest | None, settings: GateSettings) -> Iterator[Criterion]:
    wanted = settings.research
    length, luck = "Years of backtest", "Deflated Sharpe ratio"
    mean = f"Lower 5 % bound of a mean trade at {wanted.costs:g} times costs"
    long, sure = f"{wanted.years:g} or more", f"{wanted.deflated_sharpe:g} or more"
    above = f"above {wanted.expectancy_above:g} USD"
    if backtest is None:
        text = "none recorded: mw backtest, then mw gate record-backtest"
        for name, required in ((length, long), (luck, sure), (mean, above)):
            yield Criterion(name, NONE, required, Verdict.UNKNOWN, text)
            text = ""
        return
    years = backtest.sessions / DAYS
    yield Criterion(length, f"{years:.1f}", long, _verdict(years >= wanted.years))
    deflated = backtest.deflated
    if deflated is None:
        yield Criterion(luck, NONE, sure, Verdict.UNKNOWN, "too few days with a result")
    else:
        measured = f"{deflated:.3f}, trials: {backtest.trials}"
        yield Criterion(luck, measured, sure, _verdict(deflated >= wanted.deflated_sharpe))
    if backtest.low is None or not math.isclose(backtest.costs, wanted.costs):
        told = f"recorded at {backtest.costs:g} times costs: record it again"
        yield Criterion(
            mean, NONE, above, Verdict.UNKNOWN, "under 30 trades" if backtest.low is None else told
        )
    else:
        passed = backtest.low > wanted.expectancy_above
        yield Criterion(mean, f"{backtest.low:.2f} USD", above, _verdict(passed))


def _verdict(passed: bool) -> Verdict:
    return Verdict.PASS if passed else Verdict.FAIL


def _paper(standing: Standing, settings: GateSettings) -> Iterator[Criterion]:
    wanted, done = settings.paper, standing.sessions
    if wanted.recorded_backtest:
        yield _recorded(standing.backtest)
    yield _at_least("Paper sessions", len(done), wanted.sessions, 1.0)
    days = (done[-1].day - done[0].day).days + 1 if done else 0
    short = max(wanted.weeks * WEEK - days, 0.0)
    yield Criterion(
        "Weeks from first to last",
        f"{days / WEEK:.1f}",
        f"{wanted.weeks:g} or more",
        Verdict.UNKNOWN if short else Verdict.PASS,
        "not so long yet" if short else "",
        math.ceil(short * SESSIONS_A_DAY) if short else None,
    )
    fills = sum(session.fills for session in done)
    yield _at_least("Orders filled", fills, wanted.fills, fills / len(done) if done else 0.0)
    yield _in_a_row(standing, settings, wanted.compliant)
    yield _slippage(standing, settings, fills)
    yield _sharpe(standing, settings)


def _recorded(backtest: Backtest | None) -> Criterion:
    recorded = backtest is not None and backtest.recorded
    return Criterion(
        "Backtest on recorded quotes",
        "recorded" if recorded else "a model's",
        "recorded",
        _verdict(recorded),
        "" if recorded else "a model's quotes hold the premium that was put into them, and prove nothing",
    )


def _at_least(name: str, have: int, need: int, rate: float) -> Criterion:
    if have >= need:
        return Criterion(name, f"{have}", f"{need} or more", Verdict.PASS)
    until = math.ceil((need - have) / rate) if rate > 0.0 else None
    text = "" if until is not None else "none yet to tell how long that takes"
    return Criterion(name, f"{have}", f"{need} or more", Verdict.UNKNOWN, text, until)


def _in_a_row(standing: Standing, settings: GateSettings, need: int) -> Criterion:
    name, run = "Compliant sessions in a row", standing.run
    have, all_of_them = run.counted(settings.run), run.traded + run.idle
    beside = [f"{run.idle} idle"] if run.idle else []
    beside += [f"{run.missed} left out"] if run.missed else []
    measured = f"{have} of {all_of_them} ({', '.join(beside)})" if beside else f"{have}"
    if have >= need:
        return Criterion(name, measured, f"{need} or more", Verdict.PASS)
    most = f"idle ones count as at most {settings.run.idle_share:.0%} of them"
    text = most if have < all_of_them else ""
    return Criterion(name, measured, f"{need} or more", Verdict.UNKNOWN, text, need - have)


def _slippage(standing: Standing, settings: GateSettings, fills: int) -> Criterion:
    wanted = settings.paper
    shadows = sum(session.shadows for session in standing.sessions)
    seen = sum(session.slippage for session in standing.sessions)
    model = sum(session.modelled for session in standing.sessions)
    measured = f"{seen:.2f} USD, model {model:.2f}" if shadows else NONE
    required = f"model's and {wanted.slippage_over:.0%}"
    name = "Slippage"
    if shadows < max(fills, wanted.fills):
        lost = fills - shadows
        text = f"{lost} fills have no shadow" if lost > 0 else f"of {shadows} fills, {wanted.fills} tell"
        rate = shadows / len(standing.sessions) if standing.sessions else 0.0
        until = math.ceil((wanted.fills - shadows) / rate) if rate > 0.0 and lost <= 0 else None
        return Criterion(name, measured, required, Verdict.UNKNOWN, text, until)
    return Criterion(name, measured, required, _verdict(seen <= model + abs(model) * wanted.slippage_over))


def looks(sessions: int, first: int) -> tuple[int, int]:
    """Return how many of so many sessions the Sharpe ratio is judged by, and how many the next time.

    It is looked at after ``first`` sessions and then each time their number has doubled. Looked
    at every evening, a ratio without any edge is above 1 on some evening of most years.
    """
    look = first
    while 2 * look <= sessions:
        look *= 2
    return (look, 2 * look) if sessions >= first else (0, first)


def _sharpe(standing: Standing, settings: GateSettings) -> Criterion:
    import pandas as pd

    level = settings.paper.sharpe_above
    look, later = looks(len(standing.sessions), max(settings.paper.sessions, LEAST_DAYS))
    done = standing.sessions[:look]
    name, required = "Sharpe ratio of paper sessions", f"above {level:g}"
    to_go = later - len(standing.sessions)
    if not done:
        return Criterion(name, NONE, required, Verdict.UNKNOWN, f"judged after {later} sessions", to_go)
    ratio, error = sharpe(pd.Series([session.net for session in done], dtype=float), 1.0)
    if not math.isfinite(ratio):
        text = f"under {LEAST_ACTIVE} of {look} sessions with a result; judged again after {later}"
        return Criterion(name, NONE, required, Verdict.UNKNOWN, text, to_go)
    low, high = ratio - TWO_SIDED * error, ratio + TWO_SIDED * error
    days = least_days(ratio, error, look, level)
    shown = "no number of sessions" if math.isinf(days) else f"{math.ceil(days):,} sessions"
    chance = chance_above(ratio, error, level)
    text = f"chance that the true one is: {chance:.0%}; {shown} like these would show it at 95 %"
    measured = f"{ratio:.2f} of {look} (95 %: {low:.1f} to {high:.1f})"
    if ratio > level:
        return Criterion(name, measured, required, Verdict.PASS, text)
    return Criterion(name, measured, required, Verdict.FAIL, f"{text}; judged again after {later}")


def sessions_to_go(rows: tuple[Criterion, ...]) -> int | None:
    """Return after how many sessions all that is unknown can be known, None when that cannot be said."""
    unknown = [row.until for row in rows if row.verdict is Verdict.UNKNOWN]
    told = [until for until in unknown if until is not None]
    return max(told) if unknown and len(told) == len(unknown) else None
