"""The dashboard's pages: each reads what it shows when it is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from analyzers.report.words import usd, words
from engine.journal.queries import Reader
from engine.risk.limits import SHARED
from scripts.board import charts, view
from scripts.board.gate import gate_part
from scripts.board.log import log_page
from scripts.board.replay import replay_page
from scripts.board.table import NUMBERS, figures, show

RECENT = 400  # trades drawn and listed


def now_page(reader: Reader, _: Path) -> None:
    """Show what is held, what is left of the day, what each bot last decided."""
    day = view.day_of(reader, None, datetime.now(UTC))
    if day.day is None:
        st.info(f"The {reader.venue} journal has no session yet. Run `mw rehearse` or `mw paper`.")
        return
    _headline(day)
    _figures(day)
    st.subheader("Open positions")
    if day.positions.empty:
        st.caption("Nothing is held.")
    else:
        show(day.positions.drop(columns="order_ref"))
        if not day.legs.empty:
            with st.expander("Legs", expanded=True):
                show(day.legs)
    st.subheader("Bots")
    if day.bots.empty:
        st.caption("No bot has decided anything on this day.")
    else:
        show(day.bots)
    if not day.market.empty:
        st.subheader("Market")
        left, right = st.columns([3, 2])
        with left:
            show(day.market.dropna(axis=1, how="all"))
        if day.market.range_over_move.notna().any():
            right.altair_chart(charts.ranges(day.market), width="stretch")
    for name, table in (("Halts", day.halts), ("Notes and vetoes", day.notes)):
        if not table.empty:
            st.subheader(name)
            show(table.dropna(axis=1, how="all"))


def _headline(day: view.Day) -> None:
    text = f"**{day.day:%A, %d %B %Y}** · {day.venue} · {day.pulse.text}"
    if day.pulse.late:
        age = "ever" if math.isinf(day.pulse.age) else f"for {day.pulse.age:,.0f} s"
        st.error(f"{text}. No sign of life {age}: see `mw status`, and `mw flatten` if it stays so.")
    else:
        st.markdown(text)


def _figures(day: view.Day) -> None:
    held = len(day.positions)
    cells = [
        ("Equity", usd(day.equity), "USD"),
        ("Closed today", usd(day.realised), f"{day.trades} trade{'s' * (day.trades != 1)}"),
        ("Open now", usd(day.open_pnl), f"{held} position{'s' * (held != 1)}"),
    ]
    for name, (left, cap) in day.budgets.items():
        label = "Day budget left" if name == SHARED else f"{words(name)} budget left"
        cells.append((label, usd(left), f"of {cap:,.0f}"))
    figures(cells)


def decisions_page(reader: Reader, _: Path) -> None:
    """Show why there was, or was not, a trade."""
    days = _days(reader)
    if not days:
        st.info("No decisions are written yet. Run `mw backtest --journal` or `mw rehearse`.")
        return
    day = st.selectbox("Day", days, format_func=lambda one: f"{one:%a %d %b %Y}", key="decision_day")
    runs = reader.runs_of(day)
    whole = st.toggle("All days", key="decision_all")
    span = (None, None) if whole else (day, day)
    counts = reader.reason_counts(reader.history() if whole else runs, *span)
    if counts.empty:
        st.caption("No decision was written on this day.")
        return
    counts["reason"] = counts["reason"].str.replace("_", " ")
    st.altair_chart(charts.reasons(counts), width="stretch")
    bots = sorted(counts.bot.unique())
    bot = st.segmented_control("Bot", bots, default=bots[0], key="decision_bot") or bots[0]
    table = reader.decisions(runs, day)
    table = table[table.bot == bot].drop(columns=["run_id", "seq", "day", "bot", "rules"], errors="ignore")
    table["at"] = view.local_column(table["at"])
    table["reason"] = table["reason"].astype(str).str.replace("_", " ")
    show(table.dropna(axis=1, how="all"), height=330)
    last = reader.last_decisions(runs, bot, 1)
    if last:
        st.subheader(f"Newest decision of {bot}, {view.local(last[0]['at']):%H:%M}")
        st.markdown(f"**{words(last[0]['reason'])}** {last[0]['combo']} {last[0]['text']}")
        show(view.rules(last[0]))


def results_page(reader: Reader, _: Path) -> None:
    """Show the account by day and every finished trade."""
    runs = reader.history()
    days = reader.equity_by_day(runs)
    if days.empty:
        st.info("No trade has been closed yet.")
        return
    days["drawdown"] = view.drawdown(days.equity)
    figures(
        [
            ("Equity", usd(days.equity.iloc[-1]), "USD"),
            ("Net", usd(days.net.sum()), f"{int(days.trades.sum()):,} trades"),
            ("Fees", usd(days.fees.sum()), "paid"),
            ("Deepest fall", usd(days.drawdown.min()), "by day"),
        ]
    )
    st.altair_chart(charts.equity(days), width="stretch")
    trades = reader.trades(runs)
    recent = trades.tail(RECENT)
    recent = recent.assign(**{name: view.local_column(recent[name]) for name in ("entry_time", "exit_time")})
    st.altair_chart(charts.results(recent), width="stretch")
    if len(trades) > RECENT:
        st.caption(f"The newest {RECENT} of {len(trades):,} trades are drawn and listed.")
    for title, by in (("By bot", "bot"), ("By exit", "exit_reason")):
        st.subheader(title)
        show(view.results(trades, by))
    st.subheader("Trades")
    names = ["bot", "symbol", "legs", "quantity", "entry_time", "exit_time", "exit_reason", *NUMBERS]
    show(recent.iloc[::-1][[name for name in names if name in recent]], height=360)


def sessions_page(reader: Reader, _: Path) -> None:
    """Show sessions and how far each bot has come on the ramp."""
    gate_part()
    rows = reader.sessions(60)
    st.subheader("Sessions")
    if not rows:
        st.caption("No session has been written yet.")
        return
    marks = {row["day"]: row for row in reversed(reader.daily_marks())}
    table = pd.DataFrame(
        [
            {
                "day": row["day"],
                "how": row["how"].replace("_", " ") or ("open" if row["ended"] is None else "ended"),
                "started": row["started"],
                "ended": row["ended"],
                **{name: marks.get(row["day"], {}).get(name) for name in ("trades", "net", "compliant")},
            }
            for row in rows
        ]
    )
    for name in ("started", "ended"):
        table[name] = view.local_column(table[name])
    show(table.dropna(axis=1, how="all"))


def _days(reader: Reader) -> list[date]:
    return list(dict.fromkeys(row["day"] for row in reader.sessions(2000)))


Page = Callable[[Reader, Path], None]
PAGES: Mapping[str, Page] = {
    "Now": now_page,
    "Decisions": decisions_page,
    "Results": results_page,
    "Sessions": sessions_page,
    "Day": lambda reader, _: replay_page(reader, _days(reader)),
    "Log": log_page,
}
