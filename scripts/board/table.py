"""One way to show a table: money with cents, shares as percent, times as New York wall time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

NUMBERS = ("credit", "exit_price", "net", "fees", "slippage")
_FORMATS = {
    "%.2f": ("credit", "exit_price", "mark", "net", "gross", "fees", "slippage", "pnl", "r", "mean", "price"),
    "%.3f": ("delta", "short_delta", "crowding", "range_over_move"),
    "percent": ("won",),
}
_NAMES = {
    "pnl": "P&L, USD",
    "r": "R",
    "net": "net, USD",
    "fees": "fees, USD",
    "mean": "mean net, USD",
    "slippage": "slippage, USD",
    "exit_price": "paid to close",
    "range_over_move": "range / move",
    "iv_rank": "IV rank",
    "vix": "VIX",
    "at": "time",
    "order_ref": "order",
    "exit_reason": "exit",
}


def figures(cells: list[tuple[str, str, str]]) -> None:
    """Show figures side by side, as many as fit in a row: label, value, what stands beside it."""
    with st.container(horizontal=True):
        for label, value, beside in cells:
            st.metric(label, value, beside, delta_color="off", delta_arrow="off", width=170)


def show(table: pd.DataFrame, height: int | None = None) -> None:
    """Show a table over the whole width, its columns named in full words."""
    columns = {name: _column(str(name), table[name]) for name in table}
    shown = table.copy()
    for name in ("exit_reason", "reason"):
        if name in shown:
            shown[name] = shown[name].astype(str).str.replace("_", " ")
    size = {} if height is None else {"height": height}
    st.dataframe(shown, width="stretch", hide_index=True, column_config=columns, placeholder="", **size)


def _column(name: str, values: pd.Series) -> object:
    label = _NAMES.get(name, name.replace("_", " "))
    for form, names in _FORMATS.items():
        if name in names:
            return st.column_config.NumberColumn(label, format=form)
    if pd.api.types.is_datetime64_any_dtype(values):
        return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm")
    if pd.api.types.is_float_dtype(values):
        return st.column_config.NumberColumn(label, format="%.4g")
    return st.column_config.Column(label)
