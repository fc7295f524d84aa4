from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.bars import Bars
from engine.errors import DataError
from engine.sessions import session_dates
from feeds.history import load_bars
from feeds.synthetic.cache import save
from tests.feeds.samples import OVER_A_HALF_DAY, WEEK, bars, row, table

PRICES = ("open", "high", "low", "close", "volume")


def written(frame: pd.DataFrame, folder: Path, name: str = "spy_minutes.parquet") -> Path:
    path = folder / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


def same(left: Bars, right: Bars) -> bool:
    return np.array_equal(left.stamp, right.stamp) and all(
        np.array_equal(getattr(left, name), getattr(right, name)) for name in PRICES
    )


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_bars(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What a file proves by itself


@pytest.mark.parametrize("side", ["start", "end"])
@pytest.mark.parametrize("name", ["spy_minutes.parquet", "spy_minutes.csv"])
@pytest.mark.parametrize("days", [WEEK, OVER_A_HALF_DAY])
def test_whole_sessions_prove_which_end_their_stamps_are(
    tmp_path: Path, side: str, name: str, days: tuple[date, ...]
) -> None:
    held = bars(days)
    read = load_bars(written(table(held, side), tmp_path, name))
    assert same(read, held)
    assert read.symbol == "SPY"
    assert any(f"taken as bar {side}s" in note for note in read.notes)


def test_a_day_cut_at_both_ends_proves_nothing_until_declared(tmp_path: Path) -> None:
    frame = table(bars(WEEK[:1])).iloc[2:-2]
    path = written(frame, tmp_path)
    assert "give stamped start or end" in refusal(path)
    started, ended = load_bars(path, stamped="start"), load_bars(path, stamped="end")
    assert started.stamp[0] - ended.stamp[0] == 60_000_000_000
    assert "stamped is 'middle'" in refusal(path, stamped="middle")


def test_days_with_both_edges_are_decided_by_the_opening_auction_only(tmp_path: Path) -> None:
    held = bars(session_dates(date(2024, 3, 4), date(2024, 3, 15)))
    frame = table(held)
    edge = frame.iloc[held.grid.last].copy()
    edge["ts"] += pd.Timedelta(minutes=1)
    frame = pd.concat([frame, edge]).sort_values("ts")
    flat = written(frame.assign(volume=1000.0), tmp_path, "spy_flat.parquet")
    assert "do not prove" in refusal(flat)
    opening = frame["ts"].dt.strftime("%H:%M").eq("09:30")
    loud = written(frame.assign(volume=np.where(opening, 9e5, 1e5)), tmp_path, "spy_loud.parquet")
    read = load_bars(loud)
    assert np.array_equal(read.stamp, held.stamp)
    assert any("opening auction's volume stands at 09:30 on 10 days" in note for note in read.notes)
    assert "Bars set apart, next to the open or after the close: 10." in read.notes


def test_days_that_contradict_each_other_prove_nothing(tmp_path: Path) -> None:
    held = bars()
    frame = pd.concat(
        [table(held.between(WEEK[0], WEEK[1]), "start"), table(held.between(WEEK[2], None), "end")]
    )
    assert "do not prove" in refusal(written(frame, tmp_path))


def test_a_day_without_its_first_minute_does_not_outvote_days_with_both_edges(tmp_path: Path) -> None:
    frame = table(bars(WEEK[:3]))
    close = frame[frame.ts.dt.strftime("%H:%M") == "15:59"].assign(
        ts=lambda held: held.ts + pd.Timedelta("1min")
    )
    both = pd.concat([frame, close]).sort_values("ts").iloc[1:]  # starts, one day from 09:31 to 16:00
    assert "do not prove" in refusal(written(both, tmp_path))


@pytest.mark.parametrize(("side", "declared"), [("start", "end"), ("end", "start")])
def test_a_declared_side_that_the_stamps_refute_is_refused(tmp_path: Path, side: str, declared: str) -> None:
    frame = table(bars(), side)
    told = refusal(written(frame, tmp_path), stamped=declared)
    assert f"stamped is '{declared}'; its stamps are bar {side}s: days that run" in told
    column = written(frame.rename(columns={"ts": f"bar_{declared}"}), tmp_path, "spy_named.parquet")
    assert f"its stamps are bar {side}s" in refusal(column)


@pytest.mark.parametrize("minutes", [2, 5, 15])
def test_longer_bars_are_refused_however_they_are_stamped(tmp_path: Path, minutes: int) -> None:
    path = written(table(bars()).iloc[::minutes], tmp_path)
    assert f"most of its stamps are {minutes} minutes apart; expected bars of one minute" in refusal(
        path, stamped="start"
    )


@pytest.mark.parametrize(("column", "side"), [("bar_start", "start"), ("bar_end", "end")])
def test_column_name_declares_the_side(tmp_path: Path, column: str, side: str) -> None:
    held = bars(WEEK[:1])
    frame = table(held, side).rename(columns={"ts": column}).iloc[1:-1]
    assert np.array_equal(load_bars(written(frame, tmp_path)).stamp, held.stamp[1:-1])


def test_plain_new_york_times_are_recognised_others_must_be_declared(tmp_path: Path) -> None:
    held = bars()
    plain = table(held)
    plain["ts"] = plain["ts"].dt.tz_localize(None)
    read = load_bars(written(plain, tmp_path, "spy_plain.csv"))
    assert same(read, held)
    assert any("without a zone" in note for note in read.notes)
    chicago = table(held)
    chicago["ts"] = chicago["ts"].dt.tz_convert("America/Chicago").dt.tz_localize(None)
    path = written(chicago, tmp_path, "spy_chicago.csv")
    assert "give zone" in refusal(path)
    assert same(load_bars(path, zone="America/Chicago"), held)
    assert "zone is 'Chicago'" in refusal(path, zone="Chicago")


def test_offsets_in_text_across_a_clock_change_are_understood(tmp_path: Path) -> None:
    held = bars(session_dates(date(2024, 3, 7), date(2024, 3, 12)))
    frame = table(held)
    frame["ts"] = frame["ts"].map(lambda when: when.isoformat())
    assert frame["ts"].iloc[0].endswith("-05:00") and frame["ts"].iloc[-1].endswith("-04:00")
    assert same(load_bars(written(frame, tmp_path, "spy.csv")), held)


def test_symbol_comes_from_option_column_or_name_or_is_asked_for(tmp_path: Path) -> None:
    frame = table(bars())
    nameless = written(frame, tmp_path, "minutes.parquet")
    assert "give symbol" in refusal(nameless)
    assert load_bars(nameless, symbol="QQQ").symbol == "QQQ"
    assert load_bars(written(frame.assign(symbol="IWM"), tmp_path, "column.parquet")).symbol == "IWM"
    two = pd.concat([frame.assign(symbol="IWM"), frame.assign(symbol="DIA")])
    path = written(two, tmp_path, "two.parquet")
    assert "the file holds DIA, IWM" in refusal(path)
    assert "symbol is 'SPY'; the file holds DIA, IWM" in refusal(path, symbol="SPY")
    assert same(load_bars(path, symbol="DIA"), bars())


def test_columns_are_mapped_and_unused_ones_named(tmp_path: Path) -> None:
    frame = table(bars()).rename(columns={"open": "o", "ts": "when"}).assign(trades=3, VIX=15.5)
    path = written(frame, tmp_path)
    assert "no column 'time'; it has when, o, high" in refusal(path)
    read = load_bars(path, columns={"time": "when", "open": "o"})
    assert same(read, bars())
    assert read.lines["vix"][0] == 15.5
    assert any("Columns not used: trades." in note for note in read.notes)
    assert "no column 'x' for open" in refusal(path, columns={"open": "x"})
    assert "unknown name 'price'" in refusal(path, columns={"price": "o"})


@pytest.mark.parametrize("clock", ["09:30", "9:30:00", "milliseconds"])
def test_day_and_time_of_day_may_stand_apart(tmp_path: Path, clock: str) -> None:
    held = bars()
    frame = table(held)
    local = frame.ts.dt.tz_convert("America/Chicago")
    frame["day"] = local.dt.strftime("%Y-%m-%d" if clock != "milliseconds" else "%Y%m%d")
    ms = (local.dt.hour * 60 + local.dt.minute) * 60_000
    frame["at"] = (
        ms if clock == "milliseconds" else local.dt.strftime("%H:%M:%S"[: 5 if clock == "09:30" else None])
    )
    path = written(frame.drop(columns="ts"), tmp_path, "spy.csv")
    columns = {"time": "at", "day": "day"}
    if clock == "milliseconds":  # a CSV's 20240304 is a number, and still a day
        assert same(load_bars(path, columns, zone="America/Chicago"), held)
        frame["at"] = ms + 86_400_000
        assert "at is '117000000' in row 1" in refusal(written(frame, tmp_path), columns=columns)
        return
    assert same(load_bars(path, columns, zone="America/Chicago"), held)
    assert "give zone" in refusal(path, columns=columns)
    frame["at"] = "24:10"
    assert "at is '24:10' in row 1; expected a time of day" in refusal(
        written(frame, tmp_path), columns=columns
    )


def test_a_file_may_declare_that_it_has_no_volume(tmp_path: Path) -> None:
    frame = table(bars()).drop(columns="volume")
    path = written(frame, tmp_path)
    assert "no column 'volume'" in refusal(path)
    assert not load_bars(path, columns={"volume": None}).volume.any()


def test_times_kept_in_the_index_are_found(tmp_path: Path) -> None:
    path = tmp_path / "spy.parquet"
    table(bars()).set_index("ts").to_parquet(path)
    assert same(load_bars(path), bars())


def test_own_files_come_back_whole_and_still_say_that_they_are_synthetic(tmp_path: Path) -> None:
    n = len(bars())
    held = bars(
        lines={"vix": np.full(n, 14.0)}, source="synthetic test", notes=("SYNTHETIC minutes.",), symbol="XSP"
    )
    save(held, tmp_path / "mine.parquet")
    read = load_bars(tmp_path / "mine.parquet")
    assert same(read, held)
    assert read.symbol == "XSP"
    assert read.lines["vix"][5] == 14.0
    assert read.notes == ("SYNTHETIC minutes.",)
    assert "synthetic test" in read.source


# Bars outside regular hours, missing bars


def extended(days: tuple[date, ...], first: str, last: str) -> pd.DataFrame:
    parts = []
    for day in days:
        times = pd.date_range(f"{day} {first}", f"{day} {last}", freq="1min", tz="America/New_York")
        parts.append(pd.DataFrame({"ts": times, "open": 500.0, "high": 500.5, "low": 499.5, "close": 500.0}))
    return pd.concat(parts, ignore_index=True).assign(volume=1000.0)


def test_whole_extended_hours_are_set_apart_and_noted(tmp_path: Path) -> None:
    frame = pd.concat([extended(WEEK[:1], "04:00", "19:59"), table(bars(WEEK[1:]))])
    read = load_bars(written(frame, tmp_path))
    assert read.grid.dates == WEEK
    assert len(read) == 5 * 390
    assert any("570 on 1 days with extended hours" in note for note in read.notes)


def test_bars_after_an_early_close_are_set_apart(tmp_path: Path) -> None:
    frame = extended(OVER_A_HALF_DAY, "09:30", "15:59")
    read = load_bars(written(frame, tmp_path))
    assert read.grid.half.tolist() == [False, True, False]
    assert len(read) == 390 + 210 + 390


def test_an_index_told_until_twenty_past_four_keeps_its_sessions(tmp_path: Path) -> None:
    late = extended(WEEK[1:2], "16:00", "16:20").assign(close=499.75)
    read = load_bars(written(pd.concat([table(bars()), late]).sort_values("ts"), tmp_path))
    assert same(read, bars())
    assert "Bars set apart, next to the open or after the close: 21." in read.notes


def test_thin_extended_hours_beside_full_ones_are_set_apart(tmp_path: Path) -> None:
    thin = extended(WEEK[1:2], "07:00", "07:05")
    frame = pd.concat([extended(WEEK[:1], "04:00", "19:59"), thin, table(bars(WEEK[1:]))])
    read = load_bars(written(frame, tmp_path))
    assert read.grid.dates == WEEK
    assert "Bars set apart, outside regular hours: 570 on 1 days with extended hours." in read.notes


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("2024-03-05 03:00", "row 391: a bar ends 2024-03-05 03:00:00 New York, outside that day's session"),
        (
            "2024-03-05 08:15",
            "a bar ends 2024-03-05 08:16:00 New York, outside that day's session; expected 09:31",
        ),
        ("2024-03-05 18:30", "a bar ends 2024-03-05 18:31:00 New York, outside"),
        ("2024-03-09 12:00", "2024-03-09 12:00:00 New York, which is no trading day"),
        ("2024-03-05 21:00", "outside that day's session"),
    ],
)
def test_a_stray_bar_outside_trading_hours_is_an_error(tmp_path: Path, when: str, told: str) -> None:
    frame = table(bars())
    frame = pd.concat([frame, row(frame, when)]).sort_values("ts")
    assert told in refusal(written(frame, tmp_path))


