"""What can be set of the call fade; read with every other setting, so it imports nothing heavy."""

from __future__ import annotations

from engine.settings_bots import BotSettings
from engine.settings_types import Delta, Positive, Real, Share, Symbols


class CallFadeSettings(BotSettings):
    """A call spread against a rise that has gone far enough."""

    enabled: bool = False
    symbols: Symbols = ("XSP",)
    planned_loss: Positive = 50.0
    profit_target: Share = 0.5
    short_delta: Delta = 0.15
    width: Positive = 1.0
    trend_min: Real = 1.5  # t-statistic of the day's drift
