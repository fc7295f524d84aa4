"""Records are frozen dataclasses in all but the time it takes to make one."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.record import record


@record
class Point:
    """A record."""

    x: float
    y: float = 1.5
    names: dict[str, int] = field(default_factory=dict)

    @property
    def both(self) -> float:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Plain:
    x: float
    y: float = 1.5
    names: dict[str, int] = field(default_factory=dict)


@record
class Key:
    a: int
    b: str = ""


NUMBER = st.floats(allow_nan=False)


@given(NUMBER, NUMBER, st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
def test_a_record_is_what_the_dataclass_is(x: float, y: float, names: dict[str, int]) -> None:
    one, other = Point(x, names=names, y=y), Plain(x, y, names)
    assert type(one) is Point
    assert [f.name for f in fields(one)] == [f.name for f in fields(other)]
    assert repr(one).removeprefix("Point") == repr(other).removeprefix("Plain")
    assert one == Point(x, y, names)
    assert one.both == x + y
    assert replace(one, x=0.5) == Point(0.5, y, names)
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == one


def test_defaults_are_taken_and_made_anew_for_every_record() -> None:
    first, second = Point(1.0), Point(1.0)
    assert first == second == Point(1.0, 1.5, {})
    assert first.names is not second.names


@given(st.integers(), st.text(max_size=3))
def test_equal_records_have_equal_hashes(a: int, b: str) -> None:
    assert len({Key(a, b), Key(a, b), Key(a, b + "x")}) == 2


@pytest.mark.parametrize("name", ["x", "y", "other", "__class__"])
def test_nothing_can_be_set_or_deleted(name: str) -> None:
    point = Point(1.0)
    with pytest.raises((FrozenInstanceError, TypeError)):  # the latter is a dataclass's own with slots
        setattr(point, name, 2.0)
    if name == "x":
        with pytest.raises(FrozenInstanceError):
            del point.x
    assert point == Point(1.0)


def test_wrong_arguments_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1.0, z=2.0)  # type: ignore[call-arg]


def test_what_the_filling_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="Sub: a record has no subclasses"):
        type("Sub", (Point,), {})
    late = type("Late", (), {"__annotations__": {"x": "int"}, "__post_init__": lambda self: None})
    hidden = type("Hidden", (), {"__annotations__": {"x": "int"}, "x": field(init=False)})
    child = type("Child", (Plain,), {"__annotations__": {"z": "int"}, "z": 1})
    for cls in (late, hidden, child):
        with pytest.raises(TypeError, match=f"{cls.__name__}: expected a plain record"):
            record(cls)
