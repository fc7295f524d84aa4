"""What stands still while it ought to move is kept apart; what has a right to stand still is not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.store.checks import read
from feeds.store.columns import ColumnMap, preset
from feeds.store.stale import LEAST_DELTA, _delta
from scripts.cli import main
from scripts.synth_quotes import synth_quotes
from tests.feeds.recorded.conftest import CONFIG
from tests.feeds.store.vendors import lean_members

# The model's own quotes have no changing sizes: what follows rests on prices alone.
MAP = preset(CONFIG / "vendors", "market-watch")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The stormy 5 February 2018, every minute of forty strikes."""
    folder = tmp_path_factory.mktemp("made")
    synth_quotes("SPX", folder, "20180205-20180205", strikes=40, config=CONFIG)
    (path,) = folder.iterdir()
    return pd.read_parquet(path)


def minute(table: pd.DataFrame) -> pd.Series:
    local = table.stamp.dt.tz_convert("America/New_York")
    of_day: pd.Series = local.dt.hour * 60 + local.dt.minute
    return of_day


def frozen(table: pd.DataFrame, chosen: pd.Series, start: int, stop: int) -> pd.DataFrame:
    """Repeat what the chosen contracts were quoted at one minute until another."""
    table = table.copy()
    at = minute(table)
    last = table[chosen & (at == start)].set_index(["strike", "call"])
    rows = chosen & (at > start) & (at <= stop)
    held = last.loc[pd.MultiIndex.from_frame(table.loc[rows, ["strike", "call"]])]
    for name in ("bid", "ask", "bid_size", "ask_size"):
        table.loc[rows, name] = held[name].to_numpy()
    return table


def apart(table: pd.DataFrame, path: Path, columns: ColumnMap = MAP) -> pd.DataFrame:
    table.to_parquet(path)
    checked = read(path, columns)
    assert set(checked.reasons) <= {"stale", "neither bid nor ask"}
    found: list[pd.DataFrame] = [rejected.to_pandas() for _, rejected in checked.days.values()]
    return pd.concat(found).query("reason == 'stale'")


def middle(day: pd.DataFrame, start: int) -> tuple[float, float]:
    """Return the underlying at a minute and the strike nearest to it."""
    spot = float(day[minute(day) == start].spot.iloc[0])
    return spot, float(day.strike.iloc[(day.strike - spot).abs().argmin()])


def calmest_and_wildest(day: pd.DataFrame, span: int = 40) -> tuple[int, int]:
    """Return the minutes from which the underlying goes least and furthest in a span."""
    spot = day.drop_duplicates("stamp").set_index("stamp").spot.to_numpy()
    far = [np.abs(spot[at : at + span] / spot[at] - 1).max() for at in range(len(spot) - span)]
    return 571 + int(np.argmin(far)), 571 + int(np.argmax(far))


def test_model_day_as_it_is_has_no_stale_row(day: pd.DataFrame, tmp_path: Path) -> None:
    assert apart(day, tmp_path / "a.parquet").empty


@pytest.mark.parametrize("spot", ["told", "by parity"])
def test_contract_that_stands_still_while_the_underlying_moves_is_kept_apart(
    day: pd.DataFrame, tmp_path: Path, spot: str
) -> None:
    start = calmest_and_wildest(day)[1]
    under, strike = middle(day, start)
    chosen = (day.strike == strike) & day.call
    table = frozen(day, chosen, start, start + 40)
    if spot == "by parity":
        table["spot"] = np.nan
    found = apart(table, tmp_path / "a.parquet")
    assert set(zip(found.strike, found.call, strict=True)) == {(strike, True)}
    at = minute(found)
    assert at.min() >= start + MAP.stale_minutes and at.max() <= start + 40
    if spot == "told":
        assert ((found.spot / under - 1).abs() > MAP.stale_share).all()
        spread = float((found.ask - found.bid).iloc[0])
        moved = (day[chosen & minute(day).between(start + 15, start + 40)].spot - under).abs()
        assert len(found) <= (moved > spread / 2).sum()
    assert len(found) > 5


def test_whole_chain_that_stands_still_is_seen_by_the_spot_and_only_by_it(
    day: pd.DataFrame, tmp_path: Path
) -> None:
    start = calmest_and_wildest(day)[1]
    table = frozen(day, pd.Series(True, day.index), start, start + 40)
    found = apart(table, tmp_path / "a.parquet")
    assert found.strike.nunique() > 10 and found.call.nunique() == 2
    table["spot"] = np.nan
    assert apart(table, tmp_path / "b.parquet").empty


