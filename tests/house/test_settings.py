"""Settings: where a value comes from, and what is said about a wrong one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from engine.errors import ConfigError
from engine.options.expected_move import Convention
from engine.reasons import Reason
from engine.settings import CONFIG_DIR, Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's settings that a test may spoil."""
    copy = tmp_path / "config"
    shutil.copytree(CONFIG_DIR, copy)
    return copy


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += keys(inner, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return found


def told(node: Any, wanted: list[str], prefix: str = "") -> list[str]:
    found = []
    for name, value in node.items():
        path = f"{prefix}{name}"
        found += [path] if path in wanted else told(value, wanted, f"{path}.")
    return found


def test_strategy_file_holds_every_setting_at_its_default() -> None:
    content = yaml.safe_load((CONFIG_DIR / "strategy.yaml").read_text())
    wanted = keys(Settings)
    assert sorted(told(content, wanted)) == sorted(wanted)
    assert Settings.load(CONFIG_DIR) == Settings()


def test_small_account_has_the_limits_of_the_issue() -> None:
    settings = Settings.load()
    limits = settings.risk.limits()
    assert (limits.planned_loss, limits.structural_loss, limits.day_cap, limits.day_r) == (50, 100, 150, 3)
    assert (limits.window_first, limits.window_last) == (10 * 60 + 30, 13 * 60 + 30)
    assert limits.flat_by < 15 * 60 + 30
    assert (limits.halt_move, limits.halt_vix, limits.halt_range) == (1.25, 3.0, 1.0)
    assert limits.budget("buywrite")[1].structural_loss == 1500
    assert limits.budget("condor")[0] == "shared"
    assert settings.bots.putlite.convention is Convention.RATIO


def test_spx_profile_widens_what_it_names_and_nothing_else() -> None:
    plain, spx = Settings.load(), Settings.load(profile="spx")
    assert spx.bots.putlite.symbols == spx.bots.condor.symbols == ("SPX",)
    assert spx.bots.putlite.width == spx.bots.condor.width == 5
    assert (spx.risk.planned_loss, spx.risk.structural_loss, spx.risk.day_cap) == (250, 500, 1500)
    assert spx.bots.buywrite == plain.bots.buywrite
    assert spx.execution == plain.execution


def test_command_line_beats_environment_beats_profile_beats_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "profiles" / "mine.yaml").write_text("risk: {day_cap: 201, day_r: 4, planned_loss: 60}\n")
    monkeypatch.setenv("MW__RISK__DAY_CAP", "202")
    monkeypatch.setenv("MW__RISK__DAY_R", "5")
    settings = Settings.load(folder, "mine", {"risk": {"day_cap": 203}})
    assert (settings.risk.day_cap, settings.risk.day_r, settings.risk.planned_loss) == (203, 5, 60)
    assert settings.risk.structural_loss == 100


