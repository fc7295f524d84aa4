"""The dashboard's charts, as Altair specifications; colours read on a light and on a dark page."""

from __future__ import annotations

import altair as alt
import pandas as pd

BLUE, AMBER, GREEN, RED, GREY = "#4a8fd6", "#d18a1f", "#2a9d7c", "#d65a4a", "#8a94a0"
_CLOCK = alt.Axis(format="%H:%M", title=None, labelOverlap=True)
_DATE = alt.Axis(format="%d %b %Y", title=None, labelOverlap=True, tickCount=8)
_BARE = alt.Axis(labels=False, ticks=False, title=None)
_FURNITURE = 110  # pixels of a chart's height that axis and legend take


def equity(days: pd.DataFrame) -> alt.VConcatChart:
    """Draw the account by day and below it the fall from its highest value; ``day, equity, drawdown``."""
    base = alt.Chart(days)
    tip = [
        alt.Tooltip("day:T"),
        *(alt.Tooltip(f"{name}:Q", format=",.2f") for name in ("equity", "drawdown")),
    ]
    line = base.mark_line(color=BLUE, interpolate="step-after").encode(
        x=alt.X("day:T", axis=_BARE),
        y=alt.Y("equity:Q", title="Equity, USD", scale=alt.Scale(zero=False)),
        tooltip=tip,
    )
    fall = base.mark_area(color=RED, opacity=0.55, interpolate="step-after").encode(
        x=alt.X("day:T", axis=_DATE), y=alt.Y("drawdown:Q", title="Fall, USD"), tooltip=tip
    )
    parts = line.properties(height=230, width="container"), fall.properties(height=90, width="container")
    return alt.vconcat(*parts, spacing=6).resolve_scale(x="shared")


def reasons(counts: pd.DataFrame) -> alt.Chart:
    """Draw how many decision minutes came to which reason, the commonest above; ``reason, bot, count``."""
    order = counts.groupby("reason")["count"].sum().sort_values(ascending=False).index.tolist()
    return (
        alt.Chart(counts)
        .mark_bar()
        .encode(
            y=alt.Y("reason:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
            x=alt.X("count:Q", title="Decision minutes"),
            color=_bots(),
            tooltip=["bot", "reason", "count"],
        )
        .properties(height=_FURNITURE + 26 * len(order))
    )


def results(trades: pd.DataFrame) -> alt.Chart:
    """Draw every finished trade's net result; ``exit_time, net, bot``."""
    return (
        alt.Chart(trades)
        .mark_circle(size=36, opacity=0.75)
        .encode(
            x=alt.X("exit_time:T", axis=_DATE),
            y=alt.Y("net:Q", title="Net a trade, USD"),
            color=_bots(),
            tooltip=["bot", "symbol", "legs", "exit_reason", alt.Tooltip("net:Q", format=",.2f")],
        )
        .properties(height=300)
    )


def ranges(market: pd.DataFrame) -> alt.LayerChart:
    """Draw each symbol's range so far beside its expected move; ``symbol, range_over_move``."""
    bar = (
        alt.Chart(market)
        .mark_bar(size=16)
        .encode(
            y=alt.Y("symbol:N", title=None),
            x=alt.X("range_over_move:Q", title="Day's range in expected moves", scale=alt.Scale(domainMin=0)),
            color=alt.condition("datum.range_over_move >= 1", alt.value(RED), alt.value(BLUE)),
            tooltip=["symbol", alt.Tooltip("range_over_move:Q", format=".2f")],
        )
    )
    rule = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x="x:Q")
    return (bar + rule).properties(height=80 + 34 * len(market))


def replay(path: pd.DataFrame, strikes: pd.DataFrame, events: pd.DataFrame) -> alt.LayerChart:
    """Draw a day: the price, strikes while they were held, entries, exits and halts.

    Parameters
    ----------
    path : DataFrame
        ``time, price``.
    strikes : DataFrame
        ``strike, side, start, stop``: a line a leg.
    events : DataFrame
        ``time, price, what, text``.
    """
    y = alt.Y("price:Q", title="Price, USD", scale=alt.Scale(zero=False))
    x = alt.X("time:T", title=None, axis=_CLOCK)
    layers = [alt.Chart(path).mark_line(color=BLUE, strokeWidth=1.5).encode(x=x, y=y)]
    layers.append(
        alt.Chart(strikes)
        .mark_rule(strokeWidth=2)
        .encode(
            x=alt.X("start:T", axis=_CLOCK, title=None),
            x2="stop:T",
            y=alt.Y("strike:Q", title="Price, USD", scale=alt.Scale(zero=False)),
            color=alt.Color(
                "side:N",
                title=None,
                scale=alt.Scale(domain=["sold", "bought"], range=[RED, GREEN]),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=["strike", "side"],
        )
    )
    layers.append(
        alt.Chart(events)
        .mark_point(size=90, filled=True, opacity=1, color=AMBER)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("what:N", title=None, legend=alt.Legend(orient="bottom")),
            tooltip=["what", "text", alt.Tooltip("time:T", format="%H:%M")],
        )
    )
    return alt.layer(*layers).properties(height=420)


def open_pnl(path: pd.DataFrame) -> alt.Chart:
    """Draw the open trades' result through a day; ``time, open_pnl``."""
    return (
        alt.Chart(path)
        .mark_area(color=GREEN, opacity=0.5, line={"color": GREEN})
        .encode(x=alt.X("time:T", title=None, axis=_CLOCK), y=alt.Y("open_pnl:Q", title="Open P&L, USD"))
        .properties(height=170)
    )


def _bots() -> alt.Color:
    return alt.Color(
        "bot:N",
        title=None,
        scale=alt.Scale(range=[BLUE, AMBER, GREEN, "#9b72cf", "#c0568f"]),
        legend=alt.Legend(orient="bottom"),
    )
