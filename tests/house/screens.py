"""Commands on a terminal of a given width, as their user sees them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[()][A-B0-9]")


def on_terminal(words: list[str], width: int, cwd: Path, root: Path) -> str:
    """Run a command on a terminal of so many columns; return all it wrote, colours and cursor included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    running = subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", *words],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(root), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told = bytearray()
    try:
        while piece := os.read(ours, 65536):
            told += piece
    except OSError:  # the other side is closed: Linux says it like this
        pass
    finally:
        os.close(ours)
        running.wait()
    return told.decode()


def lines_of(told: str) -> list[str]:
    """Return what stood on each line at any time, without colours and without what moves the cursor."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", ESCAPE.sub("", told))]
