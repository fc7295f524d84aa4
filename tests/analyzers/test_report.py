"""A run judged, written, read again and shown."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from analyzers.analysis import analyze
from analyzers.benchmarks import benchmarks
from analyzers.report.charts import equity, month_table
from analyzers.report.html import render_html
from analyzers.report.terminal import print_tables
from analyzers.report.trade_chart import trade_chart
from analyzers.result import RunResult, load, save
from engine.errors import DataError
from tests.analyzers.makers import DAYS, run, trade


@pytest.fixture(scope="module")
def result() -> RunResult:
    rng = np.random.default_rng(5)
    trades = [
        trade(number, day, float(np.round(rng.normal(2.0, 20.0), 2)), ("condor", "putlite")[number % 2])
        for number, day in enumerate(DAYS, 1)
    ]
    return run(trades)


@pytest.fixture(scope="module")
def empty() -> RunResult:
    return run([])


class Page(HTMLParser):
    """Collect what a page would fetch, and whether its tags close."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "path", "use", "rect", "circle", "image"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset") and value and not value.startswith("#"):
                self.fetched.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Page:
    found = Page()
    found.feed(page)
    return found


def test_daily_results_hold_every_session_idle_ones_too() -> None:
    analysis = analyze(run([trade(1, DAYS[3], 12.5), trade(2, DAYS[3], -2.5, "putlite")]))

    assert len(analysis.daily) == len(DAYS)
    assert analysis.daily["all"].sum() == pytest.approx(10.0)
    assert (analysis.daily["all"] != 0).sum() == 1


def test_session_without_a_trade_is_judged_whatever_type_its_journal_gives_to_nothing(tmp_path: Path) -> None:
    held = run([trade(1, DAYS[0], 9.0)])
    idle = dataclasses.replace(held, trades=held.trades.iloc[:0].astype({"net": object}))

    analysis = analyze(idle)
    assert analysis.daily["condor"].sum() == 0.0 and analysis.worst_days.empty
    assert (save(idle, analysis, None, tmp_path) / "report.html").is_file()


def test_trade_whose_mid_nobody_knew_is_drawn_without_a_figure(tmp_path: Path) -> None:
    held = run([trade(1, DAYS[0], 9.0)])
    unknown = dataclasses.replace(held, trades=held.trades.assign(slippage=np.nan))

    assert (save(unknown, analyze(unknown), None, tmp_path) / "report.html").is_file()


@pytest.mark.parametrize(("days", "known"), [(1, False), (19, False), (20, True)])
def test_a_few_sessions_are_not_stretched_to_a_year(days: int, known: bool) -> None:
    span = tuple(date(2018, 5, 1) + timedelta(days=number) for number in range(days))
    total = analyze(run([trade(1, span[0], 9.0)], span)).total

    assert [np.isfinite(total[name]) for name in ("annual_return", "annual_volatility")] == [known, known]


def test_one_day_has_the_day_itself_on_its_axis() -> None:
    axes = Figure().subplots()
    equity(axes, analyze(run([trade(1, DAYS[0], 9.0)], DAYS[:1])))

    (low, high), (line, *_) = axes.get_xlim(), axes.get_lines()[1:]
    assert high - low < 2.0 and np.asarray(line.get_ydata()).tolist() == [0.0, 9.0]


def test_bots_add_up_to_the_whole(result: RunResult) -> None:
    analysis = analyze(result)

    for name in ("net", "trades", "fees", "gross"):
        assert sum(own[name] for own in analysis.bots.values()) == pytest.approx(analysis.total[name])
    for table in analysis.groups.values():
        assert table.net.sum() == pytest.approx(analysis.total["net"])


def test_day_loss_over_the_cap_is_named_and_explained() -> None:
    trades = [trade(n, DAYS[2], -78.0) for n in (1, 2)] + [trade(3, DAYS[5], -160.0)]

    first, second = analyze(run(trades)).excesses

    assert str(DAYS[2]) in first and "lost 156.00 USD, cap 150.00" in first and "unexplained" in first
    assert "gap" in second and "80.00 USD more than their structures reserve" in second


def test_own_budget_has_its_own_cap() -> None:
    assert analyze(run([trade(1, DAYS[2], -800.0, "buywrite", structural_loss=900.0)])).excesses == []


