"""``mw export pine``: a run's trades as a Pine script that lies over a TradingView chart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from engine.errors import DataError

LEG = re.compile(r"([+-])(?:(\d+)x)?([\d.]+)[CP]")
DRAWN = 500  # lines, and labels, that TradingView keeps of one script

_HEAD = """//@version=6
// {title}: written by Market Watch from {source}.
// Shows entries, strikes and exits of past trades. It sends no order and predicts nothing.
indicator({name}, overlay = true, max_lines_count = 500, max_labels_count = 500)
float factor = input.float(1.0, "Chart price over {symbol} price", minval = 0.0001)
bool tell = input.bool(true, "Say what was sold and what came of it")
"""

_DRAW = """
draw() =>
    for i = 0 to array.size(entered) - 1
        int from = array.get(entered, i)
        int to = array.get(left, i)
        bool won = array.get(net, i) > 0
        color shade = won ? color.new(color.teal, 0) : color.new(color.red, 0)
        for j = array.get(first, i) to array.get(first, i + 1) - 1
            float level = array.get(strikes, j) * factor
            string dash = array.get(sold, j) > 0 ? line.style_solid : line.style_dotted
            line.new(from, level, to, level, xloc = xloc.bar_time, color = shade, style = dash)
        float opened = array.get(spotIn, i) * factor
        float closed = array.get(spotOut, i) * factor
        string before = tell ? array.get(entry, i) : ""
        string after = tell ? array.get(exit, i) : ""
        label.new(from, opened, before, xloc = xloc.bar_time, style = label.style_label_up,
             color = color.new(color.gray, 70), textcolor = chart.fg_color, size = size.small)
        label.new(to, closed, after, xloc = xloc.bar_time, style = label.style_label_down,
             color = color.new(shade, 70), textcolor = chart.fg_color, size = size.small)

if barstate.islastconfirmedhistory and array.size(entered) > 0
    draw()
"""


def pine(trades: pd.DataFrame, symbol: str, title: str, source: str) -> tuple[str, int]:
    """Return a script with the newest trades of a symbol that fit, and how many those are.

    Parameters
    ----------
    trades : DataFrame
        As a run keeps them.
    symbol, title : str
    source : str
        Where the trades come from, for the script's head.

    Raises
    ------
    DataError
        The run has no trade on this symbol.
    """
    held = trades[trades.symbol == symbol].sort_values("entry_time")
    if held.empty:
        known = ", ".join(sorted(set(trades.symbol))) or "none, it has no trades"
        raise DataError(f"symbol: got {symbol!r}, expected one this run traded: {known}")
    held, legs = _newest(held)
    name = json.dumps(f"Market Watch {symbol}")
    head = _HEAD.format(title=_plain(title), source=_plain(source), name=name, symbol=symbol)
    flat = [leg for one in legs for leg in one]
    first = [0, *pd.Series([len(one) for one in legs]).cumsum().tolist()]
    columns = [
        _array("int", "entered", _millis(held.entry_time)),
        _array("int", "left", _millis(held.exit_time)),
        _array("float", "spotIn", (f"{value:.6g}" for value in held.spot_entry)),
        _array("float", "spotOut", (f"{value:.6g}" for value in held.spot_exit)),
        _array("float", "net", (f"{value:.2f}" for value in held.net)),
        _array("int", "first", map(str, first)),
        _array("float", "strikes", (f"{strike:g}" for strike, _ in flat)),
        _array("int", "sold", (str(int(ratio < 0)) for _, ratio in flat)),
        _array("string", "entry", map(_sold, held.itertuples())),
        _array("string", "exit", map(_closed, held.itertuples())),
    ]
    return head + "\n" + "\n".join(columns) + "\n" + _DRAW, len(held)


def strikes(legs: str) -> list[tuple[float, int]]:
    """Return strike and signed ratio of every option leg of a trade's words."""
    found = filter(None, map(LEG.fullmatch, legs.split()))
    return [
        (float(strike), int(f"{sign}{count or 1}")) for sign, count, strike in (m.groups() for m in found)
    ]


def _newest(held: pd.DataFrame) -> tuple[pd.DataFrame, list[list[tuple[float, int]]]]:
    legs = [strikes(text) for text in held.legs]
    lines = labels = kept = 0
    for one in reversed(legs):
        lines, labels = lines + len(one), labels + 2
        if max(lines, labels) > DRAWN:
            break
        kept += 1
    return held.iloc[len(held) - kept :], legs[len(legs) - kept :]


def _millis(times: pd.Series) -> list[str]:
    return [str(int(time.timestamp() * 1000)) for time in times]


def _sold(trade: Any) -> str:
    told = " ".join(word for word in trade.legs.split() if word[0] in "+-")
    return json.dumps(f"{trade.bot} {told}, credit {trade.credit:.2f}")


def _closed(trade: Any) -> str:
    return json.dumps(f"{str(trade.exit_reason).replace('_', ' ')}, {trade.net:+.2f} USD")


def _array(kind: str, name: str, values: Iterable[str]) -> str:
    return f"var array<{kind}> {name} = array.from({', '.join(values)})"


def _plain(text: str) -> str:
    return " ".join(text.split())


def write(folder: Path, symbol: str, out: Path) -> int:
    """Write the script of a saved run's trades on one symbol and return how many it shows."""
    from analyzers.result import load

    result, _ = load(folder)
    text, count = pine(result.trades, symbol, f"{symbol} trades of {result.run_id}", folder.name)
    out.write_text(text, encoding="utf-8")
    return count
