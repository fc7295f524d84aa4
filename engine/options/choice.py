"""Which strikes a rule takes off a chain, as one kernel for a single chain and for thousands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.kernels import below1, njit, upto1
from engine.options.combo import Combo
from engine.options.contract import Contract, Right
from engine.options.expected_move import Convention
from engine.reasons import Reason
from engine.record import record

Float64 = NDArray[np.float64]
NEAR = 1e-6  # strikes closer than this are one
OK, NO_QUOTE, NO_STRIKE, NO_EXPIRY = 0, 1, 2, 3
WHY = (Reason.ENTERED, Reason.NO_QUOTE, Reason.NO_STRIKE, Reason.NO_EXPIRY)
PUT, PUT_WING, CALL, CALL_WING = range(4)  # columns of the strikes
_NONE, _BY_DELTA, _BY_MOVE = 0.0, 1.0, 2.0


class By(StrEnum):
    """What places a strike: its delta, or its distance in expected moves."""

    DELTA = "delta"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class StrikeRule:
    """Where the strikes of a structure stand.

    A strike is placed by delta (the nearest one listed) or so many expected moves from the
    forward, then taken out of the money and on to the list: puts down, calls up.

    Parameters
    ----------
    put, call : (By, float), optional
        Side without it has no strike.
    put_width, call_width : float
        USD to a wing further out, which must be listed; 0 for none.
    convention : Convention
        Of the expected move, `engine.options.expected_move`.
    ratio : float
        Share of the straddle with ``Convention.RATIO``.
    """

    put: tuple[By, float] | None = None
    call: tuple[By, float] | None = None
    put_width: float = 0.0
    call_width: float = 0.0
    convention: Convention = Convention.STRADDLE
    ratio: float = 0.85

    def __post_init__(self) -> None:
        if self.put is None and self.call is None:
            raise ConfigError("strike rule: got neither put nor call, expected at least one")

    @property
    def by_move(self) -> bool:
        """Whether a strike's place depends on the expected move."""
        return any(side is not None and side[0] is By.MOVE for side in (self.put, self.call))

    def numbers(self) -> Float64:
        """Return the rule as `choose1` takes it: kind, amount and width of puts, then of calls."""
        told: list[float] = []
        for side, width in ((self.put, self.put_width), (self.call, self.call_width)):
            if side is None:
                told += [_NONE, 0.0, 0.0]
            else:
                told += [_BY_DELTA if side[0] is By.DELTA else _BY_MOVE, float(side[1]), float(width)]
        return np.array(told)


@record
class Choice:
    """What a rule takes off one chain: strikes NaN where it has none; ``move`` in USD.

    ``why`` says what is missing and is None for a choice that can be traded.
    """

    why: Reason | None
    put: float
    put_wing: float
    call: float
    call_wing: float
    put_delta: float
    call_delta: float
    move: float

    @classmethod
    def of(cls, why: Reason | None, strikes: Float64, deltas: Float64, move: float) -> Choice:
        """Return the choice of four strikes, in the order of the columns, and two deltas."""
        put, put_wing, call, call_wing = strikes.tolist()
        put_delta, call_delta = deltas.tolist()
        return cls(why, put, put_wing, call, call_wing, put_delta, call_delta, move)


