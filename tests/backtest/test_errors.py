"""What a user can get wrong: one line naming value and place, and nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts.cli import main
from tests.backtest.conftest import CONFIG

Change = Callable[[Path], None]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder)
    return folder


def bars(rows: int = 390) -> pd.DataFrame:
    """Return one regular session of SPY minutes, stamped at the bar's end."""
    stamps = pd.date_range("2024-05-13 09:31", periods=rows, freq="min", tz="America/New_York")
    close = 520.0 + np.sin(np.arange(rows) / 20.0)
    table = pd.DataFrame({"timestamp": stamps, "open": close, "high": close + 0.1, "low": close - 0.1})
    return table.assign(close=close, volume=100.0)


def fails(capsys: pytest.CaptureFixture[str], out: Path, *arguments: str) -> tuple[int, str]:
    """Run a backtest that must fail and return its exit code and its one line."""
    before = sorted(out.iterdir()) if out.exists() else []
    code = main(["backtest", "--out", str(out), *arguments])
    told = capsys.readouterr().err.strip()
    assert code in (1, 2)
    assert told.startswith("mw: ") and "\n" not in told and "Traceback" not in told
    assert (sorted(out.iterdir()) if out.exists() else []) == before
    return code, told


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def gap_in_cpi(folder: Path) -> None:
    path = folder / "events.json"
    calendar = json.loads(path.read_text())
    calendar["events"] = [e for e in calendar["events"] if not (e["kind"] == "CPI" and e["date"] < "2016")]
    path.write_text(json.dumps(calendar))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda c: (c / "events.json").write_text("{"), 1, ("events.json", "no JSON")),
        (lambda c: (c / "events.json").unlink(), 1, ("events.json", "No such file")),
        (lambda c: edited(c / "events.json", "2014-01-10", "2014-13-1"), 1, ("events[0].date", "2014-13-1")),
        (gap_in_cpi, 1, ("coverage.CPI", "no CPI between")),
        (lambda c: (c / "strategy.yaml").write_text("risk: [1"), 1, ("strategy.yaml",)),
        (lambda c: edited(c / "strategy.yaml", "width: 1 ", "width: -1 "), 1, ("width", "-1")),
        (lambda c: edited(c / "strategy.yaml", "day_cap: 150 ", "day_cup: 150 "), 1, ("day_cup", "day_cap")),
        (lambda c: edited(c / "strategy.yaml", "symbols: [XSP]", "symbols: [XPS]"), 1, ("'XPS'", "XSP")),
        (lambda c: (c / "fees.yaml").unlink(), 1, ("fees.yaml",)),
        (lambda c: (c / "universe.json").write_text("[]"), 1, ("universe.json",)),
    ],
    ids=[
        "calendar unreadable", "calendar missing", "calendar bad date", "calendar gap", "yaml unreadable",
        "negative width", "unknown key", "unknown symbol", "fees missing", "universe broken",
    ],
)  # fmt: skip
def test_broken_config_is_one_line(
    change: Change,
    code: int,
    words: tuple[str, ...],
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(config)

    got, told = fails(capsys, tmp_path / "runs", "--config", str(config))

    assert got == code, told
    for word in words:
        assert word in told


def nan_price(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[100, "close"] = np.nan
    return table


def twice(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[100, "timestamp"] = table["timestamp"].loc[99]
    return table


def unsorted(table: pd.DataFrame) -> pd.DataFrame:
    order = [*range(100), 101, 100, *range(102, 390)]
    return table.iloc[order].reset_index(drop=True)


def at_night(table: pd.DataFrame) -> pd.DataFrame:
    night = table.iloc[:1].assign(timestamp=pd.Timestamp("2024-05-13 03:00", tz="America/New_York"))
    return pd.concat([night, table], ignore_index=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda table: table.drop(columns="low"), ("low",)),
        (nan_price, ("close", "nan", "2024-05-13 11:11")),
        (twice, ("2024-05-13 11:10",)),
        (unsorted, ("2024-05-13 11:1",)),
        (at_night, ("2024-05-13 03:0",)),
        (lambda table: table.iloc[:0], ()),
    ],
    ids=["missing column", "NaN price", "duplicate stamp", "unsorted stamps", "outside hours", "empty"],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_broken_bars_are_one_line(
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    words: tuple[str, ...],
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"SPY.{kind}"
    table = spoil(bars())
    if kind == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)

    code, told = fails(capsys, tmp_path / "runs", "--bars", str(path), "--symbol", "SPY", "--bots", "condor")

    assert code == 2, told
    assert "SPY" in told
    for word in words:
        assert word.lower() in told.lower(), told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--symbol", "SPZ"), ("'SPZ'", "universe.json")),
        (("--bots", "condoor"), ("'condoor'", "condor")),
        (("--timerange", "2014-2018"), ("'2014-2018'", "YYYYMMDD")),
        (("--profile", "spz"), ("spz", "spx")),
        (("--premium", "-3"), ("premium", "-3")),
        (("--bars", "nowhere.parquet"), ("nowhere.parquet", "no such file")),
        (("--seed", "-1"), ("-1",)),
    ],
)
def test_wrong_words_on_the_command_line_are_one_line(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = fails(capsys, tmp_path / "runs", *arguments)

    for word in words:
        assert word in told


def test_undefined_risk_is_refused_outside_research(tmp_path: Path) -> None:
    """The naked put of ``cash_secured`` trades in a backtest; no other venue can ask for it."""
    from engine.errors import ConfigError
    from engine.risk.blackouts import EventCalendar
    from engine.risk.governor import Governor
    from engine.settings import Settings

    limits = Settings.load(CONFIG).risk.limits()
    calendar = EventCalendar.load(CONFIG / "events.json")

    with pytest.raises(ConfigError, match="'live'"):
        Governor(limits, calendar, research=True, venue="live")
