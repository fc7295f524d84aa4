"""The page that replays a day: price, strikes while they were held, entries, exits, halts."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from analyzers.report.words import usd, words
from engine.journal.queries import Reader
from scripts.board import charts, view
from scripts.board.table import show
from scripts.pine import strikes


def replay_page(reader: Reader, days: list[date]) -> None:
    """Show a day up to a chosen minute."""
    if not days:
        st.info("No day is written yet. Run `mw backtest --journal` or `mw rehearse`.")
        return
    left, right = st.columns(2)
    day = left.selectbox("Day", days, format_func=lambda one: f"{one:%a %d %b %Y}", key="replay_day")
    runs = reader.runs_of(day)
    trades, marks, table = reader.trades(runs, day, day), reader.marks(runs, day), reader.decisions(runs, day)
    known = sorted({*trades.symbol, *table.symbol, *(name for mark in marks for name in mark["market"])})
    if not known:
        st.caption("Nothing was decided and nothing traded on this day.")
        return
    traded = [symbol for symbol in known if symbol in set(trades.symbol)]
    first = known.index(traded[0]) if traded else 0
    symbol = right.selectbox("Symbol", known, first, key="replay_symbol")
    path = view.path(marks, symbol)
    if path.empty or path.price.isna().all():
        path = prices(table, trades, symbol)
    start, stop = (pd.Timestamp(f"{day} {clock}") for clock in ("09:30", "16:00"))
    until = st.slider(
        "Until", start.to_pydatetime(), stop.to_pydatetime(), stop.to_pydatetime(), format="HH:mm"
    )
    mine = trades[trades.symbol == symbol]
    events = happened(mine, view.day_of(reader, day, stop.tz_localize(view.NEW_YORK)).halts)
    path = path[path.time <= until]
    events = events[events.time <= until]
    held = lines(mine, pd.Timestamp(until))
    st.altair_chart(charts.replay(path, held, events), width="stretch")
    if path.open_pnl.notna().any():
        st.altair_chart(charts.open_pnl(path), width="stretch")
    closed = mine[view.local_column(mine.exit_time) <= until]
    st.caption(f"{len(closed)} trades closed by {until:%H:%M}, net {usd(closed.net.sum())} USD")
    show(events.drop(columns="price"))


def prices(decisions: pd.DataFrame, trades: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Return what a journal without marks knows of a symbol's price: at decisions and trades."""
    rows = [
        *((row.entry_time, row.spot_entry) for row in trades[trades.symbol == symbol].itertuples()),
        *((row.exit_time, row.spot_exit) for row in trades[trades.symbol == symbol].itertuples()),
    ]
    if "price" in decisions:
        mine = decisions[(decisions.symbol == symbol) & decisions.price.notna()]
        rows += list(zip(mine["at"], mine["price"], strict=True))
    table = pd.DataFrame(rows, columns=["time", "price"])
    table["time"] = view.local_column(table["time"])
    return table.sort_values("time").drop_duplicates("time").assign(open_pnl=float("nan"))


def lines(trades: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Return a line for every leg: its strike from entry to exit, at most until a time."""
    rows = [
        {
            "strike": strike,
            "side": "sold" if ratio < 0 else "bought",
            "start": view.local(trade.entry_time),
            "stop": min(view.local(trade.exit_time), until),
        }
        for trade in trades.itertuples()
        if view.local(trade.entry_time) <= until
        for strike, ratio in strikes(str(trade.legs))
    ]
    return pd.DataFrame(rows, columns=["strike", "side", "start", "stop"])


def happened(trades: pd.DataFrame, halts: pd.DataFrame) -> pd.DataFrame:
    """Return entries, exits and halts of a day in order: ``time, price, what, text``."""
    rows = []
    for trade in trades.itertuples():
        sold = f"{trade.bot} {trade.legs}, credit {trade.credit:.2f}"
        rows.append((view.local(trade.entry_time), trade.spot_entry, "entry", sold))
        why = f"{trade.bot} {words(str(trade.exit_reason))}, net {usd(trade.net)}"
        rows.append((view.local(trade.exit_time), trade.spot_exit, "exit", why))
    rows += [(halt.at, float("nan"), "halt", f"{halt.symbol} {halt.text}") for halt in halts.itertuples()]
    table = pd.DataFrame(rows, columns=["time", "price", "what", "text"])
    return table.astype({"time": "datetime64[ns]"}).sort_values("time", kind="stable")
