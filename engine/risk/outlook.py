"""The governor's answers that do not hang on the day's trades, for whole lines at once.

Equal to `Governor.judge` as far as they go, and shown to be by test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.reasons import CODE, PASSED, Reason
from engine.risk.governor import Governor, cents_of
from engine.risk.halts import REASONS, VIX, halt_codes
from engine.risk.limits import Limits, cents

Line = NDArray[np.float64]
Codes = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Outlook:
    """One symbol's market halts, bar by bar.

    Parameters
    ----------
    codes, latched : int8 array, one a bar
        Halts the market is in, and halts latched that day so far, as bits.
    bars : int array
        Bars on which a halt latches, rising.
    measured : bool array, one a bar
        Whether everything is known that the halts are watched by.
    """

    codes: NDArray[np.int8]
    latched: NDArray[np.int8]
    bars: NDArray[np.int64]
    measured: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        limits: Limits,
        day: NDArray[np.int32],
        price: Line,
        high: Line,
        low: Line,
        session_open: Line,
        expected_move: Line,
        vix: Line,
        vix_previous: Line,
    ) -> Outlook:
        """Compute the outlook of whole lines, ``high`` and ``low`` being the day's so far."""
        codes, latched, first = halt_codes(
            day, price, high, low, session_open, expected_move, vix, vix_previous, limits
        )
        needed: list[Line] = []
        if limits.halt_move is not None or limits.halt_range is not None:
            needed += [price, session_open, expected_move, high, low]
        if limits.halt_vix is not None:
            needed += [vix, vix_previous]
        measured = np.ones(len(day), bool)
        for line in needed:
            measured &= np.isfinite(line) & (line > 0.0)
        return cls(codes, latched, np.unique(first[first >= 0]), measured)

    def denials(self, bars: NDArray[np.int64], alone: bool) -> Codes:
        """Return on some bars why the market forbids an entry, ``PASSED`` where it does not.

        Another symbol can latch the VIX halt for the whole market. Unless every symbol shows the
        same VIX (``alone``), what only such a halt would come before is left open.
        """
        codes = np.where(self.measured[bars], PASSED, CODE[Reason.WARMING_UP]).astype(np.int16)
        now, latched = self.codes[bars], self.latched[bars]
        for held in (latched, now):
            for bit, reason in reversed(REASONS):
                sure = alone or held is now or bit <= VIX
                codes[(held & bit) > 0] = CODE[reason] if sure else PASSED
        return codes


def reserves(planned: float, structural: Line, defined: bool) -> NDArray[np.int64]:
    """Return the cents the governor sets aside for trades, 0 where their loss is no number."""
    if not defined:
        return np.full(len(structural), cents(planned) or 0, np.int64)
    return np.ceil(np.where(np.isfinite(structural), structural, 0.0) * 100 - 1e-6).astype(np.int64)


def trade_denials(governor: Governor, bot: str, planned: float, structural: Line, defined: bool) -> Codes:
    """Return why trades are too big for the bot's budget, ``PASSED`` where they are not.

    Parameters
    ----------
    governor : Governor
    bot : str
    planned : float
        USD, of every trade.
    structural : ndarray, shape (n,)
        USD; not finite where unknown.
    defined : bool
        Whether the structure's risk is.
    """
    _, budget = governor.limits.budget(bot)
    codes = np.full(len(structural), PASSED, np.int16)
    if not defined and not governor.research:
        codes[:] = CODE[Reason.UNDEFINED_RISK]
        return codes
    wanted = cents(planned)
    if wanted is None or not 0 < wanted <= cents_of(budget.planned_loss):
        codes[:] = CODE[Reason.PLANNED_LOSS_CAP]
    elif defined:
        reserved = reserves(planned, structural, defined)
        fits = (reserved > 0) & (reserved <= cents_of(budget.structural_loss))
        codes[~fits] = CODE[Reason.STRUCTURAL_LOSS_CAP]
    return codes
