"""Quotes as vendors write them: rows of the store's schema in, a file in the vendor's format out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

UNDEFINED = 2**63 - 1


def _local(table: pd.DataFrame) -> pd.Series:
    local: pd.Series = table.stamp.dt.tz_convert("America/New_York").dt.tz_localize(None)
    return local


def _osi(table: pd.DataFrame) -> pd.Series:
    day = pd.to_datetime(table.expiry).dt.strftime("%y%m%d")
    right = table.call.map({True: "C", False: "P"})
    return (
        table.root.str.ljust(6) + day + right + (table.strike * 1000).round().astype(int).map("{:08d}".format)
    )


def optionsdx(table: pd.DataFrame, folder: Path) -> Path:
    """Call and put in one row, bracketed names, a blank after every comma."""
    path = folder / "spx_15x_201802.txt"
    keys = ["stamp", "expiry", "strike", "root", "spot"]
    sides = []
    for is_call, letter in ((True, "C"), (False, "P")):
        side = table[table.call == is_call]
        told = side.bid_size.astype(str) + " x " + side.ask_size.astype(str)
        names = {"bid": f"{letter}_BID", "ask": f"{letter}_ASK"}
        sides.append(
            side.assign(**{f"{letter}_SIZE": told})
            .rename(columns=names)
            .set_index(keys)[[f"{letter}_SIZE", f"{letter}_BID", f"{letter}_ASK"]]
        )
    wide = sides[0].join(sides[1], how="outer").reset_index()
    lines = [
        "[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [DTE], "
        "[C_DELTA], [C_VOLUME], [C_SIZE], [C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_VOLUME]"
    ]
    for row, local in zip(wide.to_dict("records"), _local(wide), strict=True):
        call, put = (
            [
                "" if pd.isna(row[f"{letter}_SIZE"]) else f"{0.0 if pd.isna(row[name]) else row[name]:.2f}"
                for name in (f"{letter}_BID", f"{letter}_ASK")
            ]
            for letter in "CP"
        )
        sizes = ["" if pd.isna(row[f"{letter}_SIZE"]) else row[f"{letter}_SIZE"] for letter in "CP"]
        lines.append(
            ", ".join(
                [
                    str(row["stamp"].value // 10**9),
                    f"{local:%Y-%m-%d %H:%M}",
                    f"{local:%Y-%m-%d}",
                    f"{row['spot']}",
                    f"{row['expiry']}",
                    "0.00",
                    "",
                    "",
                    sizes[0],
                    *call,
                    f"{row['strike']:.6f}",
                    *put,
                    sizes[1],
                    "12.000000",
                ]
            )
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def thetadata(table: pd.DataFrame, folder: Path) -> Path:
    """Version 3: strikes in dollars with three decimals, a side nobody quotes is 0.00 of size 0."""
    path = folder / "quotes.csv"
    made = {
        "symbol": table.root,
        "expiration": table.expiry.astype(str),
        "strike": table.strike.map("{:.3f}".format),
        "right": table.call.map({True: "CALL", False: "PUT"}),
        "timestamp": _local(table).dt.strftime("%Y-%m-%dT%H:%M:%S.000"),
    }
    pd.DataFrame({**made, **_sides(table)}).to_csv(path, index=False, lineterminator="\r\n")
    return path


def thetadata_v2(table: pd.DataFrame, folder: Path) -> Path:
    """Version 2: strikes in tenths of a cent, milliseconds of a day written yyyymmdd."""
    path = folder / "bulk.csv"
    local = _local(table)
    made = {
        "root": table.root,
        "expiration": pd.to_datetime(table.expiry).dt.strftime("%Y%m%d"),
        "strike": (table.strike * 1000).round().astype(int),
        "right": table.call.map({True: "C", False: "P"}),
        "ms_of_day": (local - local.dt.normalize()) // pd.Timedelta("1ms"),
    }
    day = local.dt.strftime("%Y%m%d")
    pd.DataFrame({**made, **_sides(table), "date": day}).to_csv(path, index=False)
    return path


def _sides(table: pd.DataFrame) -> dict[str, object]:
    return {
        f"{side}{name}": values
        for side in ("bid", "ask")
        for name, values in (
            ("_size", table[f"{side}_size"].where(table[side].notna(), 0)),
            ("_exchange", 5),
            ("", table[side].fillna(0.0)),
            ("_condition", 50),
        )
    }


def databento_opra_cbbo_1m(table: pd.DataFrame, folder: Path, pretty: bool = True) -> Path:
    """Pretty: ISO times in UTC, prices in dollars, blank where there is none."""
    path = folder / "opra-pillar.cbbo-1m.csv"
    stamps = (
        table.stamp.dt.strftime("%Y-%m-%dT%H:%M:%S.000000000Z") if pretty else table.stamp.astype("int64")
    )
    made = {
        "ts_recv": stamps, "ts_event": stamps if pretty else 2**64 - 1, "rtype": 193, "publisher_id": 30,
        "instrument_id": 1, "side": "N", "price": "", "size": 0, "flags": 128,
        **{
            f"{side}_px_00": table[side] if pretty else
            [UNDEFINED if pd.isna(value) else round(value * 1e9) for value in table[side]]
            for side in ("bid", "ask")
        },
        "bid_sz_00": table.bid_size, "ask_sz_00": table.ask_size, "bid_pb_00": 22, "ask_pb_00": 22,
        "symbol": _osi(table),
    }  # fmt: skip
    pd.DataFrame(made).to_csv(path, index=False)
    return path


def databento_opra_cbbo_1m_raw(table: pd.DataFrame, folder: Path) -> Path:
    """Nanoseconds since 1970, prices in billionths, the greatest number where there is none."""
    return databento_opra_cbbo_1m(table, folder, pretty=False)


def lean(table: pd.DataFrame, folder: Path) -> Path:
    """A zip of one day with a file a contract; stamps are the minutes' starts."""
    local = _local(table) - pd.Timedelta("1min")
    (day,) = local.dt.strftime("%Y%m%d").unique()
    path = folder / f"{day}_quote_european.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in lean_members(table, local, day).items():
            archive.writestr(name, lines)
    return path


def lean_members(table: pd.DataFrame, local: pd.Series, day: str) -> dict[str, str]:
    made = {}
    milliseconds = (local - local.dt.normalize()) // pd.Timedelta("1ms")
    keys = ["root", "call", "strike", "expiry"]
    for _, rows in table.assign(at=milliseconds).groupby(keys):
        root, call, strike, expiry = rows[keys].iloc[0]
        name = (
            f"{day}_{root.lower()}_minute_quote_european_{'call' if call else 'put'}_{strike * 10000:.0f}_"
            f"{pd.Timestamp(expiry):%Y%m%d}.csv"
        )
        made[name] = "".join(
            f"{at},{_bar(bid)},{bid_size},{_bar(ask)},{ask_size}\n"
            for at, bid, ask, bid_size, ask_size in zip(
                rows["at"], rows.bid, rows.ask, rows.bid_size, rows.ask_size, strict=True
            )
        )
    return made


def _bar(price: float) -> str:
    if np.isnan(price):
        return ",,,"
    close = round(price * 10000)
    return f"{close + 500},{close + 1000},{close - 500},{close}"
