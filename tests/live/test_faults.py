"""A few faults of every kind in a rehearsed hour; ``make faults`` plays them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.faults import FAULTS, survive

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["tcp dropped as it fills", "10349 on the entry", "crossed quotes"])
def test_session_survives_a_fault_flat_and_with_the_gateways_books(tmp_path: Path, name: str) -> None:
    survive(tmp_path, FAULTS[name])
