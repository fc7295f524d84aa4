"""A narrow terminal loses neither figures nor words."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_group

from analyzers.report.sections import Section, print_sections
from engine.live.files import Heartbeat
from scripts.cli import app
from scripts.live.status import show
from scripts.told import print_json, rows_of


def test_no_help_line_of_a_command_is_cut_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    groups = [("mw", get_group(app))]
    seen = 0
    while groups:
        name, group = groups.pop()
        with group.make_context(name, [], resilient_parsing=True) as context:
            lines = group.get_help(context).partition("Commands:")[2].splitlines()
        assert not [line for line in lines if line.endswith("...")], name
        seen += len(lines)
        groups += [
            (f"{name} {key}", one) for key, one in group.commands.items() if isinstance(one, TyperGroup)
        ]
    assert seen > 40


def test_table_of_80_columns_keeps_every_word() -> None:
    words = "none recorded: mw backtest, then mw gate record-backtest"
    section = Section(
        "Gate",
        "",
        ("measured", "required", "verdict", "still unknown"),
        (("Lower 5 % bound of a mean trade", ("–", "above 0 USD", "insufficient data", words)),),
    )
    out = io.StringIO()
    narrow = Console(file=out, width=80)
    print_sections(narrow, [section])
    text = out.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert set(words.split()) <= set(text.split())


def test_json_of_a_table_holds_its_cells_and_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    section = Section("Feasible", "text", ("condor",), (("Sessions", ("12",)), ("  of them", ("3",))))
    print_json([rows_of(section), float("inf"), float("nan")])
    table, high, unknown = json.loads(capsys.readouterr().out)
    assert table["columns"] == {"condor": {"Sessions": "12", "of them": "3"}}
    assert (high, unknown) == ("above", None)


def test_status_of_a_folder_without_sessions_is_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Heartbeat(tmp_path, "paper-1")  # nothing said yet
    show(tmp_path, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"killed": None, "sessions": []}
