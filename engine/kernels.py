"""Numba's `njit`; compiled kernels come from the disk without what only compiling needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

TRIED = "0.68."  # of Numba, with which machine code was seen to need no more than the runtime
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class _Kept(FunctionCache):
    """The compiled forms of one kernel on the disk.

    Numba imports all it can compile before it loads the first of them, 0.3 s for a program that
    compiles nothing. Compiling imports it as ever; machine code asks for Numba's runtime alone,
    which tests/house/test_kernels.py holds for every kernel. Other versions load as Numba does.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if not numba.__version__.startswith(TRIED):
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]


def njit(cache: bool = False, **options: Any) -> Callable[[Kernel], Kernel]:
    """Return what makes a kernel of a function, see `numba.njit`."""

    def made(function: Kernel) -> Kernel:
        kernel: Any = numba.njit(**options)(function)
        if cache:
            kernel._cache = _Kept(function)  # type: ignore[no-untyped-call]
        return kernel  # type: ignore[no-any-return]

    return made


@njit(cache=True, error_model="numpy")
def below1(ordered: Any, value: float) -> int:
    """Return how many of rising numbers are less than a number, as `numpy.searchsorted` on the left.

    Numba's own comes with all of its linear algebra.
    """
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def upto1(ordered: Any, value: float) -> int:
    """Return how many of rising numbers are at most a number, as `numpy.searchsorted` on the right."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low
