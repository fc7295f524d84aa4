"""What the dashboard shows of a journal, as values: no page, no colour, so that figures can be tested."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import select

from engine.journal.queries import Reader, Row
from engine.journal.tables import SessionRow
from engine.reasons import Reason
from engine.risk.limits import SHARED

NEW_YORK = "America/New_York"
LATE = 150.0  # seconds without a heartbeat, which comes every minute
REAL = ("paper", "live")  # venues on the wall's clock


@dataclass(frozen=True)
class Pulse:
    """Whether anybody is at work: a session's state and the age of its last sign of life, seconds.

    The age is NaN where the session's clock is not the wall's: in a backtest or a rehearsal.
    """

    state: str
    age: float
    text: str

    @property
    def late(self) -> bool:
        """True for a session that ought to have said something by now."""
        return self.state not in ("", "ended") and self.age > LATE


@dataclass(frozen=True)
class Day:
    """One day of one venue, as far as the journal knows it; money in USD, NaN for not known.

    ``budgets`` has by name what is left and the cap; ``positions`` one row an open combo and ``legs``
    one a leg; ``bots`` one row a bot with its newest decision; ``market`` one row a symbol.
    """

    venue: str
    day: date | None
    runs: tuple[int, ...]
    pulse: Pulse
    equity: float
    realised: float
    open_pnl: float
    trades: int
    budgets: Mapping[str, tuple[float, float]]
    positions: pd.DataFrame
    legs: pd.DataFrame
    bots: pd.DataFrame
    market: pd.DataFrame
    halts: pd.DataFrame
    notes: pd.DataFrame


POSITION = ("bot", "symbol", "combo", "quantity", "credit", "mark", "delta", "pnl", "r", "order_ref")
LEG = ("order_ref", "instrument", "quantity", "mark", "delta")
MARKET = ("symbol", "price", "vix", "iv_rank", "expected_move", "range", "range_over_move", "crowding")


def day_of(reader: Reader, day: date | None, now: datetime) -> Day:
    """Return what is known of a day, the newest by default.

    Parameters
    ----------
    reader : Reader
    day : date, optional
    now : datetime, aware
        To tell the age of the last sign of life.
    """
    day = reader.latest_day() if day is None else day
    runs = reader.runs_of(day) if day is not None else ()
    if day is None or not runs:
        nothing = pd.DataFrame()
        none = Pulse("", math.inf, "no session has been written yet")
        nan = math.nan
        return Day(reader.venue, day, (), none, nan, nan, nan, 0, {}, *[nothing] * 6)
    mark = _mark(reader, runs, day)
    trades = reader.trades(runs, day, day)
    positions = _positions(reader, runs, mark)
    return Day(
        venue=reader.venue,
        day=day,
        runs=runs,
        pulse=pulse(reader, runs, day, now),
        equity=_number(mark.get("equity")) if mark else _equity(reader, day),
        realised=float(trades["net"].sum()),
        open_pnl=_number(mark.get("open_pnl")) if mark else (0.0 if positions.empty else math.nan),
        trades=len(trades),
        budgets=budgets(reader, runs, mark, trades),
        positions=positions,
        legs=_legs(mark, positions),
        bots=_bots(reader, runs, positions, day),
        market=_market(mark),
        halts=_table(reader.halts(runs, day), ("at", "symbol", "reason", "text")),
        notes=_table(reader.notes(day), ("at", "source", "kind", "bot", "symbol", "text", "until")),
    )


def pulse(reader: Reader, runs: Sequence[int], day: date, now: datetime) -> Pulse:
    """Return a session's state from its newest row and its last sign of life."""
    of = select(SessionRow.__table__).where(SessionRow.day == day, SessionRow.run_id.in_(runs))
    session = next(iter(reader.rows(of.order_by(SessionRow.started.desc()).limit(1))), None)
    beat = reader.latest_heartbeat(runs)
    seen = beat["at"] if beat else (session or {}).get("started")
    age = (now - seen).total_seconds() if seen is not None else math.inf
    if reader.venue not in REAL:
        age = math.nan
    if session is not None and session["ended"] is not None:
        how = str(session["how"]).replace("_", " ")
        return Pulse("ended", age, f"ended {local(session['ended']):%H:%M}" + (f", {how}" if how else ""))
    if beat is None:
        return Pulse("started", age, "started, no sign of life yet")
    return Pulse(str(beat["state"]), age, f"{beat['state']}, pid {beat['pid']}, version {beat['version']}")


def budgets(
    reader: Reader, runs: Sequence[int], mark: Row | None, trades: pd.DataFrame
) -> dict[str, tuple[float, float]]:
    """Return by budget what is left of the day and its cap, USD.

    Without a mark what is left is the cap less the day's losses: gains buy nothing back.
    """
    risk = settings(reader, runs).get("risk", {})
    own = risk.get("budgets", {})
    caps = {SHARED: risk.get("day_cap", math.nan), **{name: held["day_cap"] for name, held in own.items()}}
    left = {}
    for name, cap in caps.items():
        mine = trades[~trades.bot.isin(list(own)) if name == SHARED else trades.bot == name]
        left[name] = cap + float(mine["net"].clip(upper=0.0).sum())
    left |= {name: _number(value) for name, value in (mark["budget_left"] if mark else {}).items()}
    return {name: (left[name], float(cap)) for name, cap in caps.items()}


