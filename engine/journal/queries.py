"""The journal read back, over connections that cannot write; every query stands on an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Select, and_, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from engine.errors import JournalError
from engine.journal.database import connect, parse, where, why
from engine.journal.tables import (
    DailyRow,
    DecisionRow,
    EventRow,
    FillRow,
    GateRow,
    HaltRow,
    HeartbeatRow,
    MarkRow,
    MetaRow,
    NoteRow,
    OrderRow,
    PositionRow,
    ReasonRow,
    ReconciliationRow,
    RunRow,
    SessionRow,
    SlippageRow,
    StateRow,
    TicketRow,
    TradeRow,
)

if TYPE_CHECKING:
    import pandas as pd

Runs = Sequence[int]
Row = dict[str, Any]


class Reader:
    """Answer questions about a journal. Times come back aware, in UTC; money in USD.

    A question about ``runs`` takes run numbers, as `history` and `runs_of` give them: a day
    on which the session was restarted has several.

    Parameters
    ----------
    place : str or Path
        File or URL.

    Raises
    ------
    JournalError
        There is no journal, or it cannot be read.
    """

    def __init__(self, place: str | Path) -> None:
        url = parse(place)
        self.place = where(url)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
            raise JournalError(f"journal {self.place}: no such file, expected one that a run has written")
        self.engine = connect(url, read_only=True)
        if not self._has_tables():
            raise JournalError(f"journal {self.place}: is empty, expected one that a run has written")
        self.venue = str(self._scalar(select(MetaRow.value).where(MetaRow.name == "venue")))

    def _has_tables(self) -> bool:
        try:
            with self.engine.connect() as connection:
                return inspect(connection).has_table("runs")
        except SQLAlchemyError as error:
            raise self._unread(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()

    # asking --------------------------------------------------------------------------

    def rows(self, query: Select[*tuple[Any, ...]]) -> list[Row]:
        """Return a query's rows as mappings.

        Raises
        ------
        JournalError
            The database does not answer.
        """
        try:
            with self.engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]
        except SQLAlchemyError as error:
            raise self._unread(error) from None

    def _unread(self, error: Exception) -> JournalError:
        return JournalError(f"journal {self.place}: cannot be read: {why(error)}")

    def _first(self, query: Select[*tuple[Any, ...]]) -> Row | None:
        found = self.rows(query.limit(1))
        return found[0] if found else None

    def _scalar(self, query: Select[*tuple[Any, ...]]) -> Any:
        found = self._first(query)
        return None if found is None else next(iter(found.values()))

    def _table(self, query: Select[*tuple[Any, ...]]) -> pd.DataFrame:
        import pandas as pd

        try:
            with self.engine.connect() as connection:
                held = connection.execute(query)
                return pd.DataFrame([tuple(row) for row in held], columns=list(held.keys()))
        except SQLAlchemyError as error:
            raise self._unread(error) from None

    # runs and sessions ---------------------------------------------------------------

    def runs(self, kind: str | None = None, limit: int = 50) -> list[Row]:
        """Return runs, the newest first."""
        query = select(RunRow.__table__).order_by(RunRow.id.desc()).limit(limit)
        return self.rows(query if kind is None else query.where(RunRow.kind == kind))

    def latest_run(self, kind: str | None = None) -> Row | None:
        """Return the newest run."""
        found = self.runs(kind, 1)
        return found[0] if found else None

    def run(self, number: int) -> Row:
        """Return a run by its number.

        Raises
        ------
        JournalError
            There is none.
        """
        found = self._first(select(RunRow.__table__).where(RunRow.id == number))
        if found is None:
            raise JournalError(f"journal {self.place}: got run {number}, expected one it holds")
        return found

    def history(self) -> tuple[int, ...]:
        """Return the runs that are one account's history: the newest backtest, or all sessions."""
        if self.venue == "backtest":
            run = self.latest_run("backtest")
            return () if run is None else (run["id"],)
        return tuple(
            row["id"]
            for row in self.rows(select(RunRow.id).where(RunRow.kind == "session").order_by(RunRow.id))
        )

    def sessions(self, limit: int = 50) -> list[Row]:
        """Return trading sessions, the newest first."""
        newest = select(SessionRow.__table__).order_by(SessionRow.day.desc(), SessionRow.started.desc())
        return self.rows(newest.limit(limit))

    def latest_day(self) -> date | None:
        """Return the newest day with a session."""
        found = self.sessions(1)
        return found[0]["day"] if found else None

    def runs_of(self, day: date) -> tuple[int, ...]:
        """Return the runs that traded on a day, in order."""
        query = select(SessionRow.run_id).where(SessionRow.day == day).order_by(SessionRow.started)
        return tuple(row["run_id"] for row in self.rows(query))

    def sessions_of(self, day: date) -> list[Row]:
        """Return the sessions of a day, one a run, in order."""
        return self.rows(
            select(SessionRow.__table__).where(SessionRow.day == day).order_by(SessionRow.started)
        )

    # what a restart needs --------------------------------------------------------------

    def state(self, day: date) -> Row | None:
        """Return the newest governor's state of a day."""
        newest = (StateRow.at.desc(), StateRow.run_id.desc(), StateRow.seq.desc())
        return self._first(select(StateRow.__table__).where(StateRow.day == day).order_by(*newest))

    def last_tickets(self, bots: Sequence[str]) -> dict[str, Row]:
        """Return by bot its newest ticket, open or not."""
        found: dict[str, Row] = {}
        for bot in bots:
            newest = (TicketRow.at.desc(), TicketRow.run_id.desc(), TicketRow.seq.desc())
            row = self._first(select(TicketRow.__table__).where(TicketRow.bot == bot).order_by(*newest))
            if row is not None:
                found[bot] = row
        return found

    def open_tickets(self, bots: Sequence[str]) -> dict[str, Row]:
        """Return by bot the ticket it had open last, without those that had none."""
        return {bot: row for bot, row in self.last_tickets(bots).items() if row["open"]}

    def exec_ids(self, day: date) -> set[str]:
        """Return the execution ids journalled on a day, by whichever run."""
        runs = self.runs_of(day)
        query = select(FillRow.exec_id).where(FillRow.run_id.in_(runs), FillRow.day == day)
        return {row["exec_id"] for row in self.rows(query)}

    # what is held, what was decided ------------------------------------------------------

    def open_positions(self, runs: Runs) -> list[Row]:
        """Return the newest position of every order reference that is not flat."""
        newest = (
            select(PositionRow.order_ref, func.max(PositionRow.run_id).label("run_id"))
            .where(PositionRow.run_id.in_(runs))
            .group_by(PositionRow.order_ref)
            .subquery()
        )
        last = (
            select(PositionRow.run_id, func.max(PositionRow.seq).label("seq"))
            .join(
                newest,
                and_(newest.c.order_ref == PositionRow.order_ref, newest.c.run_id == PositionRow.run_id),
            )
            .group_by(PositionRow.run_id, PositionRow.order_ref)
            .subquery()
        )
        held = (
            select(PositionRow.__table__)
            .join(last, and_(last.c.run_id == PositionRow.run_id, last.c.seq == PositionRow.seq))
            .where(PositionRow.quantity != 0)
            .order_by(PositionRow.at)
        )
        return self.rows(held)

    def last_decisions(self, runs: Runs, bot: str, limit: int = 20) -> list[Row]:
        """Return a bot's newest decisions, the newest first, with every rule's value and verdict."""
        if not runs:
            return []
        found: list[Row] = []
        for run in sorted(runs, reverse=True):
            of = select(DecisionRow.__table__).where(DecisionRow.run_id == run, DecisionRow.bot == bot)
            found += self.rows(of.order_by(DecisionRow.at.desc()).limit(limit - len(found)))
            if len(found) >= limit:
                break
        return found

    def reason_counts(self, runs: Runs, first: date | None = None, last: date | None = None) -> pd.DataFrame:
        """Return bot, reason, count over the runs, or over the days asked for, the commonest first."""
        if first is None and last is None:
            count = func.sum(ReasonRow.count).label("count")
            query = select(ReasonRow.bot, ReasonRow.reason, count).where(ReasonRow.run_id.in_(runs))
            query = query.where(ReasonRow.count > 0).group_by(ReasonRow.bot, ReasonRow.reason)
            return self._table(query.order_by(count.desc(), ReasonRow.bot, ReasonRow.reason))
        count = func.count().label("count")
        query = select(DecisionRow.bot, DecisionRow.reason, count).where(DecisionRow.run_id.in_(runs))
        query = _between(query, DecisionRow, first, last).group_by(DecisionRow.bot, DecisionRow.reason)
        return self._table(query.order_by(count.desc(), DecisionRow.bot, DecisionRow.reason))

    def decisions(self, runs: Runs, day: date) -> pd.DataFrame:
        """Return all decisions of a day with their measures as columns, in order."""
        query = select(DecisionRow.__table__).where(DecisionRow.run_id.in_(runs), DecisionRow.day == day)
        return measured(self._table(query.order_by(DecisionRow.at, DecisionRow.bot)))

    # trades and money ------------------------------------------------------------------

    def trades(
        self, runs: Runs, first: date | None = None, last: date | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return finished trades in the order of their exits; with a limit the newest ones."""
        query = _between(select(TradeRow.__table__).where(TradeRow.run_id.in_(runs)), TradeRow, first, last)
        if limit is not None:
            backwards = (TradeRow.day.desc(), TradeRow.at.desc(), TradeRow.run_id.desc(), TradeRow.seq.desc())
            newest = self._table(query.order_by(*backwards).limit(limit))
            return newest.iloc[::-1].reset_index(drop=True)
        return self._table(query.order_by(TradeRow.day, TradeRow.at, TradeRow.run_id, TradeRow.seq))

    def equity_by_day(self, runs: Runs) -> pd.DataFrame:
        """Return day, trades, gross, fees, net of every day with a trade, and equity at its end.

        Equity is the cash of `start_cash` plus all net results so far.
        """
        sums = [func.sum(getattr(TradeRow, name)).label(name) for name in ("gross", "fees", "net")]
        query = (
            select(TradeRow.day, func.count().label("trades"), *sums)
            .where(TradeRow.run_id.in_(runs))
            .group_by(TradeRow.day)
            .order_by(TradeRow.day)
        )
        table = self._table(query)
        table["equity"] = self.start_cash(runs) + table["net"].cumsum()
        return table

    def start_cash(self, runs: Runs) -> float:
        """Return what the first of the runs started with, else what its settings say an account has."""
        columns = (RunRow.start_cash, RunRow.settings)
        first = self._first(select(*columns).where(RunRow.id.in_(runs)).order_by(RunRow.id))
        if first is None:
            return 0.0
        if first["start_cash"] is not None:
            return float(first["start_cash"])
        return float(first["settings"].get("account", {}).get("cash", 0.0))

    def daily_marks(self, limit: int = 400) -> list[Row]:
        """Return sessions' results, the newest first; of a day judged twice, the later one first."""
        newest = (DailyRow.day.desc(), DailyRow.run_id.desc(), DailyRow.seq.desc())
        return self.rows(select(DailyRow.__table__).order_by(*newest).limit(limit))

    def latest_mark(self, runs: Runs) -> Row | None:
        """Return the newest mark: equity, open combos, market."""
        newest = (MarkRow.run_id.desc(), MarkRow.seq.desc())
        return self._first(select(MarkRow.__table__).where(MarkRow.run_id.in_(runs)).order_by(*newest))

    def marks(self, runs: Runs, day: date) -> list[Row]:
        """Return a day's marks in order."""
        of = select(MarkRow.__table__).where(MarkRow.run_id.in_(runs), MarkRow.day == day)
        return self.rows(of.order_by(MarkRow.at))

    def fills(self, runs: Runs, day: date | None = None, trade_id: int | None = None) -> pd.DataFrame:
        """Return fills of a day or of a trade."""
        query = select(FillRow.__table__).where(FillRow.run_id.in_(runs))
        query = _between(query, FillRow, day, day)
        if trade_id is not None:
            query = query.where(FillRow.trade_id == trade_id)
        return self._table(query.order_by(FillRow.run_id, FillRow.seq))

    def orders(self, runs: Runs, day: date | None = None, order_ref: str | None = None) -> pd.DataFrame:
        """Return the state changes of a day's orders or of one order."""
        query = _between(select(OrderRow.__table__).where(OrderRow.run_id.in_(runs)), OrderRow, day, day)
        if order_ref is not None:
            query = query.where(OrderRow.order_ref == order_ref)
        return self._table(query.order_by(OrderRow.run_id, OrderRow.seq))

    # what happened beside ----------------------------------------------------------------

    def events(self, table: type[EventRow], runs: Runs, day: date) -> list[Row]:
        """Return a day's rows of any table of events, in order."""
        of = select(table.__table__).where(table.run_id.in_(runs), table.day == day)
        return self.rows(of.order_by(table.run_id, table.seq))

    def through(self, table: type[EventRow], runs: Runs, day: date) -> pd.DataFrame:
        """Return all rows of a table of events through a day, in order."""
        of = select(table.__table__).where(table.run_id.in_(runs), table.day <= day)
        return self._table(of.order_by(table.run_id, table.seq))

    def halts(self, runs: Runs, day: date) -> list[Row]:
        """Return a day's halts."""
        return self.events(HaltRow, runs, day)

    def reconciliations(self, runs: Runs, day: date) -> list[Row]:
        """Return a day's reconciliations."""
        return self.events(ReconciliationRow, runs, day)

    def slippage(self, runs: Runs, day: date) -> list[Row]:
        """Return the quotes around a day's fills."""
        return self.events(SlippageRow, runs, day)

    def latest_heartbeat(self, runs: Runs) -> Row | None:
        """Return the newest sign of life."""
        newest = (HeartbeatRow.run_id.desc(), HeartbeatRow.seq.desc())
        query = select(HeartbeatRow.__table__).where(HeartbeatRow.run_id.in_(runs))
        return self._first(query.order_by(*newest))

    def notes(self, day: date) -> list[Row]:
        """Return a day's notes and vetoes in order."""
        return self.rows(select(NoteRow.__table__).where(NoteRow.day == day).order_by(NoteRow.at))

    def vetoes(self, at: datetime, day: date) -> list[Row]:
        """Return the vetoes given on a day that hold at a time."""
        of = select(NoteRow.__table__).where(NoteRow.day == day, NoteRow.kind == "veto", NoteRow.at <= at)
        return self.rows(of.where((NoteRow.until.is_(None)) | (NoteRow.until > at)).order_by(NoteRow.at))

    def gate_events(self) -> list[Row]:
        """Return the gate's chain, as it was written."""
        return self.rows(select(GateRow.__table__).order_by(GateRow.run_id, GateRow.seq))


def measured(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return decisions with a column for every measure instead of one for all."""
    import pandas as pd

    rest = decisions.drop(columns="measures")
    measures = pd.DataFrame(list(decisions["measures"]), index=decisions.index)
    return rest.join(measures.rename(columns={name: f"{name}_measured" for name in rest}))


def _between(
    query: Select[*tuple[Any, ...]], table: type[EventRow], first: date | None, last: date | None
) -> Select[Any]:
    if first is not None:
        query = query.where(table.day >= first)
    return query if last is None else query.where(table.day <= last)
