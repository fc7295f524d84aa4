"""What was measured beside the bars survives the process, and a torn line costs only itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.live.memory import LineMemory
from engine.sessions import NEW_YORK

FIRST = int(datetime(2026, 10, 30, 16, 0, tzinfo=NEW_YORK).timestamp()) * 10**9
SECOND = int(datetime(2026, 11, 2, 9, 31, tzinfo=NEW_YORK).timestamp()) * 10**9


def test_kept_lines_are_there_after_a_restart_across_months(tmp_path: Path) -> None:
    memory = LineMemory(tmp_path / "new")
    memory.keep(FIRST, "XSP", {"atm_iv": 0.15, "skew": -0.1})
    memory.keep(SECOND, "XSP", {"atm_iv": 0.16})
    memory.close()

    again = LineMemory(tmp_path / "new")
    assert again.lines(FIRST, "XSP") == {"atm_iv": 0.15, "skew": -0.1}
    assert again.lines(SECOND, "XSP") == {"atm_iv": 0.16}
    assert again.lines(SECOND, "SPY") == {}


def test_line_torn_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    memory = LineMemory(tmp_path)
    memory.keep(FIRST, "XSP", {"atm_iv": 0.15})
    memory.close()
    (path,) = tmp_path.glob("lines-*.jsonl")
    path.write_text(path.read_text() + '[17, "XSP", {"atm_')
    again = LineMemory(tmp_path)
    assert again.lines(FIRST, "XSP") == {"atm_iv": 0.15}
    again.keep(FIRST, "SPY", {"atm_iv": 0.2})
    again.close()
    assert LineMemory(tmp_path).lines(FIRST, "SPY") == {"atm_iv": 0.2}
