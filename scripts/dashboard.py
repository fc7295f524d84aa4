"""The dashboard: ``mw dashboard`` runs this with Streamlit, bound to this machine.

What to show comes from the environment: ``MW_DASHBOARD_JOURNALS`` (places of journals by name,
as JSON), ``MW_DASHBOARD_LOGS`` (folder), ``MW_DASHBOARD_REFRESH`` (seconds), ``MW_DASHBOARD_GATE``
(place of the gate's journal) and ``MW_DASHBOARD_CONFIG`` (folder).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import streamlit as st

from engine.errors import MarketWatchError
from engine.journal import secrets
from engine.journal.queries import Reader
from scripts.board.pages import PAGES


@st.cache_resource(max_entries=8)
def reader_of(place: str) -> Reader:
    """Return the reader of a journal; one a place, shared by all viewers."""
    return Reader(place)


def main() -> None:
    """Lay the page out and refresh what it shows."""
    secrets.load()  # so that none is shown, whatever a log holds
    st.set_page_config("Market Watch", page_icon="◔", layout="wide", initial_sidebar_state="collapsed")
    st.html("<style>.block-container {padding-top: 2rem;}</style>")
    st.subheader("Market Watch", anchor=False)
    places: dict[str, str] = json.loads(os.environ.get("MW_DASHBOARD_JOURNALS", "{}"))
    logs = Path(os.environ.get("MW_DASHBOARD_LOGS", "logs"))
    if not places:
        st.info("There is no journal yet. Write one with `mw backtest --journal` or `mw rehearse`.")
        return
    names = list(places)
    name = names[0]
    if len(names) > 1:
        name = st.segmented_control("Journal", names, default=name, key="journal") or name
    if name == "rehearsal":  # it has its logs beside its journal
        logs = Path(places[name]).parent
    page = st.segmented_control("Page", list(PAGES), default="Now", key="page", label_visibility="collapsed")
    refresh = float(os.environ.get("MW_DASHBOARD_REFRESH", "5"))

    @st.fragment(run_every=refresh)
    def body() -> None:
        try:
            PAGES[page or "Now"](reader_of(places[name]), logs)
        except MarketWatchError as error:
            reader_of.clear()
            st.error(str(error))

    body()


main()
