"""``mw backtest --quotes STORE``: the same bots on recorded quotes, and what each trade was made on."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from engine.journal.records import Trade
from feeds.model import ModelQuotes
from feeds.store.store import QuoteStore
from feeds.synthetic.cache import save
from scripts.cli import main
from scripts.frames import frame
from scripts.requests import Recording
from scripts.session import Setup, play, prepare
from scripts.synth_quotes import snapshots
from tests.backtest.conftest import CONFIG, request

DAYS = "20180108-20180202"
INDEX = {"profile": "spx", "symbol": "SPX", "bots": ("putlite", "condor")}


@pytest.fixture(scope="module")
def market_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Four weeks of SPX minutes, and a store of the model's quotes on the first half of them."""
    folder = tmp_path_factory.mktemp("recorded")
    setup = prepare(request(folder, timerange=DAYS, **INDEX))
    assert isinstance(setup.book, ModelQuotes)
    save(setup.bars["SPX"], folder / "spx.parquet")
    store = QuoteStore.create(folder / "store")
    with store.batch({}) as batch:
        for number, day in enumerate(setup.book.tape.grid.dates[:10]):
            tables = [snapshots(setup.book, "SPX", number, ahead, 200) for ahead in (0, 1)]
            batch.write("SPX", day, pa.concat_tables([table for table in tables if table is not None]))
    return folder / "spx.parquet", folder / "store"


def trades(setup: Setup) -> pd.DataFrame:
    return frame(play(setup)[0].journal.trades, Trade)


def test_mixed_run_names_the_source_of_every_trade(market_files: tuple[Path, Path], tmp_path: Path) -> None:
    bars, store = market_files
    mixed = prepare(request(tmp_path, recording=Recording(bars=bars, quotes=store, mix=True), **INDEX))
    plain = trades(prepare(request(tmp_path, recording=Recording(bars=bars), **INDEX)))
    made = trades(mixed)
    assert set(made.source) == {"recorded", "model"}
    switch = pd.Timestamp(mixed.bars["SPX"].grid.dates[10], tz="America/New_York")
    assert ((made.source == "recorded") == (made.entry_time < switch)).all()
    # the store holds the model's own quotes, so a trade entered by both ends the same
    both = made.merge(plain, on=["bot", "entry_time", "legs", "quantity"])
    assert len(both) >= 0.7 * len(made) > 4
    assert (both.exit_time_x == both.exit_time_y).all()
    pd.testing.assert_series_equal(both.net_x, both.net_y, check_names=False)


def test_both_loops_leave_the_same_journal(market_files: tuple[Path, Path], tmp_path: Path) -> None:
    setup = prepare(request(tmp_path, recording=Recording(quotes=market_files[1]), **INDEX))
    one, other = play(setup)[0].journal, play(setup, stock_loop=True)[0].journal
    assert len(one.trades) > 2
    assert repr(one.trades) == repr(other.trades)
    assert repr(one.fills) == repr(other.fills)
    assert one.decisions().equals(other.decisions())


def test_command_reports_what_each_trade_was_made_on(
    market_files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, store = market_files
    wanted = ["--profile", "spx", "--symbol", "SPX", "--bots", "putlite,condor", "--config", str(CONFIG)]
    assert main(["backtest", "--quotes", str(store), "--out", str(tmp_path), *wanted]) == 0
    (folder,) = tmp_path.iterdir()
    told = json.loads((folder / "summary.json").read_text())
    assert told["run"]["synthetic"] is False
    assert set(told["groups"]["source"]) == {"recorded"}
    assert told["run"]["inputs"]["quotes"] == str(store)
    assert any("recorded on 10 of 10 sessions" in note for note in told["run"]["data_notes"])
    assert not any("a model's, not recorded" in text for text in told["run"]["assumptions"])
    made = pd.read_parquet(folder / "trades.parquet")
    assert len(made) and (made.source == "recorded").all()
    number = int(made.trade_id.iloc[0])
    assert main(["report", str(folder), "--trade", str(number)]) == 0
    assert (folder / f"trade-{number}.png").stat().st_size > 10_000
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--quotes", "nowhere"], "expected a store made by mw data import"),
        (["--quotes", "{store}", "--symbol", "NVDA"], "NVDA: holds SPX bars"),
        (["--quotes", "{store}", "--symbol", "XSP"], "holds no XSP quotes"),
        (["--quotes", "{store}", "--symbol", "SPX", "--timerange", "20200102-"], "no SPX quotes from 2020"),
        (["--bars", "{bars}", "--stamped", "middle"], "stamped: got 'middle'"),
        (["--bars", "{bars}", "--columns", "price=close"], "unknown name 'price'"),
        (["--mix"], "--mix: expected with --quotes STORE"),
        (["--zone", "UTC"], "--zone: expected with --bars FILE"),
    ],
)
def test_wrong_recording_is_one_line_and_leaves_nothing(
    market_files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    bars, store = market_files
    given = [text.format(store=store, bars=bars) for text in arguments]
    assert main(["backtest", *given, "--out", str(tmp_path / "runs"), "--config", str(CONFIG)]) in (1, 2)
    told = capsys.readouterr().err.strip()
    assert told.startswith("mw: ") and "\n" not in told
    assert words in told
    assert not (tmp_path / "runs").exists()
