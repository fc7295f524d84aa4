"""The documentation as a site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_group

from scripts.cli import app
from scripts.reference import commands_page, database_page


def test_site_builds_without_a_warning(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "site" / "reference" / "commands.html").is_file()


def test_every_page_is_in_the_navigation(root: Path) -> None:
    def pages(node: object) -> list[str]:
        if isinstance(node, str):
            return [node]
        assert isinstance(node, dict | list)
        parts = node.values() if isinstance(node, dict) else node
        return [page for part in parts for page in pages(part)]

    listed = pages(yaml.safe_load((root / "mkdocs.yml").read_text())["nav"])
    docs = root / "docs"
    there = {str(path.relative_to(docs)) for path in docs.rglob("*.md") if "examples" not in path.parts}
    decisions = {name for name in there if name.startswith("adr/0")}  # listed on their own page
    generated = {"reference/commands.md", "reference/database.md"}
    assert set(listed) == (there - decisions) | generated
    assert len(set(listed)) == len(listed)


def test_reference_has_every_command_and_option() -> None:
    page = commands_page()
    for name, inner in get_group(app).commands.items():
        assert f"## mw {name}" in page
        for parameter in getattr(inner, "params", []):
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert parameter.opts[-1] in page, (name, parameter.name)


def test_reference_has_every_table_and_column() -> None:
    from engine.journal.tables import Base

    page = database_page()
    for table in Base.metadata.tables.values():
        assert f"## {table.name}\n" in page
        for column in table.columns:
            assert f"| `{column.name}` |" in page