@pytest.mark.parametrize(
    ("name", "text", "read", "expected"),
    [
        ("MW__RISK__HALT_VIX", "null", lambda s: s.risk.halt_vix, None),
        ("MW__COMMON__TIME_STOP", "15:00", lambda s: s.common.time_stop, 900),
        ("MW__BOTS__PUTLITE__SYMBOLS", "XSP,SPY", lambda s: s.bots.putlite.symbols, ("XSP", "SPY")),
        ("MW__BOTS__PUTLITE__SYMBOLS", '["SPX"]', lambda s: s.bots.putlite.symbols, ("SPX",)),
        ("MW__BOTS__CONDOR__ENABLED", "false", lambda s: s.bots.condor.enabled, False),
        ("MW__RISK__BUDGETS__BUYWRITE__DAY_CAP", "9", lambda s: s.risk.budgets["buywrite"].day_cap, 9.0),
        ("MW__RISK__CLOSE_ON", "halt_move", lambda s: s.risk.close_on, {Reason.HALT_MOVE}),
    ],
)
def test_environment_variable_sets_value(
    name: str, text: str, read: Any, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    assert read(Settings.load()) == expected


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"bots": {"putlite": {"width": -1}}}, ["bots.putlite.width", "-1", "greater than 0"]),
        ({"bots": {"condor": {"width": 0}}}, ["bots.condor.width", "0", "greater than 0"]),
        ({"bots": {"putlite": {"wdith": 2}}}, ["bots.putlite.wdith", "2", "Did you mean 'width'?"]),
        ({"rsk": {}}, ["rsk", "Did you mean 'risk'?"]),
        ({"risk": {"window_first": "25:00"}}, ["risk.window_first", "'25:00'", "like 10:30"]),
        ({"risk": {"window_first": "14:00"}}, ["window_first", "first <= last < flat_by"]),
        ({"risk": {"day_cap": float("nan")}}, ["risk.day_cap", "nan", "finite"]),
        ({"risk": {"day_cap": True}}, ["risk.day_cap", "True", "number"]),
        ({"risk": {"cash_fraction": 1.5}}, ["risk.cash_fraction", "1.5", "less than or equal to 1"]),
        ({"risk": {"close_on": ["halt"]}}, ["risk.close_on", "'halt'", "halt_move"]),
        (
            {"risk": {"budgets": {"shared": {"planned_loss": 1, "structural_loss": 1, "day_cap": 1}}}},
            ["shared"],
        ),
        ({"common": {"time_stop": "15:26"}}, ["common.time_stop", "15:26", "15:25"]),
        ({"bots": {"buywrite": {"calls": 2}}}, ["2 calls", "200 shares", "25 to 50 %"]),
        ({"bots": {"buywrite": {"shares": 250}}}, ["250", "whole hundreds"]),
        ({"bots": {"condor": {"short_move": 3}}}, ["bots.condor.short_move", "3", "2"]),
        ({"bots": {"condor": {"symbols": ["XSP", "XSP"]}}}, ["bots.condor", "only once"]),
        ({"bots": {"condor": {"symbols": []}}}, ["bots.condor.symbols"]),
        (
            {"bots": {"putlite": {"structure": "naked"}}},
            ["bots.putlite.structure", "'naked'", "cash_secured"],
        ),
        ({"bots": {"putlite": {"quantity": 1.5}}}, ["bots.putlite.quantity", "1.5", "integer"]),
        ({"data": {"generator": "real"}}, ["data.generator", "'real'", "conditioned"]),
    ],
)
def test_wrong_value_is_one_line_with_key_value_and_expectation(
    overrides: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load(overrides=overrides)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("command line: ")
    for part in parts:
        assert part in text


def test_wrong_value_in_a_file_names_the_file(folder: Path) -> None:
    (folder / "profiles" / "bad.yaml").write_text("bots: {condor: {width: -5}}\n")
    with pytest.raises(
        ConfigError, match=r"profiles/bad.yaml: bots.condor.width: got -5, expected greater than 0"
    ):
        Settings.load(folder, "bad")


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("MW__RISK__DAY_CAP", "much", ["environment: MW__RISK__DAY_CAP", "'much'", "number"]),
        ("MW__RISK__DAYCAP", "1", ["environment: MW__RISK__DAYCAP", "Did you mean 'day_cap'?"]),
        ("MW__RISKS__DAY_CAP", "1", ["environment: MW__RISKS__DAY_CAP", "Did you mean 'risk'?"]),
        ("MW__BOTS__PUTLITE__SYMBOLS", "[XSP", ["environment", "MW__"]),
    ],
)
def test_wrong_variable_is_one_line_naming_it(
    name: str, text: str, parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("risk: {day_cap: 150\nbots: [", r"strategy.yaml:\d+: not readable as YAML"),
        ("risk:\n  day_cap: 1\n  day_cap: 2\n", r"strategy.yaml:3: 'day_cap' stands twice"),
        ("- risk\n", r"strategy.yaml: holds list"),
        ("risk: !!python/object:os.system {}\n", r"strategy.yaml:1: not readable as YAML"),
        ("risk: \x00\n", r"strategy.yaml: not readable as YAML"),
        ("risk: 3\n", r"strategy.yaml: risk: got 3"),
    ],
)
def test_unreadable_yaml_is_one_line_naming_file_and_line(folder: Path, content: str, match: str) -> None:
    (folder / "strategy.yaml").write_text(content)
    with pytest.raises(ConfigError, match=match) as caught:
        Settings.load(folder)
    assert "\n" not in str(caught.value)


def test_file_that_is_no_text_is_one_line(folder: Path) -> None:
    (folder / "strategy.yaml").write_bytes(b"risk: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"strategy.yaml: not readable as YAML"):
        Settings.load(folder)


def test_missing_folder_and_unknown_profile_say_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"strategy.yaml: no such file"):
        Settings.load(tmp_path)
    with pytest.raises(
        ConfigError, match=r"profile is 'spy', expected one of \['spx'\]. Did you mean 'spx'\?"
    ):
        Settings.load(profile="spy")


def test_profile_name_cannot_leave_its_folder() -> None:
    with pytest.raises(ConfigError, match="profile is '../strategy'"):
        Settings.load(profile="../strategy")


def test_empty_section_and_empty_file_mean_the_defaults(folder: Path) -> None:
    (folder / "strategy.yaml").write_text("risk:\n# day_cap: 150\n")
    assert Settings.load(folder) == Settings()
    (folder / "strategy.yaml").write_text("")
    assert Settings.load(folder) == Settings()


def test_time_without_quotes_means_the_same_as_with(folder: Path) -> None:
    (folder / "strategy.yaml").write_text("risk: {window_first: 10:45}\ncommon: {time_stop: '15:10'}\n")
    settings = Settings.load(folder)
    assert (settings.risk.window_first, settings.common.time_stop) == (645, 910)


def test_settings_cannot_be_changed_after_loading() -> None:
    settings = Settings.load()
    with pytest.raises(ValueError, match="frozen"):
        settings.risk.day_cap = 1e9


def test_digest_is_that_of_the_values_not_of_the_file(folder: Path) -> None:
    (folder / "strategy.yaml").write_text(
        "risk: {close_on: [halt_vix, halt_range, halt_day_loss, halt_move]}\n"
    )
    assert Settings.load(folder).digest == Settings.load().digest == Settings.load().digest
    assert Settings.load(profile="spx").digest != Settings.load().digest


def test_printed_settings_load_back_to_the_same(folder: Path) -> None:
    settings = Settings.load(folder, "spx")
    (folder / "strategy.yaml").write_text(settings.to_yaml())
    assert Settings.load(folder) == settings
    assert "window_first: '10:30'" in settings.to_yaml()


@given(st.floats(0.01, 1e7), st.integers(571, 700), st.integers(700, 900), st.floats(0.01, 1.0))
def test_valid_values_survive_printing(cap: float, first: int, last: int, share: float) -> None:
    told = {"risk": {"day_cap": cap, "window_first": first, "window_last": last, "cash_fraction": share}}
    settings = Settings.load(overrides=told)
    assert Settings(**yaml.safe_load(settings.to_yaml())) == settings
    limits = settings.risk.limits()
    assert (limits.day_cap, limits.window_first, limits.window_last) == (cap, first, last)
