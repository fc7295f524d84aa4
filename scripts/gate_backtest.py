"""What a finished backtest shows, as the gate is told it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analyzers.analysis import daily_of
from analyzers.result import RunResult, load
from engine.errors import DataError, GateError
from engine.gate.facts import Backtest
from engine.gate.fingerprint import changes, fingerprint
from engine.gate.gate import Gate
from engine.research.statistics import block_days, deflate, expectancy_interval, sharpe
from engine.settings import Settings
from engine.settings_files import did_you_mean
from scripts.origin import STRATEGY_FILES
from scripts.search.ledger import FOLDER, Ledger

LEVEL = 0.90  # an interval of which 5 % lie below


def evidence(
    run: Path,
    settings: Settings,
    strategies: Path,
    costs: float,
    trials: int | None,
    families: Sequence[str],
    gate: Gate,
) -> Iterator[Backtest]:
    """Yield what a run showed, bot by bot.

    Parameters
    ----------
    run : Path
        Folder of the run.
    settings, strategies
        As they are now: the run must have been made with them.
    costs : float
        Factor on fees and slippage.
    trials : int, optional
        How many were ever tried; by default all in the ledgers of ``families``.
    families : sequence of str
        Of searches; by default all beside the run.
    gate : Gate
        Its earlier backtests of the bot count as trials too.

    Raises
    ------
    GateError
        The run had other settings or strategy files.
    DataError
        It cannot be read.
    """
    result, _ = load(run)
    told, others = _tried(run.parent, trials, families)
    made = Settings(**result.settings)
    for bot in dict.fromkeys(result.decisions.bot.astype(str)):
        now = fingerprint(settings, bot, strategies)
        then = fingerprint(made, bot, strategies)
        _same(result, bot, changes(then.parts, now.parts), now.parts)
        earlier = {
            entry.fact.run
            for entry in gate.history(bot)
            if isinstance(entry.fact, Backtest) and entry.fact.run != result.run_id
        }
        yield _figures(result, bot, now.digest, costs, told + len(earlier), others)


def _same(result: RunResult, bot: str, differ: Sequence[str], parts: Any) -> None:
    """Make sure that the run had the settings and the strategy files of now."""
    if differ:
        raise GateError(
            f"run {result.run_id}: {bot} had other settings then: {'; '.join(differ[:3])}; "
            "expected those of now: run mw backtest again"
        )
    kept = result.inputs.get(STRATEGY_FILES, "")
    missing = [
        name for name, digest in parts.items() if name.endswith(".py") and f"{name}={digest}" not in kept
    ]
    if missing:
        raise GateError(
            f"run {result.run_id}: {', '.join(missing)} had another content then, or it was not kept; "
            "expected that of now: run mw backtest again"
        )


def _tried(out: Path, trials: int | None, families: Sequence[str]) -> tuple[int, list[float]]:
    """Return how many searches were ever made beside the run, and their Sharpe ratios."""
    if trials is not None:
        return trials, []
    folder = out / FOLDER
    names = families or sorted(path.stem for path in folder.glob("*.jsonl"))
    ledgers = [Ledger(out, name) for name in names]
    for name, ledger in zip(names, ledgers, strict=True):
        if not ledger.path.exists():
            hint = did_you_mean(name, [path.stem for path in folder.glob("*.jsonl")])
            raise DataError(f"--family: got {name!r}, expected the name of a ledger in {folder}/{hint}")
    ratios = [ratio for ledger in ledgers for ratio in ledger.ratios]
    return sum(ledger.trials for ledger in ledgers), ratios


def _figures(
    result: RunResult, bot: str, config: str, costs: float, tried: int, others: Sequence[float]
) -> Backtest:
    trades = result.trades[result.trades.bot == bot]
    index = pd.DatetimeIndex(pd.to_datetime(list(result.sessions)))
    dearer = trades.assign(net=trades.net - (costs - 1.0) * (trades.fees + trades.slippage))
    pnl, hurt, counts = (
        daily_of(trades, index),
        daily_of(dearer, index),
        daily_of(trades.assign(net=1.0), index),
    )
    ratio, error = sharpe(pnl, result.start_cash)
    judged = deflate(ratio, error, [ratio, *others], tried + 1)
    low, _, _ = expectancy_interval(hurt, counts, LEVEL, block_days(hurt))
    return Backtest(
        bot=bot,
        config=config,
        run=result.run_id,
        recorded=not result.synthetic and "quotes" in result.inputs and "mix" not in result.inputs,
        first=result.sessions[0],
        last=result.sessions[-1],
        sessions=len(result.sessions),
        trades=len(trades),
        sharpe=_known(ratio),
        error=_known(error),
        trials=judged.trials,
        deflated=_known(judged.probability),
        expectancy=_known(float(dearer.net.mean())) if len(trades) else None,
        costs=costs,
        low=_known(low),
    )


def _known(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
