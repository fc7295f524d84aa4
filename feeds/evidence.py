"""What a file's own stamps prove: start or end of the bar, and which bars belong to a session.

Stamped at start or end. A whole day settles it: 09:30 to one minute before the close (or
the extended 04:00 to 19:59) means starts, 09:31 to the close (04:01 to 20:00) means ends.
Days from 09:30 to 16:00 with both edges settle it by volume only: the opening auction makes
the first minute of the session at least half as big again as the next. All days that
say anything must agree, and whole days be no fewer than those with both edges; otherwise
nothing is proven.

Hours. A bar outside its day's session is set apart, with a note, when some day of the file
holds at least 30 of them between 04:00 and 20:00 (extended hours, thin on other days), and
otherwise from half an hour before the open to half an hour after 16:00 (auction prints, an
index that is told until 16:20, a file cut to 09:30-16:00 on an early close). Any other bar
outside is an error.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.sessions import (
    CLOSE_MINUTE,
    MINUTE_NS,
    OPEN_MINUTE,
    calendar_close,
    calendar_dates,
    locate,
    outside_text,
)

Int64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
Side = Literal["start", "end"]

EXTENDED = (240, 1200)  # first minute starts, last minute ends
EXTENDED_BARS = 30
NEAR = 30  # minutes around the session
AUCTION = 1.5
AUCTION_DAYS = 5
AUCTION_SHARE = 0.9
REACH = 15  # minutes a session may miss at either end


def stamped_side(stamp: Int64, volume: NDArray[np.float64]) -> tuple[Side, str] | None:
    """Return what stamps (UTC ns) prove them to be, with the proof in words, or None.

    ``volume`` decides only between days that hold both edges.
    """
    row, minute = locate(stamp)
    row, minute, volume = row[row >= 0], minute[row >= 0], volume[row >= 0]
    if not len(row):
        return None
    first = np.flatnonzero(np.diff(row, prepend=-1))
    last = np.append(first[1:], len(row)) - 1
    close = calendar_close(row[first])
    starts = np.isin(minute[first], (OPEN_MINUTE, EXTENDED[0])) & (
        (minute[last] == close - 1) | (minute[last] == EXTENDED[1] - 1)
    )
    ends = np.isin(minute[first], (OPEN_MINUTE + 1, EXTENDED[0] + 1)) & (
        (minute[last] == close) | (minute[last] == EXTENDED[1])
    )
    both = np.flatnonzero((minute[first] == OPEN_MINUTE) & (minute[last] == close) & (last - first > 2))
    here, after, third = (volume[first[both] + k] for k in range(3))
    auction_first = int(np.sum(here > AUCTION * after))
    auction_second = int(np.sum((after > AUCTION * here) & (after > AUCTION * third)))
    enough = max(AUCTION_DAYS, AUCTION_SHARE * len(both))
    whole: dict[Side, int] = {"start": int(starts.sum()), "end": int(ends.sum())}
    auctions: dict[Side, int] = {"start": auction_first, "end": auction_second}
    found: list[tuple[Side, str]] = []
    sides: tuple[Side, Side] = ("start", "end")
    for side in sides:
        if whole[side] and whole[side] >= len(both):
            shown = "09:30 to 15:59" if side == "start" else "09:31 to 16:00"
            far = "04:00 to 19:59" if side == "start" else "04:01 to 20:00"
            found.append((side, f"days that run {shown} or {far}: {whole[side]}"))
        elif auctions[side] >= enough:
            shown = "09:30" if side == "start" else "09:31"
            found.append((side, f"the opening auction's volume stands at {shown} on {auctions[side]} days"))
    return found[0] if len(found) == 1 else None


def declared_side(
    raw: Int64, volume: NDArray[np.float64], column: str, stamped: Side | None, where: str
) -> tuple[Side, str | None]:
    """Return which end of a bar the stamps are, as declared, named or proven, and a note on a proof.

    Raises
    ------
    DataError
        Nothing says it, or the stamps prove the opposite of what is declared.
    """
    if stamped not in (None, "start", "end"):
        raise DataError(f"stamped is {stamped!r}; expected 'start' or 'end'")
    sides: dict[str, Side] = {"bar_start": "start", "bar_end": "end"}
    declared = stamped or sides.get(column.lower())
    proof = stamped_side(raw, volume)
    if declared is not None:
        if proof is not None and proof[0] != declared:
            raise DataError(f"{where}: stamped is {declared!r}; its stamps are bar {proof[0]}s: {proof[1]}")
        return declared, None
    if proof is None:
        raise DataError(
            f"{where}: its stamps do not prove whether they are bar starts or ends; give stamped start or end"
        )
    return proof[0], f"Stamps are taken as bar {proof[0]}s: {proof[1]}."


def new_york_hours(stamp: Int64) -> bool:
    """Tell whether stamps read as New York time run like its sessions.

    Every stamp must fall on a trading day, nine in ten of them from the open
    to the close of a day that holds its open.
    """
    row, minute = locate(stamp)
    opens = np.unique(row[np.isin(minute, (OPEN_MINUTE, OPEN_MINUTE + 1))])
    closes = np.isin(minute, (CLOSE_MINUTE - 1, CLOSE_MINUTE))
    within = np.isin(row, opens) & (minute >= OPEN_MINUTE) & (minute <= CLOSE_MINUTE)
    return bool((row >= 0).all() and closes.any() and np.mean(within) > 0.9)


def beyond_any_session(stamp: Int64) -> tuple[int, str] | None:
    """Return the first stamp that no session, regular or extended, can hold; None when all may."""
    row, minute = locate(stamp)
    outside = (row < 0) | (minute < EXTENDED[0]) | (minute > EXTENDED[1])
    if not outside.any():
        return None
    at = int(np.argmax(outside))
    return at, outside_text(int(stamp[at]))


def regular(stamp: Int64, where: str) -> tuple[Flags, list[str]]:
    """Return which bars (by end stamp) stand in whole regular sessions, and notes on the rest.

    Raises
    ------
    DataError
        A bar outside trading hours that the rules above do not set apart, or no whole session.
    """
    row, minute = locate(stamp)
    close = calendar_close(np.maximum(row, 0))
    inside = (row >= 0) & (minute > OPEN_MINUTE) & (minute <= close)
    days, day = np.unique(row, return_inverse=True)
    crowd = np.bincount(day, ~inside, minlength=len(days))
    extended = ~inside & (row >= 0) & (minute > EXTENDED[0]) & (minute <= EXTENDED[1])
    near = extended & (minute > OPEN_MINUTE - NEAR) & (minute <= CLOSE_MINUTE + NEAR)
    crowded = int(np.sum(crowd >= EXTENDED_BARS))
    apart = extended if crowded else near
    stray = ~inside & ~apart
    if stray.any():
        at = int(np.argmax(stray))
        raise DataError(f"{where}: {outside_text(int(stamp[at]))}")
    notes = []
    if crowded:
        count = int(np.sum(extended & (crowd[day] >= EXTENDED_BARS)))
        notes.append(f"Bars set apart, outside regular hours: {count} on {crowded} days with extended hours.")
        apart = apart & (crowd[day] < EXTENDED_BARS)
    if apart.any():
        notes.append(f"Bars set apart, next to the open or after the close: {int(apart.sum())}.")
    return _whole(inside, row, minute, close, where, notes), notes


def _whole(
    inside: Flags, row: Int64, minute: Int64, close: NDArray[np.int16], where: str, notes: list[str]
) -> Flags:
    """Drop the days that begin late or stop early, and note them and the missing minutes."""
    at = np.flatnonzero(inside)
    if not len(at):
        raise DataError(f"{where}: not one bar within regular trading hours, 09:30 to 16:00 New York")
    starts = np.flatnonzero(np.diff(row[at], prepend=-1))
    stops = np.append(starts[1:], len(at))
    first, last, closing = minute[at[starts]], minute[at[stops - 1]], close[at[starts]]
    broken = (first > OPEN_MINUTE + 1 + REACH) | (last < closing - REACH)
    keep = inside.copy()
    for k in np.flatnonzero(broken):
        keep[at[starts[k] : stops[k]]] = False
    dates = calendar_dates(row[at[starts]])
    if broken.any():
        named = ", ".join(
            f"{dates[k]} ({_clock(int(first[k]) - 1)} to {_clock(int(last[k]))})"
            for k in np.flatnonzero(broken)[:3]
        )
        more = f" and {int(broken.sum()) - 3} more" if broken.sum() > 3 else ""
        if broken.all():
            raise DataError(
                f"{where}: no whole session: {named}{more}; expected bars from the open to the close"
            )
        notes.append(
            "Sessions set apart, without an open or a close to settle on: "
            f"{int(broken.sum())}, {named}{more}."
        )
    gone = int(np.sum(np.diff(row[at[starts]]) - 1))
    if gone:
        notes.append(f"Sessions without a bar, between the first and the last: {gone}.")
    missing = np.where(broken, 0, closing - OPEN_MINUTE - (stops - starts))
    if missing.any():
        short = int(np.count_nonzero(missing))
        notes.append(f"Missing minutes: {int(missing.sum())}, on {short} of {int((~broken).sum())} sessions.")
    return keep


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def bar_ends(stamp: Int64, side: Side) -> Int64:
    """Return the stamps of the bars' ends."""
    return stamp + MINUTE_NS if side == "start" else stamp
