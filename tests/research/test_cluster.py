"""A cluster that is not there; what a real one finds stands in ``test_sweep``."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from scripts.requests import BacktestRequest
from scripts.variants import Base, Variant, run_variants

pytest.importorskip("distributed")
CONFIG = Path(__file__).parents[2] / "config"


def test_scheduler_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.cluster.CONNECT_SECONDS", 1)
    asked = BacktestRequest(config=CONFIG, out=tmp_path, profile="spx", timerange="20180102-20180131")
    with pytest.raises(ConfigError, match="does not answer") as caught:
        list(run_variants(Base.of(asked), [Variant()], scheduler="tcp://127.0.0.1:1"))
    assert "\n" not in str(caught.value)
