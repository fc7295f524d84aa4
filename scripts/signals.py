"""Bots whose filters say something else: nothing, or what they said on another day.

A filter that is worth something must lose its worth when its verdicts are dealt to other
days. If it does not, it is not the filter that earns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.errors import ConfigError
from engine.reasons import Reason
from engine.settings_files import did_you_mean
from strategies.base import Bot
from strategies.lane import PASSED, REASONS, Lane
from strategies.roster import BOTS

OWN, OPEN, SHUFFLED, WITHOUT = "own", "open", "shuffled", "without"
# verdicts about the day itself and not about its market: they stay where they are
FIXED = [REASONS.index(Reason.WARMING_UP), REASONS.index(Reason.HALF_DAY)]


class OpenLane(Lane):
    """A lane whose filters let everything pass once their measures are known."""

    def _verdicts(self, measures: SimpleNamespace, size: int) -> np.ndarray:
        codes = super()._verdicts(measures, size)
        return np.where(np.isin(codes, FIXED), codes, np.int16(PASSED))


class ShuffledLane(Lane):
    """A lane that deals the verdicts of whole days to other days.

    Parameters
    ----------
    number : int
        Seed of the deal; the same for every bot and symbol.
    """

    def __init__(self, *arguments: Any, number: int = 0, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.number = number

    def _verdicts(self, measures: SimpleNamespace, size: int) -> np.ndarray:
        return dealt(super()._verdicts(measures, size), np.asarray(measures.minute), self.number)


class WithoutLane(Lane):
    """A lane that does not mind one of its filters.

    Parameters
    ----------
    reason : Reason
        What that filter refuses as.
    """

    def __init__(self, *arguments: Any, reason: Reason, **named: Any) -> None:
        super().__init__(*arguments, **named)
        own = self.filters
        self.filters = lambda measures: [check for check in own(measures) if check[0] is not reason]


def dealt(codes: np.ndarray, minute: np.ndarray, number: int) -> np.ndarray:
    """Return the verdicts with the days' order changed by chance.

    Parameters
    ----------
    codes : array, (n,)
        Verdict of every decision minute.
    minute : array, (n,)
        Minute of the day of each; a fall begins a new day.
    number : int
        Seed.

    Returns
    -------
    array, (n,)
        Days that decide at other minutes than most, are half or not yet warm keep their own.
    """
    if not len(codes):
        return codes
    starts = np.flatnonzero(np.append(True, np.diff(minute) <= 0))
    lengths = np.diff(np.append(starts, len(codes)))
    usual = int(np.bincount(lengths).argmax())
    days = starts[lengths == usual]
    table = codes[days[:, None] + np.arange(usual)]
    free = ~np.isin(table, FIXED).any(axis=1)
    order = np.random.default_rng(number).permutation(int(free.sum()))
    result = codes.copy()
    result[days[free][:, None] + np.arange(usual)] = table[free][order]
    return result


def bots_with(signals: str) -> Mapping[str, type[Bot]]:
    """Return the bots by name, trading by the signals asked for.

    Parameters
    ----------
    signals : str
        ``own``, ``open``, ``shuffled:N`` or ``without:REASON``.

    Raises
    ------
    ConfigError
        Anything else.
    """
    kind, _, argument = signals.partition(":")
    if signals == OWN:
        return BOTS
    if signals == OPEN:
        lane: Any = OpenLane
    elif kind == SHUFFLED and argument.isdigit():
        lane = staticmethod(partial(ShuffledLane, number=int(argument)))
    elif kind == WITHOUT and argument in list(Reason):
        lane = staticmethod(partial(WithoutLane, reason=Reason(argument)))
    else:
        known = f"{OWN}, {OPEN}, {SHUFFLED}:N or {WITHOUT}:REASON"
        word, words = (argument, list(Reason)) if kind == WITHOUT else (kind, [OWN, OPEN, SHUFFLED, WITHOUT])
        raise ConfigError(f"signals: got {signals!r}, expected {known}{did_you_mean(word, words)}")
    return {name: type(f"{kind.title()}{bot.__name__}", (bot,), {"lane": lane}) for name, bot in BOTS.items()}
