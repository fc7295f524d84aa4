"""How figures are written for people: one place for all screens and reports."""

from __future__ import annotations

import math
from typing import Any

THIN = "insufficient data"
NOT_EVIDENCE = (
    "Synthetic data: the quotes, and here also the minutes, come from a model into which the "
    "premium was put by hand. This report is no evidence of an edge."
)
COLOURS = {"putlite": "#2f6db3", "buywrite": "#c9822b", "condor": "#3c8d5a", "all": "#22252b"}


def usd(value: Any, decimals: int = 2) -> str:
    """Return an amount in USD with its sign, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{'−' if value < 0 else ''}{abs(value):,.{decimals}f}"


def share(value: Any, decimals: int = 1) -> str:
    """Return a share as percent, a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{decimals}%}".replace("-", "−")


def ratio(value: Any, decimals: int = 2) -> str:
    """Return a plain number, a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{decimals}f}".replace("-", "−")


def words(name: str) -> str:
    """Return a reason or a bot's name as words."""
    return name.replace("_", " ")


def metric_rows(figures: dict[str, float]) -> list[tuple[str, str]]:
    """Return the figures of a run or a bot as (name, text), in the order they are read."""
    f = figures
    sharpe = THIN
    if math.isfinite(f["sharpe"]):
        sharpe = f"{ratio(f['sharpe'])} ± {ratio(f['sharpe_error'])}"
    interval = THIN
    if math.isfinite(f["expectancy_low"]):
        interval = f"{usd(f['expectancy_low'])} to {usd(f['expectancy_high'])}"
    return [
        ("Net result, USD", usd(f["net"])),
        ("Trades", f"{f['trades']:,.0f} on {f['days_traded']:,.0f} of {f['days']:,.0f} days"),
        ("Win rate", share(f["win_rate"])),
        ("Expectancy per trade, USD", usd(f["expectancy"])),
        ("  95 % interval", interval),
        ("Average win / loss, USD", f"{usd(f['average_win'])} / {usd(f['average_loss'])}"),
        ("Profit factor", ratio(f["profit_factor"])),
        ("Sharpe ratio ± standard error", sharpe),
        ("Largest drawdown, USD", usd(f["drawdown"])),
        ("Worst day / best day, USD", f"{usd(f['worst_day'])} / {usd(f['best_day'])}"),
        ("Mean R, planned / structural", f"{ratio(f['r_planned'], 3)} / {ratio(f['r_structural'], 3)}"),
        (
            "Worst R, planned / structural",
            f"{ratio(f['worst_r_planned'])} / {ratio(f['worst_r_structural'])}",
        ),
        ("Fees, USD", usd(f["fees"])),
        ("Given up against mid, USD", usd(f["slippage"])),
        ("Time in the market", share(f["exposure"])),
    ]
