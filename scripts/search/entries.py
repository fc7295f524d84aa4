"""Everything a screen needs to know before its kernels run, from the bot and the engine themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.execution.settings import ExecutionSettings
from engine.options.contract import Contract, Right, Settlement
from engine.options.quotebook import ChoiceBook
from engine.reasons import PASSED
from engine.risk.governor import cents_of
from engine.risk.halts import REASONS
from engine.risk.limits import cents
from engine.risk.outlook import Outlook
from engine.settings import Settings
from feeds.model import SIZE
from feeds.screen.fees import fee_table
from feeds.screen.fills import execution_numbers
from scripts.session import Setup, play
from scripts.signals import bots_with
from strategies.agenda import outlook
from strategies.lane import whole
from strategies.preview import choices_of, preview

ALL_DAY = 390  # minutes between decisions of a bot that decides once a day


@dataclass(frozen=True, eq=False)
class Entries:
    """A row an entry the filters allow, and what the kernels take beside the strikes.

    ``market``, ``rows`` and ``structure`` are the arguments of `feeds.screen.days.screen`.
    """

    bot: Any
    bars: NDArray[np.int64]
    outlook: Outlook
    market: tuple[Any, ...]
    rows: tuple[Any, ...]
    structure: tuple[Any, ...]
    days: tuple[date, ...]

    @classmethod
    def of(
        cls,
        setup: Setup,
        signals: str,
        minutes: Sequence[int],
        targets: Sequence[float],
        losses: Sequence[float],
    ) -> Entries:
        """Run the bot once for its lines and filters, and gather all entries at the minutes asked for.

        ``setup`` decides at every one of the ``minutes``.
        """
        check(setup, minutes, losses)
        name = setup.bots[0]
        _, (bot,) = play(setup, roster=bots_with(signals))
        (lane,), ((days, vix),) = bot.lanes, bot.days
        ahead = outlook(lane, days, vix, bot.limits)
        minute = whole(lane.data.lines.minute).astype(np.int64)
        bars = lane.candidates[np.isin(minute[lane.candidates], minutes)]
        settings = setup.settings
        structure = _structure(bot, bars, name)
        numbers = (np.asarray(targets, np.float64), np.asarray(losses, np.float64))
        tape = setup.book.tape
        table = setup.book.arrays(lane.symbol)
        bits = sum(bit for bit, reason in REASONS if reason in bot.limits.close_on)
        closing = ((ahead.latched & bits) != 0) | (minute >= bot.limits.flat_by)
        market = (*table, tape.stamp // 60_000_000_000, closing, minute >= settings.common.time_stop)
        grid = tape.grid
        dates = tuple(tape.dates)
        rates, tiers, row = fee_table(setup.fees, setup.products[lane.symbol].trading_class, dates)
        day = grid.day[bars].astype(np.int64)
        place = np.searchsorted(np.asarray(minutes), minute[bars])
        rows = (bars, grid.last[day].astype(np.int64), day, place, row[day], rates, tiers)
        product = setup.products[lane.symbol]
        how = execution_numbers(ExecutionSettings(**settings.execution.model_dump()), product.tick.combo)
        step, units = float(product.strike_step), float(bot.config.quantity)
        told = (*structure, step, float(product.multiplier), units, how, *numbers)
        return cls(bot, bars, ahead, market, rows, told, dates)

    def rules(self, configs: Sequence[Any]) -> tuple[NDArray[np.bool_], NDArray[np.int16], float]:
        """Return of every rule where it may enter and its strikes in steps, and the most a trade binds.

        Shapes (rules, entries) and (rules, entries, 4), as the engine's own preview has them.
        """
        lane = copy(self.bot.lanes[0])
        lane.candidates = self.bars
        good = np.zeros((len(configs), len(self.bars)), bool)
        strikes = np.zeros((len(configs), len(self.bars), 4), np.int16)
        _, budget = self.bot.limits.budget(self.bot.bot_name)
        bound = 0.0
        for number, config in enumerate(configs):
            found = preview(_Chooser(self.bot, config), lane, self.outlook)  # type: ignore[arg-type]
            if found is None:
                continue
            good[number] = (found.codes == PASSED) & (found.reserve <= cents_of(budget.day_cap))
            steps = np.nan_to_num(found.choices.strikes / self.structure[3])
            strikes[number] = np.rint(steps)
            if good[number].any():
                bound = max(bound, float(found.reserve[good[number]].max()) / 100.0)
        return good, strikes, bound


class _Chooser:
    """A bot's choices under other settings of the same bot."""

    def __init__(self, bot: Any, config: Any) -> None:
        self.bot_name, self.desk, self.datas, self.p = bot.bot_name, bot.desk, bot.datas, bot.p
        self.config = config
        self._kind = type(bot)
        self.strike_rules = self._kind.rules(self)

    def rule(self) -> Any:
        return self._kind.rule(self)

    def pick(self, m: Any) -> Any:
        return self._kind.pick(self, m)

    def build(self, lane: Any, expiry: date, choice: Any) -> Any:
        return self._kind.build(self, lane, expiry, choice)

    def premium(self, proposal: Any) -> Any:
        return self._kind.premium(self, proposal)


