"""Implied volatility and delta beside those of Cboe and of a vendor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.options.levels import forward1
from engine.options.pricing import delta1, implied1
from scripts.validate.table import Check, Section

CHAIN = "chain_spx_cboe_2022_06_10.parquet"
YEAR = "eod_options_spy_2021.parquet"
NEAREST_DELTA = 0.02  # beyond it a tick is more than the tolerance


def checks(data: Path) -> list[Section]:
    """Hold our volatilities and deltas against the published ones.

    Raises
    ------
    DataError
        A file is missing.
    """
    chain = table(data, CHAIN, "asof root expiry right strike bid ask iv delta")
    year = table(
        data,
        YEAR,
        "underlying underlying_last quotedate expiration type strike bid ask impliedvol delta",
    )
    return [_cboe(chain), _vendor(year)]


def table(data: Path, name: str, columns: str) -> pd.DataFrame:
    """Return a recorded file; DataError when it is missing, unreadable, empty or lacks one of the columns."""
    path = data / name
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected the recorded file of docs/validation.md")
    try:
        held = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from error
    for column in columns.split():
        if column not in held:
            raise DataError(f"{path}: no column {column!r}; it has {', '.join(map(str, held.columns))}")
    if held.empty:
        raise DataError(f"{path}: the table is empty; expected recorded rows")
    return held


def _cboe(chain: pd.DataFrame) -> Section:
    puts = _puts(chain, "SPXW", 1, 6)
    if puts.empty:
        raise DataError(f"{CHAIN}: no SPXW puts of 1 to 6 days with a volatility; expected some")
    error = puts.iv - puts.published
    opening = _puts(chain, "SPX", 7, 7)
    rows = [
        Check.within("volatility, bias", float(error.mean()), -0.001, 0.001, 5),
        Check.within("volatility, mean absolute error", float(error.abs().mean()), None, 0.0015, 5),
        Check.within(
            "delta, mean absolute difference",
            float((puts.delta - puts.published_delta).abs().mean()),
            None,
            0.005,
            4,
            note="ours is of the forward",
        ),
    ]
    if len(opening):
        rows.append(
            Check.within(
                "AM series taken as PM, bias",
                float((opening.iv - opening.published).mean()),
                -0.0095,
                -0.005,
                5,
                note="must show: the night and morning it does not live through",
            )
        )
    text = (
        f"{len(puts)} out-of-the-money puts of 1 to 6 days on SPXW, {chain['asof'].iloc[0]:%Y-%m-%d}, deltas "
        f"beyond {NEAREST_DELTA}; forward by put-call parity, Black-76, ACT/365 to 16:00 as Cboe counts. "
        "AM: SPX of 7 days."
    )
    return Section.of("Implied volatility and delta against Cboe's", text, rows)


def _puts(chain: pd.DataFrame, root: str, first: int, last: int) -> pd.DataFrame:
    rows = [
        row
        for expiry, held in chain[chain.root == root].groupby("expiry")
        if first <= (days := (expiry - held["asof"].iloc[0]).days) <= last
        for row in _of_expiry(held, days / 365.0)
    ]
    return pd.DataFrame(rows)


def _of_expiry(held: pd.DataFrame, years: float) -> Iterator[dict[str, Any]]:
    quoted = held[held.ask > 0.0].drop_duplicates(["right", "strike"])
    call, put = (quoted[quoted.right == right].set_index("strike") for right in "CP")
    both = call.index.intersection(put.index)
    sides = [_bid(call, both), call.ask[both].to_numpy(), _bid(put, both), put.ask[both].to_numpy()]
    forward = forward1(*sides, both.to_numpy(float))
    for strike, row in put[(put.bid > 0.0) & (put.iv > 0.0) & (put.index < forward)].iterrows():
        sd = implied1(0.5 * (row.bid + row.ask), forward, float(strike), False)
        delta = delta1(forward, float(strike), sd, False)
        if abs(delta) > NEAREST_DELTA:
            yield {
                "iv": sd / np.sqrt(years),
                "published": row.iv,
                "delta": delta,
                "published_delta": row.delta,
            }


def _bid(side: pd.DataFrame, strikes: pd.Index) -> np.ndarray:
    bid = side.bid[strikes]
    return np.asarray(bid.where(bid > 0.0).to_numpy(float))


def _vendor(year: pd.DataFrame) -> Section:
    sound = year[
        (year.underlying == "SPY") & (year.ask > year.bid) & (year.bid > 0.0) & (year.impliedvol > 0.0)
    ]
    days = (sound.expiration - sound.quotedate).dt.days.to_numpy()
    call = (sound.type == "call").to_numpy()
    spot, strike = sound.underlying_last.to_numpy(float), sound.strike.to_numpy(float)
    mid = 0.5 * (sound.bid + sound.ask).to_numpy(float)
    sd = np.array([implied1(*row) for row in zip(mid, spot, strike, call, strict=True)])
    delta = np.array([delta1(*row) for row in zip(spot, strike, sd, call, strict=True)])
    error = sd / np.sqrt(days / 365.0) - sound.impliedvol.to_numpy(float)
    rows = []
    for name, chosen in (("calls", call), ("puts", ~call)):
        own = error[chosen][np.isfinite(error[chosen])]
        rows.append(Check.within(f"{name}: volatility, bias", float(own.mean()), -0.001, 0.001, 5))
        rows.append(Check.within(f"{name}: mean absolute error", float(np.abs(own).mean()), None, 0.003, 5))
        gap = np.abs(delta - sound.delta.to_numpy(float))[chosen]
        rows.append(
            Check.within(f"{name}: delta, mean absolute difference", float(np.nanmean(gap)), None, 0.005, 4)
        )
    left_out = int((year.underlying == "SPY").sum() - len(sound))
    text = (
        f"{len(sound)} SPY quotes of 2021, 20 to 120 days; {left_out} left out (crossed, no bid or figure). "
        "As the vendor does: European, no dividends, no interest."
    )
    return Section.of("A vendor's year of SPY options", text, rows)
