"""Synthetic minutes beside the recorded year: in the band, or named with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzers.stylized import Days
from engine.errors import DataError
from feeds.synthetic.simulated import SimulatedSettings, simulated
from scripts.validate.generator import MINUTES, checks, statistics
from scripts.validate.table import Verdict


def test_folder_without_the_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{MINUTES}: no such file"):
        checks(tmp_path)


def test_statistics_of_a_plain_random_walk_are_those_it_must_have() -> None:
    random = np.random.default_rng(1)
    steps = random.standard_normal((500, 390)) * 1e-4
    close = np.cumsum(steps, axis=1)
    path = np.column_stack([np.zeros(500), close])
    high, low = np.maximum(path[:, 1:], path[:, :-1]), np.minimum(path[:, 1:], path[:, :-1])
    # a day's volatility by VIX equals the walk's
    vix = np.full(500, 1e-4 * np.sqrt(390 * 252) * 100)
    days = Days(np.zeros(500), high, low, close, steps, None, vix)
    assert days.kurtosis() == pytest.approx(0.0, abs=0.05)
    assert days.jump_share() == pytest.approx(0.0, abs=0.01)
    assert days.profile() == pytest.approx(np.ones(13), abs=0.05)
    assert days.autocorrelation(1, absolute=True) == pytest.approx(0.0, abs=0.01)
    assert days.moved_beyond(1.0) == pytest.approx(0.317, abs=0.06)
    assert days.realised_against_vix()[0] == pytest.approx(0.0, abs=0.02)
    assert days.pick(np.array([3, 3])).variance == pytest.approx(np.full(2, days.variance[3]))


def test_jumps_are_seen_as_jumps() -> None:
    days = Days.of(simulated(SimulatedSettings(seed=1)).head(390 * 60))
    jumped = days.returns.copy()
    jumped[:, 200] += 3.0 * np.sqrt(days.variance)
    held = Days(days.opened, days.high, days.low, days.close, jumped, None)
    assert held.jump_share() > 0.7 > days.jump_share()


@pytest.mark.realdata
def test_every_statistic_is_in_the_band_of_the_real_one_or_named(real_data: Path) -> None:
    if not (real_data / MINUTES).is_file():
        pytest.skip(f"{MINUTES} is absent")
    sections = checks(real_data)
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    assert len(verdicts) == 2 * len(statistics()) + 1
    assert Verdict.MISSES not in verdicts
    assert verdicts.count(Verdict.EXPLAINED) <= 18
