"""``kill -9`` between a fill and its row, and again on the way out; ``make soak-kill`` draws two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.kills import Moment, kill_and_restart


@pytest.mark.slow
def test_session_killed_twice_goes_on_with_the_gateways_books_and_nothing_twice(tmp_path: Path) -> None:
    moments = [Moment("fill"), Moment("message", 3)]  # told, not journalled; the exit's order just sent
    first, second = kill_and_restart(tmp_path, moments, [20.0, 0.0], slow=False)
    assert (first.held, first.unknown_fills) == (True, 4)
    assert second.held
