"""Say how many mutants the tests have killed, by room: ``python -m tests.mutants`` after ``mutmut run``."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

KILLED, SURVIVED, NO_TESTS = {1, 3}, {0}, {5, 33}


def scores(folder: Path) -> dict[str, Counter[str]]:
    """Return by room how many mutants were killed, survived, met no test, or ended otherwise."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted(folder.rglob("*.meta")):
        room = "/".join(path.relative_to(folder).parts[:2])
        for code in json.loads(path.read_text())["exit_code_by_key"].values():
            if code is None:
                continue  # not run
            named = {"killed": KILLED, "survived": SURVIVED, "no test": NO_TESTS}
            found[room][next((name for name, codes in named.items() if code in codes), "other")] += 1
    return found


def main() -> None:
    """Print a line a room."""
    for room, counts in scores(Path("mutants")).items():
        whole = sum(counts.values())
        told = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        print(f"{room}: {counts['killed'] / whole:.1%} of {whole} mutants killed ({told})")


if __name__ == "__main__":
    main()
