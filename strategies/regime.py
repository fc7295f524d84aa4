"""Filters that any bot can have beside its own, all off unless the settings say otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.indicators.crowding import Crowding, IvSpike
from engine.indicators.events import EventCollapse
from engine.indicators.regime import RangeOverMove
from engine.reasons import Reason
from strategies.lane import Check

MIDDLE = 50.0
NEITHER, PUTS, CALLS = range(3)  # which side is overbought


def regime_measures(data: Any, regime: Any, releases: Iterable[int]) -> dict[str, Any]:
    """Return the lines the switched-on filters look at, by the name they have in the decision table.

    Parameters
    ----------
    data : backtrader data feed
    regime : settings ``common.regime``
    releases : iterable of int
        When scheduled announcements are out, UTC nanoseconds, rising.
    """
    found: dict[str, Any] = {}
    if regime.range_max is not None:
        found["session_range"] = RangeOverMove(data).lines.ratio
    if regime.needs_breadth:
        found["breadth"] = data.lines.breadth
    if regime.crowding_max is not None:
        found["crowding"] = Crowding(data).lines.score
    if regime.spike is not None:
        found["iv_spike"] = IvSpike(data).lines.peak
        found["put_call_percentile"] = Crowding(data).lines.put_call_percentile
    if regime.harvest is not None:
        found["event_collapse"] = EventCollapse(data, releases=tuple(releases)).lines.collapse
    return found


def overbought(m: SimpleNamespace, regime: Any) -> Any:
    """Return which side is overbought after a spike, elementwise: NEITHER, PUTS or CALLS.

    Parameters
    ----------
    m : namespace
        The measures of `regime_measures`, with a ``spike`` set.
    regime : settings ``common.regime``
        A side is overbought where the put/call imbalance stands ``lean`` points or more away from
        the middle of its past: above it the puts, below it the calls.
    """
    away = m.put_call_percentile - MIDDLE
    found = (m.iv_spike >= regime.spike) & (np.abs(away) >= regime.lean)
    return np.where(found & (away > 0.0), PUTS, np.where(found & (away < 0.0), CALLS, NEITHER))


def regime_checks(m: SimpleNamespace, regime: Any, sells: frozenset[str], leans: bool = False) -> list[Check]:
    """Return ``(reason, passes)`` pairs of the switched-on filters.

    Parameters
    ----------
    m : namespace
        The measures of `regime_measures`.
    regime : settings ``common.regime``
    sells : frozenset of str
        ``put``, ``call`` or both: what the bot sells. After a spike of implied volatility only
        the overbought side is sold: puts where the put/call imbalance stands ``lean`` points or
        more above the middle of its past, calls where it stands as far below. A bot that sells
        both needs neither side overbought.
    leans : bool
        The bot sells both and places its strikes by what is `overbought`: nothing is refused.
    """
    checks: list[Check] = []
    if regime.harvest is not None:
        checks.append((Reason.IV_NOT_COLLAPSED, m.event_collapse <= -regime.harvest))
    if regime.range_max is not None:
        checks.append((Reason.RANGE_BEYOND_IMPLIED, m.session_range <= regime.range_max))
    if regime.breadth_min is not None:
        checks.append((Reason.BREADTH, m.breadth >= regime.breadth_min))
    if regime.breadth_max is not None:
        checks.append((Reason.BREADTH, m.breadth <= regime.breadth_max))
    if regime.crowding_max is not None:
        checks.append((Reason.CROWDED, m.crowding <= regime.crowding_max))
    if regime.spike is not None and not leans:
        away = m.put_call_percentile - MIDDLE
        sides = {"put": away >= regime.lean, "call": away <= -regime.lean}
        right = np.abs(away) < regime.lean if len(sells) > 1 else sides[next(iter(sells))]
        checks.append((Reason.WRONG_SIDE, (m.iv_spike < regime.spike) | right))
    return checks