def test_standstill_while_the_underlying_stands_still_is_believed(day: pd.DataFrame, tmp_path: Path) -> None:
    start = calmest_and_wildest(day, 20)[0]
    quiet = day.copy()
    at = minute(quiet)
    chosen = (at > start) & (at <= start + 20)
    quiet.loc[chosen, "spot"] = middle(day, start)[0]
    table = frozen(quiet, pd.Series(True, day.index), start, start + 20)
    assert apart(table, tmp_path / "a.parquet").empty


@pytest.mark.parametrize("spot", ["told", "by parity"])
def test_wings_may_stand_still(day: pd.DataFrame, tmp_path: Path, spot: str) -> None:
    start = calmest_and_wildest(day)[1]
    under, _ = middle(day, start)
    here = day[minute(day) == start]
    mid = (here.bid.fillna(0.0) + here.ask) / 2
    delta = pd.Series(
        _delta(mid.to_numpy(), np.full(len(here), under), here.strike.to_numpy(), here.call.to_numpy()),
        here.index,
    )
    wings = here[(delta < LEAST_DELTA) | here.bid.isna()]
    assert len(wings) >= 5
    keys = pd.MultiIndex.from_frame(wings[["strike", "call"]])
    chosen = pd.Series(pd.MultiIndex.from_frame(day[["strike", "call"]]).isin(keys), day.index)
    table = frozen(day, chosen, start, start + 40)
    if spot == "by parity":
        table["spot"] = np.nan
    assert apart(table, tmp_path / "a.parquet").empty


# An at-the-money call that nobody moves; the underlying leaves after three minutes, its delta is a half.
EXACT: dict[str, tuple[float, float, list[int]]] = {
    "to the bound": (0.02, 1.0, list(range(15, 30))),
    "wider than the move by delta": (0.60, 1.0, []),
    "narrower than it": (0.40, 1.0, list(range(15, 30))),
    "a move within the share": (0.02, 0.15, []),
    "a move beyond the share": (0.02, 0.25, list(range(15, 30))),
}


@pytest.mark.parametrize("name", list(EXACT))
def test_standstill_is_judged_by_minutes_move_delta_and_spread(tmp_path: Path, name: str) -> None:
    spread, move, wanted = EXACT[name]
    stamps = pd.date_range("2018-02-05 10:00", periods=30, freq="min", tz="America/New_York")
    table = pd.DataFrame(
        {
            "stamp": stamps.tz_convert("UTC"), "expiry": pd.Timestamp("2018-02-05").date(), "strike": 100.0,
            "call": True, "am": False, "root": "SPXW", "bid": 1.0, "ask": 1.0 + spread, "bid_size": 5,
            "ask_size": 5, "spot": np.where(np.arange(30) < 3, 100.0, 100.0 + move), "volume": 0,
            "open_interest": 0,
        }
    )  # fmt: skip
    found = apart(table.sample(frac=1.0, random_state=3), tmp_path / "a.parquet")
    assert sorted(minute(found) - 600) == wanted
    came_back = table.assign(spot=np.where(np.arange(30) < 20, table.spot, 100.0))
    found = apart(came_back, tmp_path / "a.parquet")
    assert sorted(minute(found) - 600) == [at for at in wanted if at < 20]


