"""``mw status`` and ``mw flatten``."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from analyzers.report.sections import WIDE, titled
from engine.errors import SessionError
from engine.live.files import AccountLock, Heartbeat, KillFile
from engine.live.guard import ENDED, LEFT_OPEN
from scripts.told import print_json

if TYPE_CHECKING:
    from scripts.live.plan import Plan

END_SECONDS = 150.0  # wall seconds a session is given to close by itself
NAP = 0.2


def show(folder: Path, as_json: bool = False) -> None:
    """Print the sessions of a folder, one a row, and whether the kill file stands."""
    console = Console()
    why, found = KillFile(folder).reason(), sessions(folder)
    if as_json:
        print_json({"killed": why, "sessions": found})
        return
    if why is not None:
        console.print(f"The kill file stands: {why}")
    if not found:
        console.print(f"No session has left a sign of life in {folder} (mw paper starts one).")
        return
    table = titled("", console.width)
    beside = console.width >= WIDE  # else what is held stands below, where no figure is broken in two
    heads = ("session", "state", "pid", "last sign", "connected", "guard")
    for name in (*heads, "holds and halts") if beside else heads:
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(
            one["session"],
            one["state"],
            str(one["pid"] or "-"),
            _ago(one["seconds_ago"]),
            "-" if one["pid"] is None else "yes" if one["connected"] else "no",
            str(one["guard"] or "-"),
            *([one["holds"]] if beside else []),
        )
    console.print(table)
    for one in () if beside else found:
        console.print(f"{one['session']} holds and halts: {one['holds']}", highlight=False)


def _ago(seconds: float) -> str:
    if seconds < 2 * 60:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h ago"


def sessions(folder: Path) -> list[dict[str, Any]]:
    """Return what each session of a folder last said of itself, and which processes live."""
    found = []
    for tag in sorted(path.name.partition(".")[0] for path in folder.glob("*.heartbeat.json")):
        beat = Heartbeat(folder, tag).read()
        if beat is None:
            continue
        pid = AccountLock(folder, tag).holder()
        ended = beat.state in (ENDED, LEFT_OPEN)
        found.append(
            {
                "session": tag,
                "state": beat.state if pid is not None or ended else f"dead while {beat.state}",
                "pid": pid,
                "seconds_ago": max(time.time() - beat.at, 0.0),
                "connected": beat.connected,
                "guard": AccountLock(folder, tag, "guard").holder(),
                "holds": beat.text,
            }
        )
    return found


def flatten(plan: Plan) -> None:
    """End a running session, close what is open, and say whether the account is flat.

    Raises
    ------
    SessionError
        Something is still open; names it.
    """
    from scripts.live.guard import close_all
    from scripts.live.journal import by_hand

    by_hand(plan, "flatten")
    for path in plan.folder.glob(f"{plan.venue}-*.heartbeat.json"):
        end_session(plan.folder, path.name.partition(".")[0])
    left = close_all(plan)
    if left:
        raise SessionError(f"still open: {', '.join(left)}; close it in TWS")
    Console().print("The account holds no option of the bots' symbols and no order of theirs.")


def end_session(folder: Path, tag: str) -> None:
    """Ask a running session to end, wait for it, and end it by force when it does not."""
    lock = AccountLock(folder, tag)
    for number, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, 5.0)):
        pid = lock.holder()
        if not pid:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while lock.holder() is not None and time.monotonic() < deadline:
            time.sleep(NAP)
