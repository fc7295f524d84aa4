"""How figures are written for people: one place for all screens and reports."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from analyzers.analysis import Analysis
    from analyzers.result import RunResult

THIN = "insufficient data"
NOT_EVIDENCE = (
    "Synthetic data: the quotes, and here also the minutes, come from a model into which the "
    "premium was put by hand. This report is no evidence of an edge."
)
MODEL_QUOTES = (
    "Recorded bars, model quotes: the prices of the options come from a model, and with them the result."
)
RECORDED_QUOTES = (
    "Recorded bars and quotes, simulated fills: nobody knows whether the orders would have been filled so."
)
MIXED_QUOTES = "Recorded quotes with a model's where there were none: see which trades were made on which."
VENUES = {
    "rehearsal": "A rehearsal: prices and fills are the simulator's, no market had a part in them.",
    "paper": "Paper money: the broker simulates the fills; a market might not have given them.",
    "live": "Live account: what the broker booked.",
}
BENCHMARK_NAMES = {
    "buy_and_hold": "buy and hold",
    "put_write": "monthly put-write",
    "buy_write": "monthly buy-write",
}

Rows = list[tuple[str, str]]
_LOSS = re.compile(r"−[\d.,]+( %| USD)?")


def usd(value: Any, decimals: int = 2) -> str:
    """Return an amount in USD with its sign, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def share(value: Any, decimals: int = 1) -> str:
    """Return a share as percent, a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{usd(100.0 * value, decimals)} %"


def ratio(value: Any, decimals: int = 2) -> str:
    """Return a plain number, a dash for none."""
    return usd(value, decimals)


def several(number: float, word: str) -> str:
    """Return a number with its word, which is one or many."""
    return f"{count(number)} {word}{'s' * (number != 1)}"


def count(value: Any) -> str:
    """Return a whole number."""
    return f"{value:,.0f}"


def is_loss(text: str) -> bool:
    """Tell whether a written figure is one number below zero, so that it is shown as a loss."""
    return _LOSS.fullmatch(text) is not None


def words(name: str) -> str:
    """Return a reason or a bot's name as words."""
    return name.replace("_", " ")


def with_error(value: float, error: float) -> str:
    """Return an estimate with its standard error, or that there is too little data for one."""
    return f"{ratio(value)} ± {ratio(error)}" if math.isfinite(value) else THIN


def interval(low: float, high: float) -> str:
    """Return a confidence interval, or that there is too little data for one."""
    return f"{usd(low)} to {usd(high)}" if math.isfinite(low) else THIN


COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("trades", "Trades", count),
    ("win_rate", "Wins", share),
    ("net", "Net", usd),
    ("expectancy", "Per trade", usd),
    ("profit_factor", "Profit factor", ratio),
    ("worst", "Worst", usd),
    ("r_planned", "Mean R", ratio),
)


def metric_sections(f: dict[str, float]) -> list[tuple[str, Rows]]:
    """Return the figures of a run or a bot as sections of (name, text), in the order they are read."""
    return [
        (
            "Result",
            [
                ("Net result, USD", usd(f["net"])),
                (
                    "Return a year, volatility",
                    f"{share(f['annual_return'], 2)}, {share(f['annual_volatility'], 2)}",
                ),
                ("Trades", f"{count(f['trades'])} on {count(f['days_traded'])} of {count(f['days'])} days"),
                ("Win rate", share(f["win_rate"])),
                ("Expectancy per trade, USD", usd(f["expectancy"])),
                ("  95 % interval", interval(f["expectancy_low"], f["expectancy_high"])),
                ("Average win / loss, USD", f"{usd(f['average_win'])} / {usd(f['average_loss'])}"),
                ("Profit factor", ratio(f["profit_factor"])),
                ("Sharpe ratio ± standard error", with_error(f["sharpe"], f["sharpe_error"])),
                ("  chance that it is above 0", share(f["chance_sharpe_above_0"])),
            ],
        ),
        (
            "Risk",
            [
                ("Largest drawdown, USD", usd(f["drawdown"])),
                ("Worst day / best day, USD", f"{usd(f['worst_day'])} / {usd(f['best_day'])}"),
                (
                    "Mean R, planned / structural",
                    f"{ratio(f['r_planned'], 3)} / {ratio(f['r_structural'], 3)}",
                ),
                (
                    "Worst R, planned / structural",
                    f"{ratio(f['worst_r_planned'])} / {ratio(f['worst_r_structural'])}",
                ),
                ("Most at risk at once, USD", usd(f["most_at_risk"])),
                ("In the market, bots added up", share(f["exposure"])),
                ("Minutes held, mean", ratio(f["minutes_held"], 0)),
            ],
        ),
        ("From mid prices to the net result, USD", cost_rows(f)),
    ]


