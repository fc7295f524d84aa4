"""The part of the sessions page that shows how far each bot has come on the ramp."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from engine.errors import MarketWatchError
from engine.gate.view import GateView, views
from scripts.board.table import show


def gate_part() -> None:
    """Show the gate's table of every bot it knows."""
    st.subheader("Gate")
    place, config = os.environ.get("MW_DASHBOARD_GATE", ""), os.environ.get("MW_DASHBOARD_CONFIG", "config")
    if not place or ("://" not in place and not Path(place).is_file()):
        st.caption("No bot has begun the ramp. Run `mw gate register`.")
        return
    try:
        found = views(place, Path(config))
    except MarketWatchError as error:
        st.error(str(error))
        return
    for one in found:
        st.markdown(f"**{one.bot}** · {one.stage} · {headline(one)}")
        show(criteria(one))
        for line in (*one.breaches, *(f"override {text}" for text in one.overrides)):
            st.caption(line)


def headline(one: GateView) -> str:
    """Return in words how far a bot is from its next step."""
    if not one.rows:
        return "nothing more is asked"
    told = sum(row.verdict == "pass" for row in one.rows)
    wait = "" if one.until is None else f", all can be known in {one.until} sessions"
    return f"{told} of {len(one.rows)} criteria pass{wait}"


def criteria(one: GateView) -> pd.DataFrame:
    """Return the criteria of a bot's next step as a table."""
    names = ("name", "measured", "required", "verdict", "text")
    rows = [{name: str(getattr(row, name)) for name in names} for row in one.rows]
    return pd.DataFrame(rows, columns=list(names)).rename(
        columns={"name": "criterion", "text": "still unknown"}
    )
