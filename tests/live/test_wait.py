"""What a session says while it waits for its day."""

from __future__ import annotations

from datetime import UTC, datetime

from scripts.live.run import next_session


def test_on_a_holiday_the_wait_for_the_next_session_is_told() -> None:
    thanksgiving = datetime(2026, 11, 26, 8, 30, 20, tzinfo=UTC)
    begin, told = next_session(thanksgiving)
    assert begin == datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
    assert told.startswith("Waits for the session of 2026-11-27: connects at 09:00 New York, in 29 h 29 min")


def test_a_session_that_is_on_is_not_waited_for() -> None:
    noon = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
    begin, _ = next_session(noon)
    assert begin < noon