def test_underlying_by_parity_stands_where_it_does_although_every_strike_is_below_it(tmp_path: Path) -> None:
    stamps = pd.date_range("2018-02-05 10:00", periods=30, freq="min", tz="America/New_York").tz_convert(
        "UTC"
    )
    forward = np.where(np.arange(30) < 3, 100.0, 101.0)
    rows = [
        {
            "stamp": at, "expiry": pd.Timestamp("2018-02-05").date(), "strike": strike, "call": call,
            "am": False, "root": "SPXW", "bid": mid - 0.01, "ask": mid + 0.01, "bid_size": 5, "ask_size": 5,
            "spot": np.nan, "volume": 0, "open_interest": 0,
        }
        for at, level in zip(stamps, forward, strict=True)
        for strike in np.arange(88.0, 95.0)
        for call, mid in ((True, level - strike + 0.04), (False, 0.04))
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    assert apart(table, tmp_path / "a.parquet").empty, "the puts are wings"
    deep = table.call & (table.strike == 90.0)
    table.loc[deep, ["bid", "ask"]] = [10.03, 10.05]
    found = apart(table, tmp_path / "a.parquet")
    assert set(found.strike) == {90.0} and found.call.all() and len(found) == 15


def test_two_snapshots_are_no_standstill(tmp_path: Path, day: pd.DataFrame) -> None:
    start = calmest_and_wildest(day)[1]
    table = frozen(day, day.strike == middle(day, start)[1], start, start + 40)
    assert apart(table[minute(table).isin([start, start + 40])], tmp_path / "a.parquet").empty
    assert not apart(table[minute(table).isin([start, start + 20, start + 40])], tmp_path / "a.parquet").empty


def test_quote_whose_size_still_changes_is_alive(day: pd.DataFrame, tmp_path: Path) -> None:
    start = calmest_and_wildest(day)[1]
    chosen = day.strike == middle(day, start)[1]
    table = frozen(day, chosen, start, start + 40)
    table.loc[chosen, "bid_size"] = 10 + minute(table) % 7
    assert apart(table, tmp_path / "a.parquet").empty


def test_minutes_and_share_are_declared_and_nought_minutes_switch_it_off(
    day: pd.DataFrame, tmp_path: Path
) -> None:
    start = calmest_and_wildest(day)[1]
    table = frozen(day, day.strike == middle(day, start)[1], start, start + 40)
    sooner = apart(table, tmp_path / "a.parquet", MAP.model_copy(update={"stale_minutes": 5}))
    later = apart(table, tmp_path / "a.parquet")
    further = apart(table, tmp_path / "a.parquet", MAP.model_copy(update={"stale_share": 0.02}))
    assert len(sooner) > len(later) > len(further)
    assert apart(table, tmp_path / "a.parquet", MAP.model_copy(update={"stale_minutes": 0})).empty


def test_stale_rows_are_in_the_report_and_in_the_store_beside_the_day(
    day: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = calmest_and_wildest(day)[1]
    table = frozen(day, day.strike == middle(day, start)[1], start, start + 40)
    table.to_parquet(tmp_path / "a.parquet")
    chosen = ["--symbol", "SPX", "--preset", "market-watch", "--config", str(CONFIG), "--json"]
    path, store = str(tmp_path / "a.parquet"), str(tmp_path / "s")
    assert main(["data", "import", path, "--store", store, *chosen]) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert told["rejected"]["stale"] > 5
    assert told["kept"] + sum(told["rejected"].values()) == told["rows"] == len(table)


@pytest.mark.parametrize("sd", [0.5, 5.0, 60.0])
def test_delta_is_bachelier_s_at_the_options_own_price(sd: float) -> None:
    strike = np.linspace(100 - 2.5 * sd, 100 + 2.5 * sd, 41)
    x = (strike - 100.0) / sd
    tail = np.array([0.5 * (1 - float(np.vectorize(_erf)(value / np.sqrt(2)))) for value in x])
    price = sd * (np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) - x * tail)
    under = np.full(41, 100.0)
    np.testing.assert_allclose(_delta(price, under, strike, np.ones(41, bool)), tail, atol=2e-3)
    puts = price + strike - 100.0
    np.testing.assert_allclose(_delta(puts, under, strike, np.zeros(41, bool)), 1 - tail, atol=2e-3)


def _erf(value: float) -> float:
    from math import erf

    return erf(value)


REAL = {
    "minute_quotes_spxw_spx_2021_01.parquet": ("SPX", 0.001),
    "minute_quotes_goog_2015_12_24_half_day.parquet": ("GOOGL", 0.001),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", list(REAL))
@pytest.mark.parametrize("sizes", ["as recorded", "left out"])
def test_rule_finds_hardly_a_stale_row_in_honest_minutes(
    root: Path, tmp_path: Path, name: str, sizes: str
) -> None:
    path = root.parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    real = pd.read_parquet(path)
    columns = preset(CONFIG / "vendors", "lean")
    total = stale = kept = 0
    for when, rows in real.groupby("date"):
        if sizes == "left out":
            rows = rows.assign(bsz=0, asz=0)
        file = as_lean(rows, f"{when:%Y%m%d}", tmp_path)
        checked = read(file, columns, REAL[name][0])
        total, kept = total + checked.rows, kept + checked.kept
        stale += checked.reasons["stale"]
    assert total == len(real)
    assert kept / total > 0.9
    assert stale <= (0 if sizes == "as recorded" else REAL[name][1] * total)


def as_lean(rows: pd.DataFrame, day: str, folder: Path) -> Path:
    """Write recorded minute bars as the zip they came in."""
    stamp = pd.Timestamp(day) + pd.to_timedelta(rows.ms, unit="ms")
    table = pd.DataFrame(
        {
            "root": rows.root, "call": rows.right == "C", "strike": rows.strike, "expiry": rows.expiry,
            "bid": rows.bc.astype(float), "ask": rows.ac.astype(float), "bid_size": rows.bsz,
            "ask_size": rows.asz,
        }
    )  # fmt: skip
    path = folder / f"{day}_quote_european.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in lean_members(table, stamp, day).items():
            archive.writestr(member, text)
    return path
