"""The universe: complete, and a wrong fact is said in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.options.contract import Settlement, Style
from engine.settings import CONFIG_DIR, Settings
from engine.universe import load_universe

PATH = CONFIG_DIR / "universe.json"
ASKED = (
    "SPX SPY QQQ AAPL MSFT NVDA TSLA AMZN META GOOGL XLF XLE XLV SMH AMD NFLX SHOP BA CRM ORCL COST WMT XSP"
).split()


def test_holds_exactly_the_symbols_asked_for() -> None:
    assert sorted(load_universe(PATH)) == sorted(ASKED)


def test_index_options_are_european_and_cash_settled_the_rest_american_and_physical() -> None:
    for symbol, product in load_universe(PATH).items():
        index = symbol in ("SPX", "XSP")
        assert product.style is (Style.EUROPEAN if index else Style.AMERICAN)
        assert product.settlement is (Settlement.CASH_PM if index else Settlement.PHYSICAL)
        assert product.multiplier == 100
        assert product.symbol == symbol


def test_ticks_are_those_of_the_exchanges() -> None:
    universe = load_universe(PATH)
    spx, xsp, spy = (universe[symbol].tick for symbol in ("SPX", "XSP", "SPY"))
    assert (spx.threshold, spx.below, spx.above, spx.combo) == (3.0, 0.05, 0.10, 0.05)
    assert {xsp.below, xsp.above, xsp.combo, spy.below, spy.above, spy.combo} == {0.01}


def test_xsp_and_spy_are_a_tenth_of_spx_with_nothing_of_their_own() -> None:
    universe = load_universe(PATH)
    assert universe["SPX"].scale == 1.0
    for symbol in ("XSP", "SPY"):
        product = universe[symbol]
        assert (product.scale, product.beta, product.idiosyncratic) == (0.1, 1.0, 0.0)


def test_every_other_symbol_has_risk_of_its_own() -> None:
    for symbol, product in load_universe(PATH).items():
        if symbol not in ("SPX", "XSP", "SPY"):
            assert 0.02 < product.idiosyncratic < 0.6
            assert 0.2 < product.beta < 2.5


def test_every_symbol_a_bot_trades_is_in_the_universe_and_expires_daily() -> None:
    universe = load_universe(PATH)
    for profile in (None, "spx"):
        bots = Settings.load(profile=profile).bots
        for bot in (bots.putlite, bots.buywrite, bots.condor):
            assert [universe[symbol].expiries for symbol in bot.symbols] == ["daily"] * len(bot.symbols)


def spoil(*path: str, value: Any) -> Any:
    content = json.loads(PATH.read_text())
    place = content
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (
            spoil("symbols", "XSP", "strike_step", value=-1),
            ["symbols.XSP.strike_step", "-1", "greater than 0"],
        ),
        (
            spoil("symbols", "XSP", "tick", value="peny"),
            ["symbols.XSP.tick", "'peny'", "Did you mean 'penny'?"],
        ),
        (spoil("symbols", "XSP", "style", value="asian"), ["symbols.XSP.style", "'asian'", "european"]),
        (spoil("symbols", "XSP", "settlement", value="physical"), ["XSP.settlement", "physical", "cash"]),
        (spoil("symbols", "SPY", "settlement", value="cash_pm"), ["SPY.settlement", "cash_pm", "physical"]),
        (spoil("symbols", "SPY", "expiries", value="hourly"), ["symbols.SPY.expiries", "'hourly'", "daily"]),
        (spoil("symbols", "SPY", "price", value=None), ["symbols.SPY.price", "required"]),
        (spoil("symbols", "SPY", "colour", value="red"), ["symbols.SPY.colour", "'red'"]),
        (spoil("level", value=0), ["level", "0", "greater than 0"]),
        (spoil("version", value=2), ["version", "2"]),
        (spoil("symbols", value={}), ["symbols"]),
    ],
)
def test_wrong_fact_is_one_line_naming_file_place_and_value(
    content: Any, parts: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "universe.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError) as caught:
        load_universe(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(path))
    for part in parts:
        assert part in text


def test_unreadable_file_is_one_line_naming_the_line(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    path.write_text('{"version": 1,\n"symbols": }')
    with pytest.raises(ConfigError, match=r"universe.json:2: not readable as JSON"):
        load_universe(path)
    with pytest.raises(ConfigError, match=r"no.json: no such file"):
        load_universe(tmp_path / "no.json")
