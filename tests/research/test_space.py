"""Search spaces: grids are whole, draws stay inside and repeat by seed, wrong axes are one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.research.space import Axis, drawn, grid, nested

LOW_HIGH = st.tuples(st.floats(0.01, 10.0), st.floats(0.02, 10.0)).map(lambda ends: (ends[0], sum(ends)))


def test_grid_holds_every_combination_once_the_last_axis_changing_fastest() -> None:
    axes = [Axis.of("a.x", [1, 2]), Axis.of("b", {"from": 0.1, "to": 0.3, "step": 0.1})]
    assert grid(axes) == [{"a.x": x, "b": b} for x in (1, 2) for b in (0.1, 0.2, 0.3)]


def test_steps_of_whole_numbers_are_whole_and_stop_before_a_bound_off_the_grid() -> None:
    assert Axis.of("n", {"from": 1, "to": 6, "step": 2}).values == (1, 3, 5)
    assert all(isinstance(value, int) for value in Axis.of("n", {"from": 1, "to": 5, "step": 1}).values)


@given(LOW_HIGH, st.booleans(), st.integers(0, 10**6))
def test_draws_stay_in_their_range(ends: tuple[float, float], log: bool, seed: int) -> None:
    axis = Axis.of("x", {"low": ends[0], "high": ends[1], "log": log})
    values = [changes["x"] for changes in drawn([axis], 20, seed)]
    assert len(values) == 20
    assert all(ends[0] * (1 - 1e-5) <= value <= ends[1] * (1 + 1e-5) for value in values)


def test_draws_repeat_by_seed_and_differ_among_themselves() -> None:
    axes = [Axis.of("x", {"low": 1, "high": 30}), Axis.of("y", ["a", "b", "c"])]
    one = drawn(axes, 25, 4)
    assert one == drawn(axes, 25, 4) != drawn(axes, 25, 5)
    assert len({(row["x"], row["y"]) for row in one}) == 25
    assert all(isinstance(row["x"], int) for row in one)


def test_more_draws_than_combinations_give_every_combination() -> None:
    assert len(drawn([Axis.of("x", [1, 2]), Axis.of("y", [1, 2])], 100, 1)) == 4


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([], "expected a list"),
        (3, "expected a list"),
        ([1, 1], "only once"),
        ({"from": 1, "to": 0, "step": 1}, "from not above to"),
        ({"from": 1, "to": 2, "step": 0}, "step above 0"),
        ({"from": 1, "to": "x", "step": 1}, "to is 'x'"),
        ({"low": 2, "high": 1}, "low under high"),
        ({"low": 0, "high": 1, "log": True}, "above 0 with log"),
        ({"low": 0, "high": float("inf")}, "high is inf"),
        ({"low": 0, "high": 1, "lg": True}, "expected a list"),
    ],
)
def test_wrong_axis_is_one_line_with_its_key(told: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Axis.of("bots.condor.width", told)
    assert "bots.condor.width" in str(caught.value)


def test_range_in_a_grid_is_an_error() -> None:
    with pytest.raises(ConfigError, match="is a range"):
        grid([Axis.of("x", {"low": 0, "high": 1})])


def test_dotted_keys_become_nested_and_a_key_inside_another_is_an_error() -> None:
    assert nested({"a.b": 1, "a.c": 2, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}
    for keys in (["a", "a.b"], ["a.b", "a"]):
        with pytest.raises(ConfigError):
            nested(dict.fromkeys(keys, 1))
