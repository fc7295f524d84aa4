"""May this session trade? What ``mw paper`` and ``mw live`` ask before their first order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import GateError
from engine.gate.criteria import Verdict
from engine.gate.facts import Opened, Overridden
from engine.gate.fingerprint import Fingerprint, fingerprint
from engine.gate.gate import Gate
from engine.gate.ramp import LIVE, Standing
from engine.gate.settings import Stage
from engine.gate.size import DAY_SHARE, LiveSize, check_size, live_size
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Permission:
    """The gate's word for one bot and one session.

    Parameters
    ----------
    bot : str
    stage : Stage
    size : LiveSize or None
        Bounds of a live session; None on paper.
    overridden : bool
        The owner's word, not the gate's.
    text : str
        One line for the log.
    """

    bot: str
    stage: Stage
    size: LiveSize | None
    overridden: bool
    text: str


@dataclass(frozen=True)
class Request:
    """A session that is about to begin.

    Parameters
    ----------
    settings : Settings
    bots : sequence of str
        All that share the account.
    strategies : Path
        Folder of the strategy files.
    day : date
    venue : str
        ``paper`` or ``live``.
    account : str
        Its number; the gate keeps a mark of it, see `mark_of`.
    equity : float
        USD.
    """

    settings: Settings
    bots: Sequence[str]
    strategies: Path
    day: date
    venue: str
    account: str
    equity: float


def permission(gate: Gate, request: Request) -> dict[str, Permission]:
    """Let a session begin, and write down that it did; for all its bots or for none.

    Raises
    ------
    GateError
        A bot may not trade live yet (names what is missing), a setting passes the live bounds, the
        configuration changed since the day's session began, an earlier session is not judged, or
        it is no trading day.
    """
    for bot in request.bots:
        before = gate.standing(bot).opened
        if before is not None and before.day < request.day:
            raise GateError(f"{bot}: the session of {before.day} is not judged, expected that (mw eod) first")
    found = _registered(gate, request)
    granted = {bot: _grant(gate, request, bot) for bot in request.bots}
    if request.venue == "live":
        _together(request)
    account = mark_of(request.account)
    for bot, one in found.items():
        gate.open_session(
            Opened(bot, one.digest, request.day, request.venue, account, request.settings.digest)
        )
    return granted


def mark_of(account: str) -> str:
    """Return a mark that tells accounts apart without their numbers."""
    return hashlib.sha256(account.encode()).hexdigest()[:12]


def check_stage(gate: Gate, request: Request) -> None:
    """Refuse a live session by its bots' stages alone, before the account is known.

    Raises
    ------
    GateError
        A bot may not trade live yet; names what is missing.
    """
    _registered(gate, request)
    for bot in request.bots:
        _check_stage(gate, bot, request.day)


def _check_stage(gate: Gate, bot: str, day: date) -> bool:
    """Refuse a stage below live without the owner's word, and return whether it is his word."""
    standing = gate.standing(bot)
    if standing.stage in LIVE:
        return False
    if not is_overridden(standing, day):
        raise GateError(refusal(gate, bot))
    return True


def _registered(gate: Gate, request: Request) -> dict[str, Fingerprint]:
    found = {bot: fingerprint(request.settings, bot, request.strategies) for bot in request.bots}
    for one in found.values():
        _unchanged(gate, request, one.bot, one.digest)
        gate.register(one)
    return found


def _unchanged(gate: Gate, request: Request, bot: str, config: str) -> None:
    """Refuse another configuration while a session of the day is open, before it is registered."""
    opened = gate.standing(bot).opened
    if opened is not None and opened.day == request.day and opened.config != config:
        raise GateError(
            f"{bot}: the configuration has changed since the session of {request.day} began; "
            "expected the same until it has ended and is judged"
        )


def _grant(gate: Gate, request: Request, bot: str) -> Permission:
    standing = gate.standing(bot)
    if request.venue == "paper":
        counts = "its sessions count" if standing.stage is Stage.PAPER else "its paper sessions do not count"
        return Permission(bot, standing.stage, None, False, f"{bot} is at {standing.stage}: {counts}")
    if request.venue != "live":
        raise GateError(f"venue is {request.venue!r}, expected paper or live")
    overridden = _check_stage(gate, bot, request.day)
    size = live_size(max(standing.lots, 1), request.equity)
    check_size(request.settings, bot, size)
    said = "against the gate, by the owner's word" if overridden else f"the gate allows {size.lots} lots"
    return Permission(bot, standing.stage, size, overridden, f"{bot} is at {standing.stage}: {said}")


def refusal(gate: Gate, bot: str) -> str:
    """Return in one line why a bot may not trade live."""
    standing = gate.standing(bot)
    missing = [row.name for row in gate.criteria(bot) if row.verdict is not Verdict.PASS]
    told = f"{bot} is at {standing.stage}, live needs {Stage.SMALL}"
    return f"{told}; missing: {', '.join(missing) or 'nothing'}; see mw gate --bot {bot}"


def _together(request: Request) -> None:
    """Hold what all bots on the account may lose in a day against the account."""
    limits = request.settings.risk.limits()
    budgets = dict(limits.budget(bot) for bot in request.bots)
    day = sum(budget.day_cap for budget in budgets.values())
    if day > DAY_SHARE * request.equity + 1e-9:
        raise GateError(
            f"{', '.join(request.bots)} may lose {day:.2f} USD a day together, live allows "
            f"{DAY_SHARE:.0%} of the account's {request.equity:.2f} USD: {DAY_SHARE * request.equity:.2f}"
        )


def is_overridden(standing: Standing, day: date) -> bool:
    """Tell whether the owner has given a word for this day and configuration."""
    return any(one.day == day and one.config == standing.config for one in standing.overrides)


def words_for(bot: str, day: date) -> str:
    """Return what the owner must type, in full, to trade live against the gate on a day."""
    return f"I trade {bot} live on {day.isoformat()} although the gate refuses"


def override(gate: Gate, bot: str, day: date, typed: str) -> None:
    """Take the owner's word for one bot and one day; the session will not be compliant.

    Raises
    ------
    GateError
        The words are not the ones asked for, or nothing is refused.
    """
    standing = gate.standing(bot)
    if standing.stage in LIVE:
        raise GateError(f"{bot} is at {standing.stage}: live is allowed, expected no override")
    if typed != words_for(bot, day):
        raise GateError(f"override: got {typed!r}, expected exactly {words_for(bot, day)!r}")
    missing = tuple(row.name for row in gate.criteria(bot) if row.verdict is not Verdict.PASS)
    gate.override(Overridden(bot, standing.config, day, typed, missing))