@dataclass(frozen=True)
class Choices:
    """The choices of many bars as columns.

    Parameters
    ----------
    bars : ndarray of int, shape (n,)
    code : ndarray of int8, shape (n,)
        Place in ``WHY``.
    strikes : ndarray, shape (n, 4)
        In the order PUT, PUT_WING, CALL, CALL_WING; NaN for none.
    deltas : ndarray, shape (n, 2)
        Of the put and of the call sold.
    move : ndarray, shape (n,)
        Expected move, USD; NaN where ``moved`` tells it.
    expiry : ndarray of datetime64[D], shape (n,)
    moved : callable, optional
        From bar and expiry to the expected move: of a rule that places nothing by it, it costs
        more than all else and only a trade wants it.
    maker : hashable, optional
        What made them: of two choices with one maker from one book, those on a bar are the same.
    """

    bars: NDArray[np.int64]
    code: NDArray[np.int8]
    strikes: Float64
    deltas: Float64
    move: Float64
    expiry: NDArray[np.datetime64]
    moved: Callable[[int, date], float] | None = None
    maker: Hashable = None

    @classmethod
    def joined(cls, parts: Sequence[Choices]) -> Choices:
        """Return choices on different bars as one, the bars rising.

        Parameters
        ----------
        parts : sequence of Choices
            By rules that mean the same by an expected move; at least one.
        """

        def column(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in parts])[order]

        order = np.argsort(np.concatenate([part.bars for part in parts]))
        return cls(
            column("bars"),
            column("code"),
            column("strikes"),
            column("deltas"),
            column("move"),
            column("expiry"),
            parts[0].moved,
        )

    def take(self, rows: NDArray[np.int64]) -> Choices:
        """Return some of the choices."""
        return Choices(
            self.bars[rows],
            self.code[rows],
            self.strikes[rows],
            self.deltas[rows],
            self.move[rows],
            self.expiry[rows],
            self.moved,
            self.maker,
        )

    def columns(self, combo: Combo) -> tuple[int, ...] | None:
        """Return which strike each leg of a combo made of the first choice has, -1 for shares.

        None where a leg has a strike or an expiry that is none of that choice's.
        """
        found = []
        for leg in combo.legs:
            held = leg.instrument
            if not isinstance(held, Contract):
                found.append(-1)
                continue
            wanted = (PUT, PUT_WING) if held.right is Right.PUT else (CALL, CALL_WING)
            same = [column for column in wanted if self.strikes[0, column] == held.strike]
            if not same or np.datetime64(held.expiry, "D") != self.expiry[0]:
                return None
            found.append(same[0])
        return tuple(found)

    def __getitem__(self, row: int) -> Choice:
        code = int(self.code[row])
        why, move = None if code == OK else WHY[code], float(self.move[row])
        if self.moved is not None and code != NO_EXPIRY:
            move = self.moved(int(self.bars[row]), self.expiry[row].item())
        return Choice.of(why, self.strikes[row], self.deltas[row], move)


@njit(cache=True)
def choose1(
    forward: float, spot: float, calls: Any, puts: Any, call_near: float, put_near: float,
    move: float, rule: Any, out: Any,
) -> int:  # fmt: skip
    """Fill ``out`` with the four strikes and return a code of ``WHY``.

    ``calls`` and ``puts`` are listed strikes, rising; ``call_near`` and ``put_near`` those of
    the wanted deltas, NaN for none, and read only on a side that is placed by delta.
    """
    out[:] = np.nan
    for side in range(2):
        kind, amount, width = rule[3 * side], rule[3 * side + 1], rule[3 * side + 2]
        if kind == _NONE:
            continue
        strikes = puts if side == 0 else calls
        if kind == _BY_DELTA:
            wanted = put_near if side == 0 else call_near
        else:
            wanted = forward - amount * move if side == 0 else forward + amount * move
        if not np.isfinite(wanted):
            return NO_QUOTE
        if side == 0:
            row = upto1(strikes, min(wanted, spot) + NEAR) - 1
        else:
            row = below1(strikes, max(wanted, spot) - NEAR)
        if row < 0 or row >= len(strikes):
            return NO_STRIKE
        out[2 * side] = strikes[row]
        if width > 0.0:
            wing = strikes[row] - width if side == 0 else strikes[row] + width
            if row1(strikes, wing) < 0:
                return NO_STRIKE
            out[2 * side + 1] = wing
    return OK


@njit(cache=True)
def nearest1(strikes: Any, delta: Any, amount: float) -> float:
    """Return the strike whose delta, signs ignored, is nearest to ``amount``; NaN without deltas."""
    best, found = np.inf, np.nan
    for i in range(len(strikes)):
        away = abs(abs(delta[i]) - abs(amount))
        if away < best:
            best, found = away, strikes[i]
    return float(found)


@njit(cache=True)
def row1(strikes: Any, strike: float) -> int:
    """Return the place of a listed strike, -1 where it is not listed."""
    row = below1(strikes, strike - NEAR)
    return row if row < len(strikes) and abs(strikes[row] - strike) < NEAR else -1
