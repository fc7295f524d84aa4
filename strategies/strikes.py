"""Choosing strikes on a chain."""

from __future__ import annotations

import numpy as np

from engine.options.chain import ChainSide

_NEAR = 1e-6


def at_or_below(side: ChainSide, strike: float) -> float | None:
    """Return the highest listed strike at or below ``strike``, None when there is none."""
    found = side.strike[side.strike <= strike + _NEAR]
    return float(found[-1]) if len(found) else None


def at_or_above(side: ChainSide, strike: float) -> float | None:
    """Return the lowest listed strike at or above ``strike``, None when there is none."""
    found = side.strike[side.strike >= strike - _NEAR]
    return float(found[0]) if len(found) else None


def listed(side: ChainSide, strike: float) -> bool:
    """Tell whether a strike is on the chain."""
    return bool((np.abs(side.strike - strike) < _NEAR).any())


def delta_of(side: ChainSide, strike: float) -> float:
    """Return the delta of a listed strike, NaN where it is not known."""
    rows = np.flatnonzero(np.abs(side.strike - strike) < _NEAR)
    return float(side.delta[rows[0]]) if len(rows) else float("nan")
