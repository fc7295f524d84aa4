"""How far the market expects the price to go, never without saying by which convention."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.options.chain import Chain


class Convention(StrEnum):
    """What "expected move" means.

    STRADDLE is the price of the at-the-money straddle (0.80 standard deviations, a 57 %
    band on a normal distribution), SIGMA one standard deviation (68 %), RATIO a fixed
    share of the straddle (0.85 of it is 0.68 standard deviations, a 50 % band).
    """

    STRADDLE = "straddle"
    SIGMA = "sigma"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class ExpectedMove:
    """An expected move to expiry in USD of the underlying, and what was meant by it.

    ``ratio`` is the share of the straddle for ``Convention.RATIO``, else 1.
    """

    value: float
    convention: Convention
    ratio: float = 1.0

    def __str__(self) -> str:
        share = f"{self.ratio:g} x straddle" if self.convention is Convention.RATIO else self.convention.value
        return f"{self.value:.2f} ({share})"


def expected_move(chain: Chain, convention: Convention, ratio: float = 0.85) -> ExpectedMove:
    """Read the expected move to expiry from a chain.

    ``straddle`` and ``ratio`` are read from the quoted at-the-money straddle, ``sigma``
    from the at-the-money implied volatility and the time left. The value is NaN where the
    chain holds no quotes around the forward.

    Raises
    ------
    ConfigError
        ``ratio`` is not a positive number.
    """
    convention = Convention(convention)
    if convention is Convention.SIGMA:
        return ExpectedMove(chain.atm_iv() * sqrt(chain.years) * chain.forward, convention)
    if convention is Convention.STRADDLE:
        return ExpectedMove(chain.straddle(), convention)
    if not (isfinite(ratio) and ratio > 0.0):
        raise ConfigError(f"expected-move ratio is {ratio}, expected a positive number")
    return ExpectedMove(ratio * chain.straddle(), convention, ratio)