def check(setup: Setup, minutes: Sequence[int], losses: Sequence[float]) -> None:
    """Refuse what the screen's kernels cannot express.

    Raises
    ------
    ConfigError
    """
    if len(setup.bots) != 1:
        raise ConfigError(f"screen: got {', '.join(setup.bots)}, expected one bot")
    settings, name = setup.settings, setup.bots[0]
    config = getattr(settings.bots, name)
    _refuse("symbols", list(config.symbols), "one symbol", len(config.symbols) == 1)
    _refuse("expiry_days", config.expiry_days, "0", config.expiry_days == 0)
    _refuse("quantity", config.quantity, f"at most {SIZE}, the quoted size", config.quantity <= SIZE)
    _refuse("risk.half_days", settings.risk.half_days, "false", not settings.risk.half_days)
    structure = getattr(config, "structure", "spread")
    _refuse("structure", structure, "spread", structure == "spread")
    product = setup.products[config.symbols[0]]
    cash = product.settlement is Settlement.CASH_PM
    _refuse(f"{product.symbol}: settlement", str(product.settlement), "cash_pm, such as of XSP", cash)
    timeout, end = settings.execution.entry_timeout_minutes, settings.risk.window_last
    late = next((minute for minute in minutes if minute + timeout >= end), None)
    if late is not None:
        raise ConfigError(
            f"screen: entry at minute {late} can work until {late + timeout}, expected before "
            f"risk.window_last {end}"
        )
    _check_losses(settings, name, config.quantity, losses)


def _check_losses(settings: Settings, bot: str, quantity: int, losses: Sequence[float]) -> None:
    limits = settings.risk.limits()
    _, budget = limits.budget(bot)
    most = min(cents_of(budget.planned_loss), cents_of(limits.day_r * budget.planned_loss))
    for loss in losses:
        if (cents(loss * quantity) or 0) > most:
            raise ConfigError(
                f"screen: planned_loss {loss:g} for {quantity} is never traded, expected at most the "
                f"budget's {most / 100:g}"
            )


def _refuse(key: str, value: Any, expected: str, fits: bool) -> None:
    if not fits:
        raise ConfigError(f"screen: {key} is {value}, expected {expected}: nothing else is covered")


def _structure(bot: Any, bars: Any, name: str) -> tuple[Any, Any, Any]:
    """Return column, right and sign of every leg, in the order in which the engine prices them."""
    book = bot.desk.book
    if not bot.strike_rules or not isinstance(book, ChoiceBook):
        raise ConfigError(f"screen: {name} chooses its strikes in its own way, expected putlite or condor")
    if not len(bars):
        raise ConfigError(
            "screen: the filters let nothing pass at these minutes, expected at least one entry"
        )
    found = choices_of(bot, bot.lanes[0], bars, book)
    if found is None:
        raise ConfigError("screen: convention is sigma, expected straddle or ratio: nothing else is covered")
    good = np.flatnonzero(found.code == 0)
    if not len(good):
        raise ConfigError("screen: no chain has the strikes of these settings, expected at least one")
    choices = found.take(good)
    proposal = bot.build(bot.lanes[0], choices.expiry[0].item(), choices[0])
    columns, legs = choices.columns(proposal.combo), proposal.combo.legs
    plain = all(isinstance(leg.instrument, Contract) and abs(leg.ratio) == 1 for leg in legs)
    if len(proposal.steps) != 1 or not plain or columns is None:
        raise ConfigError(f"screen: {name} trades in several orders or shares, expected putlite or condor")
    return (
        np.array(columns, np.int64),
        np.array([leg.instrument.right is Right.CALL for leg in legs]),
        np.array([math.copysign(1.0, leg.ratio) for leg in legs]),
    )
