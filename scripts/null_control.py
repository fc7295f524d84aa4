"""The twin of a synthetic backtest without volatility premium, run beside it on another core.

What the bots earn on it is what costs and chance make; the line through both runs says at
which premium they would break even.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection

from loguru import logger

from feeds.model import ModelQuotes, ModelSettings
from scripts.parallel import deaf_children
from scripts.session import Setup, play

Figures = dict[str, dict[str, float]]


class NullControl:
    """A control on its way. Start it before the run, ask for it after.

    Parameters
    ----------
    setup : Setup
        Of the run; its bars are used again.
    """

    def __init__(self, setup: Setup) -> None:
        # a fork shares the bars' memory; elsewhere they are sent
        context = get_context("fork" if sys.platform == "linux" else "spawn")
        self._answer, told = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(setup, told), daemon=True)
        with deaf_children():
            self._process.start()
        told.close()

    def figures(self) -> Figures | None:
        """Return every bot's ``trades`` and ``net`` (USD) once the control has ended, None when it failed."""
        try:
            return self._answer.recv()  # type: ignore[no-any-return]
        except EOFError:
            self._process.join()
            logger.warning("the control without premium ended early, exit code {}", self._process.exitcode)
            return None

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._process.terminate()
        self._process.join()
        self._answer.close()


def without_premium(setup: Setup) -> Figures:
    """Return every bot's ``trades`` and ``net`` (USD) on the same bars and costs at fair quotes."""
    scale = setup.settings.quotes.spread_scale
    book = ModelQuotes(setup.bars, setup.products, ModelSettings(0.0, scale))
    trades = play(replace(setup, bars=book.with_lines(), book=book))[0].journal.trades
    nets = {bot: [trade.net for trade in trades if trade.bot == bot] for bot in setup.bots}
    return {bot: {"trades": float(len(held)), "net": float(sum(held))} for bot, held in nets.items()}


def _run(setup: Setup, told: Connection) -> None:
    told.send(without_premium(setup))
    told.close()
