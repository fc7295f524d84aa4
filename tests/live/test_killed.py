"""A session killed with SIGKILL goes on where it was: same trades, same books, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.killing import Moment, closing, holding, kill_and_restart, working_entry


@pytest.mark.parametrize(
    ("moment", "delay"), [(working_entry, 0.1), (holding, 0.0), (holding, 2.0), (closing, 0.05)]
)
def test_session_killed_and_restarted_ends_flat_with_the_gateways_books(
    tmp_path: Path, moment: Moment, delay: float
) -> None:
    kill_and_restart(tmp_path, moment, delay)