def cost_rows(f: dict[str, float]) -> Rows:
    """Return what became of the result at mid prices."""
    return [
        ("At mid prices", usd(f["at_mid"])),
        ("Given up to the spread", usd(-f["slippage"])),
        ("Fees", usd(-f["fees"])),
        ("Net", usd(f["net"])),
    ]


def verdict(figures: dict[str, float]) -> str:
    """Return in a sentence what the run says of the mean trade, and whether it says anything."""
    if not figures["trades"]:
        return "No trades: the tables below say which rule kept the bots out."
    low, high = figures["expectancy_low"], figures["expectancy_high"]
    if not math.isfinite(low):
        told, few = several(figures["trades"], "trade"), figures["trades"] == 1
        return f"Insufficient data: {told} {'does' if few else 'do'} not tell a mean from zero."
    mean = f"The mean trade made {usd(figures['expectancy'])} USD after costs"
    if figures["expectancy"] < 0.0:
        mean = f"The mean trade lost {usd(-figures['expectancy'])} USD after costs"
    if high < 0.0:
        return f"{mean}; its 95 % interval lies below zero."
    if low > 0.0:
        return f"{mean}; its 95 % interval lies above zero."
    return f"{mean}, which cannot be told from zero: its 95 % interval is {usd(low)} to {usd(high)}."


def warning(result: RunResult) -> str:
    """Return what must be said before any figure of the run."""
    if result.venue in VENUES:
        return VENUES[result.venue]
    if result.synthetic:
        return NOT_EVIDENCE
    if "quotes" not in result.inputs:
        return MODEL_QUOTES
    return MIXED_QUOTES if "mix" in result.inputs else RECORDED_QUOTES


def break_even_text(result: RunResult, analysis: Analysis) -> str:
    """Return the volatility premium at which each bot would earn nothing, against the one put in."""
    put_in = float(result.settings["quotes"]["premium"])
    premium = share(put_in)
    if result.null_control is None:
        return f"Not measured in this run, which has {premium}; compare a run with --premium 0."
    told = []
    for bot, null in result.null_control.items():
        value = analysis.break_even.get(bot, math.nan)
        mean = usd(null["net"] / null["trades"]) if null["trades"] else "nothing"
        found = share(value) if math.isfinite(value) else "none found"
        beyond = ", extrapolated" if value > put_in or value < 0.0 else ""
        told.append(f"{words(bot)} {found}{beyond} (a trade without premium: {mean} USD)")
    lines = "; ".join(told) or "no bots"
    line = f"by the line through this run ({premium}) and the same without premium"
    return f"{lines}. There a bot would earn nothing, {line}; mw control gives intervals."


def benchmark_rows(
    result: RunResult, analysis: Analysis, passive: dict[str, dict[str, Any]]
) -> list[list[str]]:
    """Return the account beside the passive investments: name, return, volatility, Sharpe, drawdown."""
    total = analysis.total
    own = {
        "annual_return": total["annual_return"],
        "volatility": total["annual_volatility"],
        "sharpe": total["sharpe"],
        "drawdown": total["drawdown"] / result.start_cash,
    }
    named = {"this account": own, **{BENCHMARK_NAMES[name]: row for name, row in passive.items()}}
    return [
        [
            name,
            share(row["annual_return"]),
            share(row["volatility"]),
            ratio(row["sharpe"]),
            share(row["drawdown"]),
        ]
        for name, row in named.items()
    ]


def figure_cells(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the rows of a table of trade figures, as written in `COLUMNS`."""
    return [
        (words(str(name)), [write(row[column]) for column, _, write in COLUMNS])
        for name, row in table.iterrows()
    ]
