"""The report of a screen: what it covers, and whether the engine agrees."""

from __future__ import annotations

from analyzers.report.sections import Section
from analyzers.report.words import count, ratio

COVERS = (
    "One entry a day at a fixed minute, one symbol, today's expiry, spreads and condors settled in cash. "
    "Quotes, filters, fees, fills, halts and limits are the engine's; an account too small is left out."
)


def agreement_section(combinations: int, seconds: float, drawn: int, best: int, trades: int) -> Section:
    """Return how many combinations were played, how fast, and on how many the engine agrees to the cent."""
    rows = (
        ("Combinations", (count(combinations),)),
        ("Seconds, combinations a second", (f"{ratio(seconds, 1)}, {count(combinations / seconds)}",)),
        ("Drawn by lot and played by the engine, equal every day", (count(drawn),)),
        ("Ranked best and played by the engine, equal in all", (count(best),)),
        ("Trades compared", (count(trades),)),
    )
    return Section("Agreement with the engine", COVERS, ("",), rows)
