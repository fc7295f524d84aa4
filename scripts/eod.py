"""``mw eod``: a session's report, its row of figures, the gate's verdict, and the summary that is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from loguru import logger

from analyzers.analysis import Analysis, analyze
from analyzers.report.words import several
from analyzers.result import RunResult, save
from engine.errors import GateError, JournalError
from engine.gate.session_end import Ending
from engine.journal.alerts.alerts import Alerts
from engine.journal.alerts.services import Service, services
from engine.journal.database import open_journal
from engine.journal.queries import Reader, measured
from engine.journal.records import DailyMark
from engine.journal.rows import TABLES
from engine.journal.secrets import load
from engine.journal.tables import DecisionRow, MarkRow
from engine.journal.writing import Writer
from engine.settings import Settings
from scripts.frames import EVENTS, typed
from scripts.gate_session import judge_session, show, verdicts
from scripts.journal import new_run
from scripts.progress import shown
from scripts.told import console_of, print_json

SESSIONS = 100_000  # more than any history has
_OF_THE_DAY = {"open": "first", "high": "max", "low": "min", "close": "last"}


@dataclass(frozen=True, slots=True)
class EodRequest:
    """A session to be judged.

    Parameters
    ----------
    config : Path
        Folder of the settings.
    settings : Settings
    place : str
        The venue's journal.
    venue : str
    out : Path
        Folder under which the report's own folder is made.
    day : date, optional
        By default the newest with a session.
    as_json : bool
        Print for a program instead of tables.
    """

    config: Path
    settings: Settings
    place: str
    venue: str
    out: Path
    day: date | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Compliance:
    """The gate's verdict on a day; ``compliant`` None when it gave none, ``text`` says why."""

    compliant: bool | None
    text: str


def run(request: EodRequest, reached: Sequence[Service] | None = None) -> Path:
    """Judge a session and return the folder of its report.

    The report covers the account's history through the day. The summary goes to ``reached``, by
    default to the services the environment names; a rehearsal tells nobody.

    Raises
    ------
    JournalError
        There is no such journal, or no session on that day.
    """
    console = console_of(request.as_json)
    with shown(console, "Judging the session"), Reader(request.place) as reader:
        day = request.day or reader.latest_day()
        if day is None or not reader.runs_of(day):
            when = f"on {day}" if day else "yet"
            raise JournalError(f"eod: {reader.place} has no session {when}, expected one")
        result = history_result(reader, day)
        analysis = analyze(result)
        endings, verdict = judged(request, day)
        mark = daily_mark(reader, day, result, analysis, verdict)
    with shown(console, "Writing the report"):
        folder = save(result, analysis, None, request.out)
    _keep(request, mark)
    _send(request, mark, reached)
    if request.as_json:
        print_json(asdict(mark) | {"report": str(folder / "report.html")} | verdicts(endings))
        return folder
    show(endings)
    console.print(mark.text, highlight=False, soft_wrap=True)
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
    return folder


def _keep(request: EodRequest, mark: DailyMark) -> None:
    engine = open_journal(request.place, request.venue)
    try:
        with Writer(engine, new_run("eod", request.venue, request.settings)) as writer:
            writer.write(mark)
    finally:
        engine.dispose()


def _send(request: EodRequest, mark: DailyMark, reached: Sequence[Service] | None) -> None:
    settings = request.settings.alerts
    if reached is None:
        reached = services(load(), settings.timeout_seconds) if request.venue != "rehearsal" else []
    with closing(Alerts(settings, reached)) as alerts:
        alerts.record(mark)


def judged(request: EodRequest, day: date) -> tuple[dict[str, Ending], Compliance]:
    """Return the gate's verdict on every bot of a day, which the gate keeps, and on the day as a whole."""
    try:
        endings = judge_session(request.config, request.settings, request.place, request.venue, day)
    except (GateError, JournalError) as error:
        logger.warning("eod: the gate gave no verdict: {}", error)
        return {}, Compliance(None, f"no verdict, {error}")
    if not endings:
        return {}, Compliance(None, "no verdict, no bot had a session")
    told = [
        f"{bot}: {name}, {why}" for bot, end in endings.items() for name, why in end.verdict.failed.items()
    ]
    return endings, Compliance(not told, "; ".join(told) or "all kept")


