"""Where a run comes from: the program's version, its commit, the strategies' files."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
STRATEGIES = HOME / "strategies"
STRATEGY_FILES = "strategy files"  # what of a run's inputs the gate asks for


def program_version() -> str:
    """Return the installed version, ``unknown`` outside an installation."""
    try:
        return version("market-watch")
    except PackageNotFoundError:
        return "unknown"


def git_commit() -> str:
    """Return the commit the program runs from, ``unknown`` outside a repository."""
    try:
        told = subprocess.run(
            ["git", "-C", str(HOME), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()