def test_missing_minutes_are_noted_and_kept(tmp_path: Path) -> None:
    frame = table(bars()).drop(index=[0, 50, 51, 500])
    read = load_bars(written(frame, tmp_path))
    assert len(read) == 5 * 390 - 4
    assert "Missing minutes: 4, on 2 of 5 sessions." in read.notes


def test_a_whole_day_missing_is_noted(tmp_path: Path) -> None:
    frame = pd.concat([table(bars(WEEK[:2])), table(bars(WEEK[4:]))])
    assert (
        "Sessions without a bar, between the first and the last: 2."
        in load_bars(written(frame, tmp_path)).notes
    )


def test_a_day_without_an_open_or_a_close_is_set_apart_by_name(tmp_path: Path) -> None:
    frame = table(bars()).iloc[: 4 * 390 + 200]
    read = load_bars(written(frame, tmp_path))
    assert read.grid.dates == WEEK[:4]
    assert any("2024-03-08 (09:30 to 12:50)" in note for note in read.notes)
    only = written(table(bars(WEEK[:1])).iloc[:200], tmp_path, "spy_only.parquet")
    assert "no whole session: 2024-03-04 (09:30 to 12:50)" in refusal(only, stamped="start")


# Files that cannot be trusted


def test_missing_column_is_named_with_what_is_there(tmp_path: Path) -> None:
    path = written(table(bars()).drop(columns="close"), tmp_path)
    assert refusal(path) == "spy_minutes.parquet: no column 'close'; it has ts, open, high, low, volume"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        (
            "close",
            float("nan"),
            "close is nan in row 8 (2024-03-04 09:37:00 New York); expected a positive price",
        ),
        ("low", 0.0, "low is 0 in row 8"),
        ("open", -3.0, "open is -3 in row 8"),
        ("high", float("inf"), "high is inf in row 8"),
        ("high", 1.0, "high is 1 at 2024-03-04 09:38:00 New York; expected at least"),
        ("volume", -1.0, "volume is -1 at 2024-03-04 09:38:00"),
    ],
)
def test_bad_number_is_named_by_value_and_place(tmp_path: Path, column: str, value: float, told: str) -> None:
    frame = table(bars())
    frame.loc[7, column] = value
    assert told in refusal(written(frame, tmp_path))


