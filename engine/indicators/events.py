"""What implied volatility has done since an announcement."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.indicators.line import Floats, KernelIndicator
from engine.kernels import njit
from engine.sessions import DAY_NS, EPOCH

NO_EVENT = -1.0


@njit(cache=True, error_model="numpy")
def _collapse(ins: Any, outs: Any, memory: Any, table: Any, settings: Any, shares: Any) -> None:
    stamp, day, iv = ins
    collapse, level = outs
    # memory: day, next release, last known IV, IV before the release, and what is watched:
    # 0 nothing, 1 a release no session has opened after, 2 the first session after it
    for i in range(len(day)):
        fresh = day[i] != memory[0]
        memory[0] = day[i]
        if fresh and memory[4] == 2.0:
            memory[4] = 0.0
        if fresh and memory[4] == 1.0:
            memory[4] = 2.0
        released = False
        while int(memory[1]) < len(settings) and settings[int(memory[1])] < stamp[i]:
            memory[1] += 1.0
            released = True
        if released:
            memory[3], memory[4] = memory[2], 2.0 if fresh else 1.0
        if iv[i] > 0.0:
            memory[2] = iv[i]
        level[i] = memory[3] if memory[4] > 0.0 else np.nan
        collapse[i] = memory[2] / memory[3] - 1.0 if memory[4] > 0.0 else NO_EVENT


class EventCollapse(KernelIndicator):
    """Implied volatility since a scheduled announcement, against the last one known before it.

    An announcement is watched from its release to the end of the first session that opens
    after it. Lines: ``collapse`` (iv over the level before, less 1: -0.2 is a fall of a fifth;
    -1 where nothing is watched, as nothing is left to fall) and ``level`` (that level, NaN where
    nothing is watched). Both are NaN where no level was known before the release.

    Parameters
    ----------
    releases : tuple of int
        UTC nanoseconds, rising.
    """

    lines: Any = ("collapse", "level")
    params = (("releases", ()),)
    inputs = ("datetime", "day", "atm_iv")
    kernel = staticmethod(_collapse)

    def memory(self) -> Floats:
        return np.array([np.nan, 0.0, np.nan, np.nan, 0.0])

    def settings(self) -> tuple[float, ...]:
        return tuple(EPOCH + stamp / DAY_NS for stamp in self.p.releases)
