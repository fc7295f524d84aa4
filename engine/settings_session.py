"""The settings of a paper, live or rehearsed session: section ``session`` of ``strategy.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.live.patience import Patience
from engine.settings_types import Amount, Positive, Section, Whole


class SessionSettings(Section):
    """Discipline of a session. Seconds are those of the venue's clock.

    See `engine.live.patience.Patience` for the stop and `engine.live.guard` for the guard.
    """

    folder: Path = Path("runs/live")
    stop_seconds: Positive = 20.0
    stop_far: Positive = 0.5
    stop_far_seconds: Positive = 3.0
    stop_gap_seconds: Positive = 5.0
    unmarked_seconds: Positive = 60.0
    late_seconds: Positive = 90.0
    keep_open: bool = False
    record: Path | None = None
    end_seconds: Positive = 120.0
    heartbeat_seconds: Positive = 5.0
    guard: bool = True
    guard_client_id: Annotated[Whole, Field(le=999)] = 18
    guard_restart_seconds: Amount = 10.0
    guard_silent_seconds: Positive = 60.0
    guard_lost_seconds: Positive = 180.0
    guard_day_loss: Positive | None = 2000.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.stop_far_seconds > self.stop_seconds:
            raise ValueError(
                f"session.stop_far_seconds is {self.stop_far_seconds:g}, expected at most "
                f"stop_seconds {self.stop_seconds:g}"
            )
        if self.guard_silent_seconds < 2 * self.heartbeat_seconds:
            raise ValueError(
                f"session.guard_silent_seconds is {self.guard_silent_seconds:g}, expected at least twice "
                f"heartbeat_seconds {self.heartbeat_seconds:g}"
            )
        return self

    def patience(self) -> Patience:
        """Return how long a stop and a missing price are watched."""
        return Patience(
            self.stop_seconds,
            self.stop_far,
            self.stop_far_seconds,
            self.stop_gap_seconds,
            self.unmarked_seconds,
        )