@pytest.mark.parametrize("value", [0.135, 0.0, -1.0, 1350.0])
def test_a_vix_that_is_not_in_points_is_refused(tmp_path: Path, value: float) -> None:
    frame = table(bars()).assign(vix=13.5)
    frame.loc[7, "vix"] = np.nan
    assert np.isnan(load_bars(written(frame, tmp_path)).lines["vix"][7])
    frame.loc[9, "vix"] = value
    assert f"vix is {value:.10g} in row 10 (2024-03-04 09:39:00 New York); expected points" in refusal(
        written(frame, tmp_path)
    )


def test_text_among_numbers_is_named(tmp_path: Path) -> None:
    frame = table(bars()).astype({"close": object})
    frame.loc[7, "close"] = "halted"
    assert "close is 'halted' in row 8; expected a number" in refusal(written(frame, tmp_path, "spy.csv"))


def test_repeated_and_unsorted_stamps_are_named_by_row(tmp_path: Path) -> None:
    frame = table(bars())
    twice = pd.concat([frame.iloc[:6], frame.iloc[5:]])
    assert "row 7: stamp 2024-03-04 09:35:00 New York repeats" in refusal(
        written(twice, tmp_path, "spy1.csv")
    )
    turned = frame.iloc[[0, 1, 3, 2, *range(4, len(frame))]]
    told = refusal(written(turned, tmp_path, "spy2.csv"))
    assert re.search(r"row 4: stamp .*09:32:00 New York is earlier than .*expected strictly rising", told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("03/04/2024 09:35", "time is '03/04/2024 09:35' in row 6; expected a time like"),
        ("yesterday", "time is 'yesterday' in row 6"),
        ("2024-03-04 09:35:00+00:00", "in row 6; expected an offset on all or none"),
    ],
)
def test_unreadable_time_is_named(tmp_path: Path, text: str, told: str) -> None:
    frame = table(bars())
    frame["time"] = frame.pop("ts").dt.strftime("%Y-%m-%d %H:%M:%S")
    frame.loc[5, "time"] = text
    assert told in refusal(written(frame, tmp_path, "spy.csv"))