def history_result(reader: Reader, day: date) -> RunResult:
    """Return all sessions of the account through a day as one run."""
    runs = reader.history()
    last = reader.run(reader.runs_of(day)[-1])
    days = sorted({row["day"] for row in reader.sessions(SESSIONS) if row["day"] <= day})
    tables = {
        name: typed(reader.through(TABLES[kind], runs, day)[list(kind.__dataclass_fields__)])
        for name, kind in EVENTS.items()
    }
    created = datetime.now(UTC)
    return RunResult(
        run_id=f"{reader.venue}-{day:%Y%m%d}-{created:%H%M%S}",
        created=created,
        command=last["command"],
        git_commit=last["git_commit"],
        config_digest=last["config_hash"],
        seed=None,
        settings=last["settings"],
        inputs={},
        data_notes=(),
        assumptions=(),
        sessions=tuple(days),
        start_cash=reader.start_cash(runs),
        decisions=_decisions(measured(reader.through(DecisionRow, runs, day))),
        market=_market(reader.through(MarkRow, runs, day)),
        synthetic=False,
        timings={},
        venue=reader.venue,
        **tables,
    )


def _decisions(table: pd.DataFrame) -> pd.DataFrame:
    """Return decisions as a run's result has them: time, bot, symbol, reason, combo, credit, measures."""
    table = table.rename(columns={"at": "time"}).drop(columns=["run_id", "seq", "day", "rules", "text"])
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return table


def _market(marks: pd.DataFrame) -> pd.DataFrame:
    """Return the days of the first symbol that was marked, as far as marks tell of it."""
    rows = []
    for day, market in zip(marks["day"], marks["market"], strict=True):
        first: Mapping[str, Any] = next(iter(market.values()), {})
        if first.get("price") is not None:
            rows.append((pd.Timestamp(day), first["price"], first.get("vix")))
    table = pd.DataFrame(rows, columns=["date", "price", "vix"]).astype({"price": float, "vix": float})
    days = table.groupby("date")
    prices = {name: days["price"].agg(how) for name, how in _OF_THE_DAY.items()}
    return pd.DataFrame({**prices, "vix": days["vix"].last()}).reset_index()


def daily_mark(
    reader: Reader, day: date, result: RunResult, analysis: Analysis, verdict: Compliance
) -> DailyMark:
    """Return a day's row: its sums, the figures of the history so far, and the summary in words."""
    runs = reader.runs_of(day)
    trades = reader.trades(reader.history(), day, day)
    sums = {name: round(float(trades[name].sum()), 2) for name in ("net", "gross", "fees", "slippage")}
    reasons = reader.reason_counts(runs, day, day)
    halts = reader.halts(runs, day)
    equity = result.start_cash + float(result.trades["net"].sum())
    lines = [
        f"{reader.venue} {day}: {sums['net']:+.2f} USD, {len(trades)} trades, fees {sums['fees']:.2f} USD",
        *(
            f"{row['bot']} {row['symbol']}: {row['exit_reason']}, {row['net']:+.2f} USD"
            for row in trades.to_dict("records")
        ),
        f"Equity {equity:,.2f} USD after {several(len(result.sessions), 'session')}.",
        *(f"Halt {row['reason']}: {row['text']}" for row in halts),
        "Decisions: " + (", ".join(_counted(reasons)) or "none"),
        f"Rules: {verdict.text}.",
    ]
    return DailyMark(
        at=datetime.now(UTC),
        day=day,
        equity=round(equity, 2),
        **sums,
        trades=len(trades),
        decisions=int(reasons["count"].sum()),
        halts=len(halts),
        compliant=verdict.compliant,
        figures=analysis.to_summary()["total"],
        text="\n".join(lines),
    )


def _counted(reasons: pd.DataFrame) -> list[str]:
    totals = reasons.groupby("reason")["count"].sum().sort_values(ascending=False)
    return [f"{reason} {count}" for reason, count in totals.items()]
