"""What all tests stand on: one cache, no settings from the caller's environment, no time limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from engine.journal.redaction import REDACTOR

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("MW_CACHE", str(ROOT / ".cache"))
os.environ.setdefault("MPLBACKEND", "Agg")
for name in [name for name in os.environ if name.upper().startswith("MW__")]:
    del os.environ[name]

# The machine may be busy: only results count. The suite's verdict depends on the commit alone;
# `make explore` draws examples nobody has seen.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True, max_examples=1000)
hypothesis.settings.load_profile("project")


@pytest.fixture(autouse=True)
def secrets_are_forgotten() -> Iterator[None]:
    """What a test plants as a secret is struck out of its own texts, not of every later test's."""
    known, pattern = set(REDACTOR._known), REDACTOR._pattern
    yield
    REDACTOR._known, REDACTOR._pattern = known, pattern


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of recorded market data; skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("recorded market data is not beside the project")
    return folder
