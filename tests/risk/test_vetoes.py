"""Vetoes from outside: whom they mean, how long they hold, and that they never close anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from engine.reasons import Reason
from engine.risk.vetoes import Veto, vetoed

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=ZoneInfo("America/New_York"))
BOTS, SYMBOLS = st.sampled_from(["", "condor", "putlite"]), st.sampled_from(["", "XSP", "SPY"])


@given(BOTS, SYMBOLS, st.integers(-60, 60), st.booleans())
def test_veto_speaks_against_those_it_means_while_it_holds(
    bot: str, symbol: str, minutes: int, ends: bool
) -> None:
    veto = Veto("tradingview", "no", bot, symbol, NOON + timedelta(minutes=minutes) if ends else None)
    answer = vetoed([veto], "condor", "XSP", NOON)
    meant = bot in ("", "condor") and symbol in ("", "XSP") and (not ends or minutes > 0)
    assert (answer is not None) == meant
    if answer is not None:
        assert answer.reason is Reason.VETOED


def test_refusal_says_who_and_until_when() -> None:
    veto = Veto("tradingview", "trend turned", until=NOON + timedelta(minutes=30))
    answer = vetoed([veto], "condor", "XSP", NOON)
    assert answer is not None and answer.text == "tradingview until 12:30: trend turned"


def test_no_veto_says_nothing() -> None:
    assert vetoed([], "condor", "XSP", NOON) is None


def test_veto_is_over_at_its_last_instant() -> None:
    veto = Veto("tradingview", "no", until=NOON)
    assert vetoed([veto], "condor", "XSP", NOON - timedelta(microseconds=1)) is not None
    assert vetoed([veto], "condor", "XSP", NOON) is None
