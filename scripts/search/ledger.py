"""Everything ever tried in a family of searches, kept across runs: what luck had as many chances at."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ConfigError, DataError

FOLDER = "trials"


class Ledger:
    """The trials of one family, a line each, or a line for the many of a screen.

    Parameters
    ----------
    out : Path
        Folder of the runs; the ledger stands in its folder ``trials``.
    family : str
        Searches of one family chose from the same idea: what one tried counts for the others.

    Raises
    ------
    DataError
        A line cannot be read: trials must not get lost unseen.
    """

    def __init__(self, out: Path, family: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", family):
            raise ConfigError(f"family: got {family!r}, expected letters, figures, dots and dashes")
        self.path = out / FOLDER / f"{family}.jsonl"
        self.family = family
        self._counts: dict[str, int] = {}
        self._ratios: dict[str, list[float]] = {}
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            try:
                told = json.loads(line)
                self._take(str(told["key"]), told["sharpe"], int(told["trials"]))
            except (ValueError, KeyError, TypeError):
                if number == text.count("\n") + 1:  # torn by a kill; the trial is told again on resume
                    self.path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
                    continue
                raise DataError(
                    f"{self.path}:{number}: not readable, expected a trial with key, sharpe and trials"
                ) from None

    def _take(self, key: str, ratios: Sequence[float | None], trials: int) -> None:
        self._counts[key] = trials
        self._ratios[key] = [math.nan if ratio is None else float(ratio) for ratio in ratios]

    def add(self, key: str, ratios: Sequence[float], trials: int = 1) -> None:
        """Count trials; those told before under the same key do not count again.

        Parameters
        ----------
        key : str
            Of everything that decided them.
        ratios : sequence of float
            Their Sharpe ratios, or a sample of them.
        trials : int
        """
        if key in self._counts:
            return
        told = [round(ratio, 6) if math.isfinite(ratio) else None for ratio in ratios]
        self._take(key, told, trials)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"key": key, "sharpe": told, "trials": trials}) + "\n")

    @property
    def trials(self) -> int:
        """How many were ever tried."""
        return sum(self._counts.values())

    @property
    def ratios(self) -> list[float]:
        """Sharpe ratios of all trials, of a screen a sample; NaN where one had too few trades."""
        return [ratio for held in self._ratios.values() for ratio in held]
