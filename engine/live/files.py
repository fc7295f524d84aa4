"""The files of a running session: the lock, the kill file, the heartbeat."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from engine.errors import SessionError
from engine.sessions import replace_file

if os.name == "posix":
    import fcntl


class AccountLock:
    """One session per account: a file locked by the living process, its pid written inside.

    The operating system lets go of the lock when the process dies, however it dies, so a
    file left behind by a killed process does not stand in the way.

    Parameters
    ----------
    folder : Path
    account : str
        Name of the file, so that two accounts do not meet.
    role : str
        ``session`` or ``guard``.

    Raises
    ------
    SessionError
        On entering, when a living process holds the lock; names its pid.
    """

    def __init__(self, folder: Path, account: str, role: str = "session") -> None:
        self.path = folder / f"{account}.{role}.lock"
        self._role, self._account = role, account
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        held = self.path.open("a+", encoding="ascii")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.seek(0)
            pid = held.read().strip() or "unknown"
            held.close()
            raise SessionError(
                f"a {self._role} of account {self._account} runs already (pid {pid}, {self.path}); "
                "expected only one: end it first"
            ) from None
        held.seek(0)
        held.truncate()
        held.write(str(os.getpid()))
        held.flush()
        self._file = held
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()  # the lock goes with it; the file stays, or two could hold two of them
            self._file = None

    def holder(self) -> int | None:
        """Return the pid of the living process that holds the lock, None when none does."""
        try:
            held = self.path.open("r", encoding="ascii")
        except FileNotFoundError:
            return None
        with held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = held.read().strip()
                return int(text) if text.isdigit() else 0
            return None


class KillFile:
    """While this file stands, no session starts and no entry is made.

    It needs neither network nor database: ``touch`` is enough.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "KILL"

    def set(self, why: str) -> None:
        """Put the file there, with a word on why."""
        write_text(self.path, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {why}\n")

    def clear(self) -> bool:
        """Take the file away; False when there was none."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    def reason(self) -> str | None:
        """Return what the file says, None when there is none; an unreadable file counts as set."""
        try:
            return self.path.read_text(encoding="utf-8").strip() or "no reason given"
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            return "unreadable"


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat of a session, as the guard and ``mw status`` read it.

    Parameters
    ----------
    pid : int
    at : float
        Unix seconds of the wall clock.
    state : str
        ``starting``, ``waiting``, ``trading``, ``closing``; at the end ``ended``, or ``left_open``
        when something is open that its owner did not want kept.
    connected : bool
        Whether the session has its connection to the broker.
    account, venue : str
    symbols : tuple of str
        Underlyings the bots trade: the guard touches no others.
    text : str
        One line on what is held and halted.
    """

    pid: int
    at: float
    state: str
    connected: bool
    account: str
    venue: str
    symbols: tuple[str, ...]
    text: str = ""


class Heartbeat:
    """A file that a session rewrites as long as it lives and works."""

    def __init__(self, folder: Path, account: str) -> None:
        self.path = folder / f"{account}.heartbeat.json"

    def write(self, beat: Beat) -> None:
        write_text(self.path, json.dumps(asdict(beat)))

    def read(self) -> Beat | None:
        """Return the last heartbeat, None when there is none that can be read."""
        try:
            raw: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            return Beat(**(raw | {"symbols": tuple(raw["symbols"])}))
        except (OSError, ValueError, TypeError, KeyError):
            return None


def alive(pid: int) -> bool:
    """Tell whether a process with this pid exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Write a small file at once: a reader sees the old text or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    replace_file(path, Path(part))