def test_seconds_are_refused(tmp_path: Path) -> None:
    frame = table(bars())
    frame["ts"] += pd.Timedelta(seconds=30)
    assert "09:30:30 New York; expected whole minutes" in refusal(written(frame, tmp_path))


def test_files_that_are_no_tables_are_refused_in_one_line(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.parquet")
    (tmp_path / "bars.xlsx").write_bytes(b"x")
    assert "ending '.xlsx'; expected .parquet or .csv" in refusal(tmp_path / "bars.xlsx")
    (tmp_path / "spy.parquet").write_bytes(b"not parquet at all")
    assert "cannot be read as a table" in refusal(tmp_path / "spy.parquet")
    (tmp_path / "spy.csv").write_bytes(b"")
    assert "cannot be read as a table" in refusal(tmp_path / "spy.csv")
    assert "the table is empty" in refusal(written(table(bars()).iloc[:0], tmp_path, "spy_empty.parquet"))


# Real files


@pytest.mark.realdata
def test_real_spy_year_loads_with_its_extended_hours_set_apart(real_data: Path) -> None:
    read = load_bars(real_data / "minute_spy_2024_03_2025_04.parquet")
    assert read.symbol == "SPY"
    grid = read.grid
    # 252 whole days and three half days; the last day of the file stops before its close
    assert len(grid.dates) == 255
    assert int(grid.half.sum()) == 3
    assert len(read) == 252 * 390 + 3 * 210
    assert (grid.dates[0], grid.dates[-1]) == (date(2024, 3, 26), date(2025, 4, 1))
    assert read.open[0] == 521.23
    assert any("bar starts" in note for note in read.notes)
    assert any("9 days with extended hours" in note for note in read.notes)
    assert any("2025-04-02 (09:30 to 15:24)" in note for note in read.notes)


@pytest.mark.realdata
@pytest.mark.parametrize(("symbol", "days"), [("SPY", 49), ("QQQ", 49), ("NVDA", 20)])
def test_real_blocks_of_several_symbols_load_one_symbol(real_data: Path, symbol: str, days: int) -> None:
    read = load_bars(real_data / "minute_blocks_spy_qqq_nvda_tsla_amd.parquet", symbol=symbol)
    assert len(read.grid.dates) == days
