"""Children that a test may interrupt: one started from a shell's background would ignore Ctrl-C."""

from __future__ import annotations

import signal


def heeds_interrupts() -> None:
    """Let Ctrl-C reach a child again; for ``preexec_fn`` of `subprocess.Popen`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
