"""``mw gateway`` as its user meets it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import ib_insync as ibi
import pytest

from engine.gateway.faults import Faults
from scripts import cli
from tests.gateway.stage import lost, sync
from tests.interrupts import ROOT, started


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return started(["gateway", *arguments], cwd)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_serves_and_ends_in_order(tmp_path: Path, ending: int) -> None:
    process = start("--day", "2018-03-05", "--port", "0", "--symbols", "XSP", "--speed", "1", cwd=tmp_path)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Gateway on 127.0.0.1:") and "XSP, 2018-03-05 09:25 New York, speed 1" in line
    ib = ibi.IB()
    ib.connect("127.0.0.1", int(line.split(":")[1].split(",")[0]), clientId=1, timeout=10)
    sync(ib)
    process.send_signal(ending)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "") and "0 executions, 0 positions" in out
    assert lost(ib)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--day", "2018-03-04"), "2018-03-04 (Sunday) is not a trading day"),
        (("--day", "2018-03-05", "--symbols", "XYZ"), "symbol: got 'XYZ', expected one of"),
        (
            ("--day", "2018-03-05", "--symbols", "XSP", "--speed", "2000"),
            "speed is 2000.0, expected a number",
        ),
        (("--faults", "absent.yaml"), "absent.yaml: cannot read the faults"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_starts(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str
) -> None:
    assert cli.main(["gateway", *arguments]) > 0
    told = capsys.readouterr()
    assert told.out == "" and text in told.err and told.err.count("\n") == 1


def test_the_faults_of_the_page_are_a_script(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "gateway.md").read_text()
    script = page.split("## Faults\n\n")[1].split("\n\nA fault comes")[0]
    (tmp_path / "faults.yaml").write_text(script)
    faults = Faults.load(tmp_path / "faults.yaml")
    assert faults.on("filled", symbol="XSP", client=1) is not None
