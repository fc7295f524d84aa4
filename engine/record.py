"""Immutable records at the price of mutable ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """Make a class a frozen dataclass with slots whose instances are made fast.

    A frozen dataclass fills its fields through ``object.__setattr__``, which for fifteen of them
    takes three times as long as everything else about the instance, and a backtest makes a hundred
    thousand. Here an instance is of a mutable class with the same slots while it is filled, and
    becomes what it is at the end. In all else it is the dataclass: comparison, hash, repr,
    ``replace``, pickling.

    Raises
    ------
    TypeError
        The class has what the filling does not know: parents, a ``__post_init__``, fields that are
        left out of ``__init__`` or only given by name. Subclassing a record raises it too.
    """
    made = dataclass(frozen=True, slots=True)(cls)
    held = fields(made)  # type: ignore[arg-type]
    known = made.__bases__ == (object,) and not hasattr(made, "__post_init__")
    if not known or any(not one.init or one.kw_only for one in held):
        raise TypeError(
            f"{cls.__name__}: expected a plain record: no parents, no __post_init__, plain fields"
        )
    filling = type(made.__name__, (), {"__slots__": tuple(one.name for one in held)})
    made.__init__ = _filler(made, filling, held)  # type: ignore[method-assign]
    made.__init_subclass__ = classmethod(_refuse)  # type: ignore[assignment, arg-type]
    return made


def _refuse(cls: type, **_: Any) -> None:
    raise TypeError(f"{cls.__name__}: a record has no subclasses")


def _filler(made: type, filling: type, held: tuple[Field[Any], ...]) -> Callable[..., None]:
    """Return ``__init__`` as source once compiled, as `dataclasses` makes its own."""
    names: dict[str, Any] = {"_become": object.__setattr__, "_made": made, "_filling": filling}
    given, lines = [], ["_become(self, '__class__', _filling)"]
    for one in held:
        if one.default is not MISSING:
            names[f"_default_{one.name}"] = one.default
            given.append(f"{one.name}=_default_{one.name}")
        elif one.default_factory is not MISSING:
            names[f"_made_{one.name}"] = one.default_factory
            given.append(f"{one.name}=_made")
            lines.append(f"if {one.name} is _made: {one.name} = _made_{one.name}()")
        else:
            given.append(one.name)
        lines.append(f"self.{one.name} = {one.name}")
    lines.append("self.__class__ = _made")
    source = f"def __init__(self, {', '.join(given)}):\n    " + "\n    ".join(lines)
    exec(source, names)  # noqa: S102 - the names are those of the class's own fields
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    return init
