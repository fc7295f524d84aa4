"""Search files: what they may say, and how what they may not say is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.errors import ConfigError
from scripts.search.spec import Search

GRID = """
bots: [condor]
fixed: {quotes.premium: 0.1}
keys:
  bots.condor.width: [1, 2]
  bots.condor.short_move: {from: 1.0, to: 1.4, step: 0.2}
"""


def load(tmp_path: Path, text: str) -> Search:
    path = tmp_path / "idea.yaml"
    path.write_text(text)
    return Search.load(path)


def test_grid_is_every_combination_over_the_fixed_keys(tmp_path: Path) -> None:
    search = load(tmp_path, GRID)
    changes = search.changes()
    assert len(changes) == 6
    assert changes[1] == {"bots.condor.width": 1, "bots.condor.short_move": 1.2}
    assert search.variant(changes[1]).changes == {"quotes.premium": 0.1, **changes[1]}
    assert search.name == "idea"


def test_list_is_taken_as_it_stands(tmp_path: Path) -> None:
    text = "search: list\nvariants:\n  - {bots.condor.width: 1}\n  - {bots.condor.calm_max: 0.5}\n"
    search = load(tmp_path, text)
    assert search.changes() == [{"bots.condor.width": 1}, {"bots.condor.calm_max": 0.5}]
    assert [axis.key for axis in search.axes] == ["bots.condor.width", "bots.condor.calm_max"]


def test_random_draws_are_those_of_their_seed(tmp_path: Path) -> None:
    text = "search: random\ntrials: 5\nseed: {}\nkeys: {{bots.condor.calm_max: {{low: 0.5, high: 1.0}}}}\n"
    one, again, other = (load(tmp_path, text.format(seed)) for seed in (1, 1, 2))
    assert one.changes() == again.changes() != other.changes()
    assert len({repr(changes) for changes in one.changes()}) == 5


def test_judging_otherwise_is_the_same_search_but_other_values_are_another(tmp_path: Path) -> None:
    digest = load(tmp_path, GRID).digest
    assert load(tmp_path, GRID + "metric: net\nwalkforward: {train: 100}\n").digest == digest
    assert load(tmp_path, GRID.replace("[1, 2]", "[1, 3]")).digest != digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kyes: {bots.condor.width: [1]}", "kyes: no such setting, got .* Did you mean 'keys'"),
        ("keys: {bots.condor.widht: [1]}", "bots.condor.widht: no such setting. Did you mean 'width'"),
        ("keys: {bots.kondor.width: [1]}", "Did you mean 'condor'"),
        ("keys: {bots.condor: [1]}", "is a whole section, expected one of its settings"),
        ("keys: {risk.budgets.buywrite.day_cup: [1]}", "Did you mean 'day_cap'"),
        ("keys: {account.cash.usd: [1]}", "nothing lies under a single value"),
        ("keys: {data.start: [2018-01-02]}", "expected timerange for all variants alike"),
        ("keys: {bots.condor.width: {low: 1, high: 2}}", "is a range, expected a list"),
        ("keys: {bots.condor.width: [1, 1]}", "expected each value only once"),
        ("fixed: {bots.condor.width: 1}\nkeys: {bots.condor.width: [1]}", "is fixed and searched over"),
        ("search: gird\nkeys: {bots.condor.width: [1]}", "got 'gird'"),
        ("search: list\nkeys: {bots.condor.width: [1]}", "expected variants and no keys"),
        ("bots: [condor]", "expected keys and no variants"),
        ("walkforward: {train: 3}\nkeys: {bots.condor.width: [1]}", "walkforward.train: got 3"),
        ("keys: {bots.condor.width: {from: 1, to: 100000, step: 0.001}}", "at most 10,000"),
        (
            "keys: {data.seed: {from: 1, to: 999, step: 1}, account.cash: {from: 1, to: 999, step: 1}}",
            "998,001 variants, expected at most 100,000; mw screen",
        ),
    ],
)
def test_what_cannot_be_is_one_line_with_what_was_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "idea.yaml"))


@pytest.mark.parametrize(("name", "size"), [("condor", 1_000), ("putlite-screen", 1_050_000)])
def test_files_that_come_along_can_be_read(name: str, size: int) -> None:
    path = Path(__file__).parents[2] / "config" / "searches" / f"{name}.yaml"
    assert math.prod(len(axis.values) for axis in Search.load(path, 2_000_000).axes) == size
