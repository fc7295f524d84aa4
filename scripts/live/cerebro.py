"""Backtrader's own loop with a hook on every pass: live bars are a minute apart, quotes are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt


class LiveCerebro(bt.Cerebro):
    """Call ``hook`` after the broker on every pass of the loop, bars or none.

    Attributes
    ----------
    hook : callable
        Takes the running strategies; returning True ends the run.
    """

    hook: Callable[[list[Any]], bool]

    def _brokernotify(self) -> None:
        super()._brokernotify()
        if self.hook(self.runningstrats):
            self.runstop()
