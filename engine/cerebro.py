"""A Cerebro that visits only the bars on which something can happen."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.lineiterator import LineIterator
from loguru import logger

from engine.cursor import Cursor, placed

NEVER = 1 << 60
COLLECT_AFTER = 500_000  # new objects: more than the journal of many a run holds
_CALM = (COLLECT_AFTER, 20, 50)
_INDICATOR = LineIterator.IndType
_EVERY_BAR = ("_next", "_prenext", "_nextstart", "next", "prenext", "nextstart")
_CASH = ("notify_cashvalue", "notify_fund")


class FastCerebro(bt.Cerebro):  # type: ignore[misc]
    """Backtrader's engine without its idle bars.

    A strategy says ``first_wake() -> int``, the first bar it wants to see, and after every
    bar it was called on ``wake(bar) -> int``, the next one (``NEVER`` for none). The broker says
    ``wake(bar) -> int`` likewise; it is first asked with -1. On every bar that anyone wants,
    and on the last one, all lines are put in place, then the broker's ``next()`` runs, then
    the ``next()`` of every strategy, as in `bt.Cerebro`. A strategy with ``anew(bar, wake) -> int``
    is left out on bars that only others want, unless it answers with this very bar: it is asked
    there, after the broker, what it wants now, having wanted ``wake``. Leaving out idle bars so
    gives the same result as the stock loop does on the same inputs bar by bar. Where that cannot be
    promised (timers, writers, observers, unequal feeds, parts without ``wake``), the stock loop runs
    and a log line names why.

    ``tick_close`` and its like, which the stock loop sets on feeds, stay unset here.

    Parameters
    ----------
    progress : callable, optional
        Called as ``progress(bars done, bars in all)``, about two hundred times a run.
    """

    params = (("progress", None),)

    def _runonce(self, runstrats: list[Any]) -> None:
        reason = self._obstacle(runstrats)
        if reason:
            logger.info("stock loop instead of the fast one: {}", reason)
            super()._runonce(runstrats)
        else:
            with calm_collector():
                self._jump(runstrats)

    def _runonce_old(self, runstrats: list[Any]) -> None:
        logger.info("stock loop instead of the fast one: oldsync is on")
        super()._runonce_old(runstrats)

    def _runnext(self, runstrats: list[Any]) -> None:
        why = "runonce or preload is off (live, replayed or resampled data switch it off)"
        logger.info("stock loop instead of the fast one: {}", why)
        super()._runnext(runstrats)

    def _obstacle(self, strategies: list[Any]) -> str:
        """Return why the fast loop might differ from the stock one, empty when it cannot."""
        if self._timers or self._timerscheat:
            return "timers are set"
        if self.runwriters:
            return "writers are attached"
        if self.p.cheat_on_open:
            return "cheat_on_open is on"
        if self.p.lookahead:
            return "lookahead is set"
        if not hasattr(self._broker, "wake"):
            return f"broker {type(self._broker).__name__} has no wake()"
        for strategy in strategies:
            reason = _strategy_obstacle(strategy)
            if reason:
                return f"strategy {type(strategy).__name__} {reason}"
        return self._feed_obstacle()

    def _feed_obstacle(self) -> str:
        first = self.datas[0]
        if not first.buflen():
            return "there are no bars"
        for data in self.datas:
            name = data._name or type(data).__name__
            if data.resampling or data.replaying or data._clone or data._filters:
                return f"feed {name} is resampled, replayed, cloned or filtered"
            if not _same(data.lines.datetime.array, first.lines.datetime.array):
                return f"feed {name} has other bars than {first._name or 'the first'}"
        return ""

    def _jump(self, strategies: list[Any]) -> None:
        stamp = self.datas[0].lines.datetime.array
        for strategy in strategies:
            _install(strategy, stamp)
        with placed(_lines(self.datas, strategies)) as cursor:
            self._visit(strategies, cursor, len(stamp))

    def _visit(self, strategies: list[Any], cursor: Cursor, count: int) -> None:
        ready = [max(strategy._minperiods) for strategy in strategies]
        starts = sorted({n - 1 for s, n in zip(strategies, ready, strict=True) if _starts(s) and n <= count})
        broker, progress = self._broker, self.p.progress
        report, step = (0 if progress else NEVER), max(count // 200, 1)
        last = count - 1
        wakes = [strategy.first_wake() for strategy in strategies]
        asked = [getattr(strategy, "anew", _this_bar) for strategy in strategies]
        places = list(enumerate(zip(strategies, ready, asked, strict=True)))
        wanted = min([broker.wake(-1), *wakes])
        bar = -1
        while bar < last:
            while starts and starts[0] <= bar:
                starts.pop(0)
            if wanted <= bar:
                raise ValueError(f"wake({bar}) answered {wanted}, expected a later bar")
            bar = min(wanted, last, *starts[:1])
            cursor.go(bar)
            length = bar + 1
            self._brokernotify()
            if self._event_stop:
                return
            for place, (strategy, needed, anew) in places:
                told = strategy._orderspending or strategy._tradespending
                if wakes[place] > bar and bar < last and needed != length and not told:
                    wakes[place] = anew(bar, wakes[place])
                    if wakes[place] > bar:
                        continue
                _step(strategy, needed - length)
                if self._event_stop:
                    return
                wakes[place] = strategy.wake(bar)
            if bar >= report:
                report = bar + step
                progress(length, count)
            wanted = min(broker.wake(bar), *wakes)
        if progress:
            progress(count, count)


@contextmanager
def calm_collector() -> Iterator[None]:
    """Look for garbage rarely: a journal grows and grows, and none of it is garbage."""
    before = gc.get_threshold()
    if before == _CALM:  # somebody has seen to it already
        yield
        return
    gc.freeze()
    gc.set_threshold(*_CALM)
    try:
        yield
    finally:
        gc.freeze()  # else the next object made would have all those of the run looked through at once
        gc.set_threshold(*before)
        gc.unfreeze()


def _this_bar(bar: int, wake: int) -> int:
    return bar


def _step(strategy: Any, status: int) -> None:
    """Do what `bt.Strategy._oncepost` does once the lines are in place."""
    pending = strategy._orderspending or strategy._tradespending
    if pending:
        _deliver(strategy)
    strategy._minperstatus = status
    if status < 0:
        strategy.next()
    elif status == 0:
        strategy.nextstart()
    if pending:
        strategy.clear()


def _deliver(strategy: Any) -> None:
    """Do what `bt.Strategy._notify` does, less cash and value, which nobody here listens to.

    To work those out takes as long as to fill an order.
    """
    if strategy.cerebro.p.quicknotify:  # everybody has been told at once
        return
    analyzers = list(strategy.analyzers)
    for order in strategy._orderspending:
        if order.exectype != order.Historical or order.histnotify:
            strategy.notify_order(order)
        for analyzer in analyzers:
            analyzer._notify_order(order)
    for trade in strategy._tradespending:
        strategy.notify_trade(trade)
        for analyzer in analyzers:
            analyzer._notify_trade(trade)


def _strategy_obstacle(strategy: Any) -> str:
    if not (hasattr(strategy, "wake") and hasattr(strategy, "first_wake")):
        return "has no wake() and first_wake()"
    if strategy.observers or strategy._slave_analyzers:
        return "has observers"
    own = [
        name for name in (*_CASH, "_notify", "prenext", "once") if _overrides(strategy, bt.Strategy, (name,))
    ]
    if own:
        return f"has its own {own[0]}()"
    for analyzer in _with_children(strategy.analyzers):
        if _overrides(analyzer, bt.Analyzer, (*_EVERY_BAR, *_CASH)):
            return f"has the analyzer {type(analyzer).__name__}, which works on every bar"
    return ""


def _with_children(analyzers: Iterable[Any]) -> Iterable[Any]:
    for analyzer in analyzers:
        yield analyzer
        yield from _with_children(analyzer._children)


def _overrides(thing: Any, base: type, names: Iterable[str]) -> bool:
    return any(getattr(type(thing), name) is not getattr(base, name) for name in names)


def _starts(strategy: Any) -> bool:
    return _overrides(strategy, bt.Strategy, ("nextstart",))


def _same(one: array[float], other: array[float]) -> bool:
    if one is other:
        return True
    return len(one) == len(other) and np.array_equal(np.frombuffer(one), np.frombuffer(other))


def _install(strategy: Any, stamp: array[float]) -> None:
    """Compute a strategy's indicators and give its own lines their full length."""
    indicators = strategy._lineiterators[_INDICATOR]
    for indicator in indicators:
        indicator._once()
    for indicator in indicators:
        indicator.home()
    for line in strategy.lines:
        line.reset()
        line.array = stamp if line is strategy.lines.datetime else array("d", [np.nan]) * len(stamp)


def _lines(datas: list[Any], strategies: list[Any]) -> list[Any]:
    owners = [*datas, *strategies]
    for strategy in strategies:
        owners += strategy._lineiterators[_INDICATOR]
    found: dict[int, Any] = {}
    for owner in owners:
        held = owner.lines if isinstance(owner.lines, list) else owner.lines.lines
        found.update((id(line), line) for line in held)
    return list(found.values())
