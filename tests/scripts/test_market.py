"""Bars and quotes for a command: generated, derived, scaled from a file, or a named refusal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigError, DataError
from engine.settings import Settings
from engine.universe import load_universe
from feeds.synthetic.cache import save
from scripts.market import market, parse_timerange
from scripts.requests import Recording

CONFIG = Path(__file__).parents[2] / "config"
UNIVERSE = load_universe(CONFIG / "universe.json")
JANUARY = "20180102-20180131"


def settings(**data: object) -> Settings:
    return Settings.load(CONFIG, overrides={"data": data} if data else None)


def test_index_symbols_are_one_index_at_two_sizes_on_the_same_minutes() -> None:
    bars, quotes = market(settings(), UNIVERSE, ["SPX", "XSP"], timerange=JANUARY)
    assert list(bars) == ["SPX", "XSP"]
    assert len(bars["SPX"].grid.dates) == 21
    np.testing.assert_array_equal(bars["SPX"].stamp, bars["XSP"].stamp)
    np.testing.assert_allclose(bars["XSP"].close, bars["SPX"].close / 10, rtol=1e-12)
    quotes.move(200)
    assert quotes.spot("XSP") == bars["XSP"].close[200]
    for held in bars.values():
        assert np.isfinite(held.lines["vix"]).all()
        assert np.isfinite(held.lines["atm_iv"][390:]).any()
        assert any("SYNTHETIC" in note for note in held.notes)


def test_any_share_of_the_universe_stands_at_its_own_price() -> None:
    bars, _ = market(settings(), UNIVERSE, ["NVDA", "COST"], timerange=JANUARY)
    assert bars["NVDA"].symbol == "NVDA"
    one, other = (np.diff(np.log(held.close)) for held in bars.values())
    correlation = np.corrcoef(one, other)[0, 1]
    assert 0.0 < correlation < 0.9


def test_repeated_symbol_is_made_once() -> None:
    bars, _ = market(settings(), UNIVERSE, ["XSP", "XSP"], timerange=JANUARY)
    assert list(bars) == ["XSP"]


def test_seed_and_range_of_the_command_replace_the_settings() -> None:
    own, _ = market(settings(start="2018-01-02", end="2018-01-31", seed=3), UNIVERSE, ["SPX"])
    other, _ = market(settings(seed=99), UNIVERSE, ["SPX"], seed=3, timerange=JANUARY)
    np.testing.assert_array_equal(own["SPX"].close, other["SPX"].close)
    changed, _ = market(settings(), UNIVERSE, ["SPX"], seed=4, timerange=JANUARY)
    assert (changed["SPX"].close != own["SPX"].close).any()


def test_simulated_days_have_no_real_day_behind_them_and_start_at_the_level() -> None:
    bars, _ = market(settings(), UNIVERSE, ["XSP"], generator="simulated", timerange=JANUARY)
    real, _ = market(settings(), UNIVERSE, ["XSP"], timerange=JANUARY)
    np.testing.assert_array_equal(bars["XSP"].stamp, real["XSP"].stamp)
    assert bars["XSP"].open[0] == pytest.approx(600.0)
    assert abs(np.corrcoef(np.diff(bars["XSP"].close), np.diff(real["XSP"].close))[0, 1]) < 0.1


def test_premium_raises_implied_volatility() -> None:
    none, _ = market(settings(), UNIVERSE, ["SPX"], timerange=JANUARY, premium=0.0)
    some, _ = market(settings(), UNIVERSE, ["SPX"], timerange=JANUARY, premium=0.25)
    known = none["SPX"].lines["atm_iv"] > 0.0
    assert known.any()
    assert (some["SPX"].lines["atm_iv"][known] > none["SPX"].lines["atm_iv"][known]).all()


@pytest.fixture
def spy_file(tmp_path: Path) -> Path:
    bars, _ = market(settings(), UNIVERSE, ["SPY"], timerange="20180102-20180112")
    path = tmp_path / "minutes.parquet"
    save(bars["SPY"], path)
    return path


def test_recorded_bars_are_scaled_to_the_same_index(spy_file: Path) -> None:
    bars, _ = market(settings(), UNIVERSE, ["XSP", "SPY"], recording=Recording(bars=spy_file))
    factor = UNIVERSE["XSP"].scale / UNIVERSE["SPY"].scale
    np.testing.assert_allclose(bars["XSP"].close, bars["SPY"].close * factor, rtol=1e-12)
    assert any("not XSP's own" in note for note in bars["XSP"].notes)
    assert not any("not SPY's own" in note for note in bars["SPY"].notes)


def test_recorded_bars_are_cut_to_the_range(spy_file: Path) -> None:
    bars, _ = market(
        settings(), UNIVERSE, ["SPY"], recording=Recording(bars=spy_file), timerange="20180104-20180105"
    )
    assert bars["SPY"].grid.dates == (date(2018, 1, 4), date(2018, 1, 5))


def test_share_cannot_be_made_of_recorded_index_bars(spy_file: Path) -> None:
    with pytest.raises(DataError) as caught:
        market(settings(), UNIVERSE, ["SPY", "NVDA"], recording=Recording(bars=spy_file))
    assert "NVDA" in str(caught.value)
    assert str(spy_file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("symbols", "named"),
    [(["XPS"], "got 'XPS'.*Did you mean 'XSP'"), ([], "got none, expected at least one")],
)
def test_unknown_or_missing_symbol_is_refused(symbols: list[str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        market(settings(), UNIVERSE, symbols, timerange=JANUARY)


def test_unknown_generator_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'dreamed', expected one of conditioned, simulated"):
        market(settings(), UNIVERSE, ["SPX"], generator="dreamed", timerange=JANUARY)


def test_range_without_data_is_refused() -> None:
    with pytest.raises(DataError, match="2014-01-03 to 2018-12-31"):
        market(settings(), UNIVERSE, ["SPX"], timerange="20250102-20250131")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20180102-20180131", (date(2018, 1, 2), date(2018, 1, 31))),
        ("20180102-", (date(2018, 1, 2), None)),
        ("-20180131", (None, date(2018, 1, 31))),
        (" 20180102-20180102 ", (date(2018, 1, 2), date(2018, 1, 2))),
    ],
)
def test_range_may_lack_a_side(text: str, expected: tuple[date | None, date | None]) -> None:
    assert parse_timerange(text) == expected


@pytest.mark.parametrize(
    "text", ["", "-", "2018", "20180102", "2018-01-02", "20180231-", "20180131-20180102"]
)
def test_unreadable_range_is_one_line_naming_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_timerange(text)
    assert repr(text) in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.realdata
def test_recorded_spy_year_is_loaded_for_spy_and_xsp(real_data: Path) -> None:
    path = real_data / "minute_spy_2024_03_2025_04.parquet"
    if not path.is_file():
        pytest.skip(f"{path.name} is absent")
    bars, quotes = market(settings(), UNIVERSE, ["SPY", "XSP"], recording=Recording(bars=path))
    assert 252 <= len(bars["XSP"].grid.dates) <= 256
    assert any("VIX is missing" in note for note in bars["XSP"].notes)
    quotes.move(len(bars["XSP"]) - 100)
    expiry = quotes.expiry("XSP", 0)
    assert expiry is not None
    assert len(quotes.chain("XSP", expiry).strikes) > 10
