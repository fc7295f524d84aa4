"""Ctrl-C, which a terminal sends to a command and to all its processes: one line, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from scripts import cli
from tests.interrupts import started

SEARCH = """
bots: [condor]
timerange: 20140103-20181231
search: grid
keys:
  bots.condor.short_move: {from: 1.0, to: 1.9, step: 0.1}
  bots.condor.profit_target: [0.3, 0.5, 0.7]
"""
LONG = [
    ["backtest", "--no-report"],
    ["control", "--bots", "condor"],
    ["sweep", "search.yaml"],
    ["walkforward", "search.yaml"],
    ["train", "--bots", "condor,putlite"],
    ["ablate", "--bots", "condor"],
    ["lookahead"],
    ["feasible"],
    ["gate", "simulate"],
    ["data", "synth-quotes", "SPX", "--out", "quotes"],
]
BY_SIGNAL = -signal.SIGINT  # a shell calls this 130 too


def interrupted(words: list[str], after: float, place: Path) -> tuple[int, str, str]:
    """Start a command in a session of its own, interrupt all of it, and return how it ended."""
    running = started(words, place, session=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):  # else it was no long command
            running.wait(after)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    return running.returncode, out, err


@pytest.mark.parametrize("words", LONG, ids=" ".join)
def test_long_command_ends_with_one_line_and_leaves_nothing_half_written(
    words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "search.yaml").write_text(SEARCH)
    code, out, err = interrupted(words, 3.0, tmp_path)
    assert code in (130, BY_SIGNAL), (code, out, err)
    assert (out, err) == ("", "mw: stopped\n")
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {"search.yaml"}
    whole = {name for name in left if name.startswith("spx-") and name.endswith(".parquet")}  # days of quotes
    # a search keeps a line of what is finished, and goes on from there
    assert left - whole <= {".lock", "done.jsonl"}


def _in_turn(*errors: BaseException) -> BaseException:
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (KeyboardInterrupt(), 130),
        (_in_turn(SystemError("a kernel's kernel"), KeyboardInterrupt()), 130),
        (_in_turn(SystemError("a kernel's kernel"), ValueError("its own")), None),
        (None, None),
    ],
)
def test_interrupt_that_meets_a_compiled_kernel_is_one_too(
    cause: BaseException | None,
    code: int | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def met(*_: object, **__: object) -> int:
        raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr(cli, "app", met)
    if code is None:
        with pytest.raises(SystemError):
            cli.main(["lookahead"])
    else:
        assert cli.main(["lookahead"]) == code
        assert capsys.readouterr().err == "mw: stopped\n"
