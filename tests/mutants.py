"""How many mutants the tests kill, by room: ``make mutate``, or with ``SAMPLE=150`` of each room by lot."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from engine.research.statistics import wilson

FOLDER = Path("mutants")
KILLED, SURVIVED, NO_TESTS = {1, 3}, {0}, {5, 33}
NAMED = {"killed": KILLED, "survived": SURVIVED, "no test": NO_TESTS}
NO_MUTANT = "none"  # a name that no mutant has: all are made, none is run


def found(folder: Path) -> Iterator[tuple[str, dict[str, int | None]]]:
    """Give every mutated file's room and its mutants' exit codes, None for those not run."""
    for path in sorted(folder.rglob("*.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text())["exit_code_by_key"]
        yield "/".join(path.relative_to(folder).parts[:2]), codes


def scores(folder: Path) -> dict[str, Counter[str]]:
    """Return by room how many mutants were killed, survived, met no test, or ended otherwise."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for room, codes in found(folder):
        for code in codes.values():
            if code is not None:
                counts[room][next((name for name, known in NAMED.items() if code in known), "other")] += 1
    return counts


def sample(folder: Path, size: int, seed: int) -> list[str]:
    """Return the names of ``size`` mutants of each room, drawn by lot; all of a smaller room."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for room, codes in found(folder):
        rooms[room] += codes
    lot = random.Random(seed)
    return [name for names in rooms.values() for name in lot.sample(sorted(names), min(size, len(names)))]


def run(size: int | None, seed: int, children: int) -> None:
    """Make the mutants and hold the tests against all of them, or against a sample."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    if size is not None:
        subprocess.run([*command, NO_MUTANT], check=False, stderr=subprocess.DEVNULL)
        command += sample(FOLDER, size, seed)
    subprocess.run(command, check=True)


def lines(folder: Path) -> list[str]:
    """Return a line a room: killed of those run, with Wilson's 95 % interval."""
    told = []
    for room, counts in scores(folder).items():
        whole, killed = sum(counts.values()), counts["killed"]
        low, high = wilson(killed, whole)
        how = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        told.append(f"{room}: {killed / whole:.1%} ({low:.1%} to {high:.1%}) of {whole} killed ({how})")
    return told


def main() -> None:
    """Run, then print the scores; ``--show`` only prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, metavar="COUNT", help="mutants a room, by lot")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=2, help="processes")
    parser.add_argument("--show", action="store_true", help="only print the scores there are")
    told = parser.parse_args()
    if not told.show:
        run(told.sample, told.seed, told.children)
    print("\n".join(lines(FOLDER)))


if __name__ == "__main__":
    main()
