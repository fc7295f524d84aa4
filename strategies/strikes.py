"""Choosing strikes on a chain."""

from __future__ import annotations

from engine.options.chain import ChainSide

_NEAR = 1e-6


def at_or_below(side: ChainSide, strike: float) -> float | None:
    """Return the highest listed strike at or below ``strike``, None when there is none."""
    row = int(side.strike.searchsorted(strike + _NEAR, "right")) - 1
    return float(side.strike[row]) if row >= 0 else None


def at_or_above(side: ChainSide, strike: float) -> float | None:
    """Return the lowest listed strike at or above ``strike``, None when there is none."""
    row = int(side.strike.searchsorted(strike - _NEAR, "left"))
    return float(side.strike[row]) if row < len(side.strike) else None


def listed(side: ChainSide, strike: float) -> bool:
    """Tell whether a strike is on the chain."""
    return _row(side, strike) is not None


def delta_of(side: ChainSide, strike: float) -> float:
    """Return the delta of a listed strike, NaN where it is not known."""
    row = _row(side, strike)
    return float("nan") if row is None else float(side.delta[row])


def _row(side: ChainSide, strike: float) -> int | None:
    row = int(side.strike.searchsorted(strike - _NEAR))
    return row if row < len(side.strike) and abs(side.strike[row] - strike) < _NEAR else None
