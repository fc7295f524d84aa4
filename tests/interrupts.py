"""Commands that a test may interrupt: one started from a shell's background would ignore Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def started(words: Sequence[str], cwd: Path, session: bool = False) -> subprocess.Popen[str]:
    """Start ``mw`` with these words, its output in pipes; ``session`` gives it a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
        preexec_fn=_heed,
    )


def _heed() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
