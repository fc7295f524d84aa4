"""How large live may be: bounds that stand here, and not in a file."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import GateError
from engine.settings import Settings

STRUCTURAL_SHARE = 0.02  # of the account, a trade
DAY_SHARE = 0.06  # of the account, a day
STRUCTURAL_USD = 1500.0  # a lot: a collared hundred shares and their neighbours, docs/budgets.md
DAY_USD = 1500.0


@dataclass(frozen=True, slots=True)
class LiveSize:
    """The most a bot may do live.

    Parameters
    ----------
    lots : int
        Units of its combo in one trade.
    structural : float
        USD a trade's structure may lose.
    day : float
        USD the day may cost.
    """

    lots: int
    structural: float
    day: float


def live_size(lots: int, equity: float) -> LiveSize:
    """Return the bounds of so many lots on an account of ``equity`` USD.

    A lot is one unit of the bot's combo. Whatever ``config/`` says: never more than 1500 USD a
    trade and a day for each lot, never more than 2 % of the account a trade and 6 % a day.
    """
    return LiveSize(
        lots,
        min(lots * STRUCTURAL_USD, equity * STRUCTURAL_SHARE),
        min(lots * DAY_USD, equity * DAY_SHARE),
    )


def check_size(settings: Settings, bot: str, size: LiveSize) -> None:
    """Make sure that the settings keep a bot within its live size.

    Raises
    ------
    GateError
        Names the setting, its value and the bound.
    """
    own = getattr(settings.bots, bot)
    place, budget = ("risk", settings.risk)
    if bot in settings.risk.budgets:
        place, budget = f"risk.budgets.{bot}", settings.risk.budgets[bot]  # type: ignore[assignment]
    for key, value, most in (
        (f"bots.{bot}.quantity", own.quantity, size.lots),
        (f"{place}.structural_loss", budget.structural_loss, size.structural),
        (f"{place}.day_cap", budget.day_cap, size.day),
    ):
        if value > most + 1e-9:
            raise GateError(f"{key} is {value:g}, live allows {bot} at most {most:g} now")
