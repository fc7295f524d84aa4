"""How orders are worked: the numbers of ``execution`` in ``strategy.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """How an order concedes, how long it waits, and what the simulated market gives.

    Parameters
    ----------
    entry_fraction_start : float
        Where an entry begins between mid (0) and natural price (1).
    steps, exit_steps : int
        Concessions from there to the natural price, of an entry and of an exit.
    requote_minutes : int
        Minutes between two concessions.
    entry_timeout_minutes : int
        Minutes after which the rest of an entry is cancelled. Exits never time out.
    fill_fraction : float
        Where the simulated market trades between mid (0) and natural price (1).
    slippage_ticks : int
        Ticks by which it trades worse than that.

    Raises
    ------
    ConfigError
        Names the setting, the value received and what was expected.
    """

    entry_fraction_start: float = 0.0
    steps: int = 4
    requote_minutes: int = 1
    entry_timeout_minutes: int = 6
    exit_steps: int = 3
    fill_fraction: float = 1.0
    slippage_ticks: int = 0

    def __post_init__(self) -> None:
        for name in ("entry_fraction_start", "fill_fraction"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"execution.{name} is {value}, expected a number from 0 to 1")
        for name, least in (
            ("steps", 1),
            ("requote_minutes", 1),
            ("entry_timeout_minutes", 1),
            ("exit_steps", 0),
            ("slippage_ticks", 0),
        ):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least):
                raise ConfigError(f"execution.{name} is {value}, expected a whole number of at least {least}")

    def assumptions(self) -> list[str]:
        """Return the sentences about fills that every report prints."""
        lines = [
            "An order sent on one bar can fill on the next bar's quotes at the earliest.",
            f"Entries start {_place(self.entry_fraction_start)}, concede to the natural price in {self.steps}"
            f" steps of {self.requote_minutes} min and are cancelled after {self.entry_timeout_minutes} min; "
            f"exits concede in {self.exit_steps} steps and never time out; urgent exits take the natural "
            "price at once.",
            f"The market is taken to trade {_place(self.fill_fraction)}"
            + (f", {self.slippage_ticks} ticks worse" if self.slippage_ticks else "")
            + "; an order whose limit allows that price pays it, and never gets a better one.",
            "No more units fill on a bar than the quoted size.",
        ]
        return lines


def _place(fraction: float) -> str:
    if fraction == 0.0:
        return "at mid"
    if fraction == 1.0:
        return "at the natural price"
    return f"{fraction:.0%} of the way from mid to the natural price"
