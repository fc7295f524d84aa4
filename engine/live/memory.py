"""What was measured beside the bars, kept for a restart: history has prices and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from engine.sessions import utc


class LineMemory:
    """Implied volatility, skew and option volumes of every minute of a symbol that was seen live.

    One file a month, appended to line by line; a line cut short by a crash is passed over.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[int, str], dict[str, float]] = {}
        self._open: dict[str, IO[str]] = {}
        for path in sorted(folder.glob("lines-*.jsonl"))[-3:]:
            self._read(path)

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                stamp, symbol, values = json.loads(line)
                self._known[int(stamp), str(symbol)] = {str(k): float(v) for k, v in values.items()}
            except (ValueError, TypeError, AttributeError):
                continue

    def lines(self, stamp: int, symbol: str) -> Mapping[str, float]:
        """Return what was kept of the minute that ended at ``stamp`` (UTC nanoseconds)."""
        return self._known.get((stamp, symbol), {})

    def keep(self, stamp: int, symbol: str, values: Mapping[str, float]) -> None:
        """Keep what was measured of a minute."""
        self._known[stamp, symbol] = dict(values)
        month = _month(stamp)
        if month not in self._open:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._open[month] = (self._folder / f"lines-{month}.jsonl").open("a", encoding="utf-8")
            self._open[month].write("\n")  # after a line that a crash has torn
        self._open[month].write(json.dumps([stamp, symbol, dict(values)]) + "\n")
        self._open[month].flush()

    def close(self) -> None:
        """Close the files."""
        for held in self._open.values():
            held.close()
        self._open.clear()


def _month(stamp: int) -> str:
    return f"{utc(stamp):%Y-%m}"