def settings(reader: Reader, runs: Sequence[int]) -> Mapping[str, Any]:
    """Return the settings the newest of some runs was made with."""
    run = next((row for row in reader.runs() if row["id"] in runs), None)
    return run["settings"] if run else {}


def _mark(reader: Reader, runs: Sequence[int], day: date) -> Row | None:
    mark = reader.latest_mark(runs)
    return mark if mark is not None and mark["day"] == day else None


def _equity(reader: Reader, day: date) -> float:
    table = reader.equity_by_day(reader.history())
    known = table[table.day <= day]
    return float(known.equity.iloc[-1]) if len(known) else math.nan


def _positions(reader: Reader, runs: Sequence[int], mark: Row | None) -> pd.DataFrame:
    """Return the open combos, as marked where there is a mark of them."""
    marked = {combo["order_ref"]: combo for combo in (mark["combos"] if mark else [])}
    rows = [{**row, **marked.get(row["order_ref"], {})} for row in reader.open_positions(runs)]
    return pd.DataFrame([{name: row.get(name) for name in POSITION} for row in rows], columns=list(POSITION))


def _legs(mark: Row | None, positions: pd.DataFrame) -> pd.DataFrame:
    held = set(positions.order_ref)
    rows = [
        {"order_ref": combo["order_ref"], **dict(zip(LEG[1:], leg, strict=True))}
        for combo in (mark["combos"] if mark else [])
        if combo["order_ref"] in held
        for leg in combo.get("legs", [])
    ]
    return pd.DataFrame(rows, columns=list(LEG))


def _bots(reader: Reader, runs: Sequence[int], positions: pd.DataFrame, day: date) -> pd.DataFrame:
    rows = []
    entered = reader.reason_counts(runs, day, day)
    for bot in settings(reader, runs).get("bots", {}):
        last = reader.last_decisions(runs, bot, 1)
        if not last or last[0]["day"] != day:
            continue
        holds = bot in set(positions.bot)
        taken = entered[(entered.bot == bot) & (entered.reason == str(Reason.ENTERED))]["count"].sum()
        rows.append(
            {
                "bot": bot,
                "state": "holds a trade" if holds else "flat",
                "entries": int(taken),
                "last decision": local(last[0]["at"]),
                "reason": last[0]["reason"].replace("_", " "),
                "combo": last[0]["combo"],
            }
        )
    return pd.DataFrame(rows)


def _market(mark: Row | None) -> pd.DataFrame:
    rows = []
    for symbol, known in (mark["market"] if mark else {}).items():
        row = {name: _number(known.get(name)) for name in MARKET[1:]} | {"symbol": symbol}
        if row["expected_move"] > 0:
            row["range_over_move"] = row["range"] / row["expected_move"]
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MARKET))


def rules(decision: Row) -> pd.DataFrame:
    """Return a decision's rules with their verdicts, and its measures with their values."""
    judged = [
        {"what": name.replace("_", " "), "value": "passes" if passes else "refuses"}
        for name, passes in decision["rules"].items()
    ]
    seen = [
        {"what": name.replace("_", " "), "value": _short(value)}
        for name, value in decision["measures"].items()
    ]
    return pd.DataFrame(judged + seen, columns=["what", "value"])


def drawdown(equity: pd.Series) -> pd.Series:
    """Return the fall of an account from its highest value so far, USD, never above zero."""
    return equity - equity.cummax()


def results(trades: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return trades, wins, net, fees and mean net of the groups of finished trades, USD."""
    if trades.empty:
        return pd.DataFrame(columns=[by, "trades", "won", "net", "fees", "mean"])
    grouped = trades.groupby(by, sort=True)
    table = grouped.agg(
        trades=("net", "size"), net=("net", "sum"), fees=("fees", "sum"), mean=("net", "mean")
    )
    table.insert(1, "won", grouped["net"].agg(lambda net: float((net > 0).mean())))
    return table.reset_index().sort_values("trades", ascending=False)


def path(marks: Sequence[Row], symbol: str) -> pd.DataFrame:
    """Return a day's marks as time, price, equity, open P&L; of one symbol's price."""
    rows = [
        {
            "time": local(mark["at"]),
            "price": _number(mark["market"].get(symbol, {}).get("price")),
            "open_pnl": _number(mark["open_pnl"]),
            "equity": _number(mark["equity"]),
        }
        for mark in marks
    ]
    return pd.DataFrame(rows, columns=["time", "price", "open_pnl", "equity"])


def local(at: datetime) -> pd.Timestamp:
    """Return an instant as New York wall time without zone, as a chart's axis wants it."""
    return pd.Timestamp(at).tz_convert(NEW_YORK).tz_localize(None)


def local_column(times: pd.Series) -> pd.Series:
    """Return instants as New York wall times without zone."""
    return pd.to_datetime(times, utc=True).dt.tz_convert(NEW_YORK).dt.tz_localize(None)


def _table(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame([{name: row[name] for name in names} for row in rows], columns=list(names))
    for name in ("at", "until"):
        if name in table:
            table[name] = local_column(table[name])
    return table


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _short(value: Any) -> str:
    return "not known" if value is None or value != value else f"{value:.4g}"