def test_saved_run_is_read_back_the_same(result: RunResult, tmp_path: Path) -> None:
    analysis = analyze(result)

    folder = save(result, analysis, benchmarks(result.market), tmp_path)
    again, passive = load(folder)

    assert sorted(path.name for path in tmp_path.iterdir()) == [result.run_id]
    assert again.trades.net.tolist() == result.trades.net.tolist()
    assert again.settings == json.loads(json.dumps(result.settings))
    assert analyze(again).to_summary() == analysis.to_summary()
    assert passive is not None and set(passive) == {"buy_and_hold", "put_write", "buy_write"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["total"]["trades"] == len(result.trades)
    height, width = matplotlib.image.imread(folder / "report.png").shape[:2]
    assert (width, height) == (1600, 1040)


def test_failed_write_leaves_nothing(
    result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analyzers.report.png.render_png", full)

    with pytest.raises(OSError, match="No space"):
        save(result, analyze(result), None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of mw backtest"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["result", "empty"])
def test_page_is_whole_and_fetches_nothing(name: str, request: pytest.FixtureRequest) -> None:
    held: RunResult = request.getfixturevalue(name)

    page = read(render_html(held, analyze(held), benchmarks(held.market)))

    assert page.fetched == []
    assert page.open == []
    text = " ".join(page.text)
    assert "no evidence of an edge" in text
    assert "none <but this>" in text  # escaped, not markup
    assert held.run_id in text and held.git_commit in text


def test_recorded_bars_carry_no_synthetic_warning_but_that_of_model_quotes() -> None:
    held = run([trade(1, DAYS[0], 5.0)], synthetic=False)

    page = render_html(held, analyze(held), None)

    assert "no evidence of an edge" not in page
    assert "Recorded bars, model quotes" in page


def test_day_over_the_cap_stands_in_the_head_of_the_page() -> None:
    held = run([trade(1, DAYS[5], -160.0)])

    head = render_html(held, analyze(held), None).split("<main>")[0]

    assert "Day cap passed" in head and f"condor-{DAYS[5]:%Y%m%d}-1" in head


def test_drawings_share_no_name_and_letters_stay_letters(result: RunResult) -> None:
    page = render_html(result, analyze(result), benchmarks(result.market))

    names = re.findall(r' id="([^"]+)"', page.split("<script")[0])
    outside = [name for name in names if not re.fullmatch(r"[mp][0-9a-f]{10}|C\w+", name)]
    assert len(outside) == len(set(outside)) and {"equity", "readout"} <= set(outside)
    assert ">Net profit and loss, USD</text>" in page


def test_pointer_reads_every_session_of_every_bot(result: RunResult) -> None:
    analysis = analyze(result)

    page = render_html(result, analysis, None)

    found = re.search(r'id="curve">(.*?)</script>', page)
    assert found is not None
    curve = json.loads(found[1])
    assert len(curve["days"]) == len(DAYS) == len(curve["day"])
    assert set(curve["values"]) == {"condor", "putlite", "all"}
    assert curve["values"]["all"][-1] == round(analysis.total["net"])
    assert 0 < curve["left"] < curve["right"] and 0 < curve["top"] < curve["bottom"]


def test_months_add_up_to_years(result: RunResult) -> None:
    analysis = analyze(result)

    assert month_table(analysis).sum(axis=1).to_numpy() == pytest.approx(analysis.years.net.to_numpy())


def test_same_run_gives_the_same_page(result: RunResult) -> None:
    one, other = (render_html(result, analyze(result), benchmarks(result.market)) for _ in range(2))

    assert one == other


def test_trade_chart_is_a_picture(tmp_path: Path) -> None:
    held = run([trade(1, DAYS[0], -30.0)]).trades.iloc[0]
    times = pd.date_range(f"{DAYS[0]} 09:31", f"{DAYS[0]} 16:00", freq="min", tz="America/New_York")
    prices = pd.Series(np.linspace(600.0, 603.0, len(times)), index=times)
    marks = pd.Series(np.linspace(0.2, 0.6, len(times)), index=times)

    trade_chart(held, times, prices, [(596.0, "−596P"), (595.0, "+595P")], marks, tmp_path / "trade.png")

    assert matplotlib.image.imread(tmp_path / "trade.png").shape[:2] == (780, 1200)


@pytest.mark.parametrize("name", ["result", "empty"])
def test_terminal_shows_the_tables_in_order(name: str, request: pytest.FixtureRequest) -> None:
    held: RunResult = request.getfixturevalue(name)
    stream = io.StringIO()

    print_tables(Console(file=stream, width=120), held, analyze(held))

    told = stream.getvalue()
    places = [
        told.index(word) for word in ("By symbol", "By exit", "Summary", "Trades left open", "Decision")
    ]
    assert places == sorted(places)
    if name == "empty":
        assert "no trades" in told and "insufficient data" in told


def test_every_key_of_the_summary_is_documented(result: RunResult, tmp_path: Path) -> None:
    folder = save(result, analyze(result), benchmarks(result.market), tmp_path)
    told = json.loads((folder / "summary.json").read_text())
    page = (Path(__file__).parents[2] / "docs" / "summary.md").read_text()

    keys = [*told, *told["total"], *told["checks"][0], *told["groups"]]
    keys += [key for part in ("years", "benchmarks") for row in told[part].values() for key in row]
    missing = [key for key in keys if not re.search(rf"\b{key}\b", page)]

    assert missing == []
    for path in folder.glob("*.*"):
        assert f"`{path.name}`" in page
