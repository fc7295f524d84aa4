"""The documentation keeps up with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine.reasons import Reason
from engine.settings import Settings

ROW = re.compile(r"^\| `(?P<first>[^`]+)` \| (?P<rest>.*) \|$", re.M)
PAGES = ("README.md", "CHANGELOG.md")


def keys(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Return every setting's dotted key and default."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys(inner, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = None
    return found


def default(key: str) -> Any:
    value: Any = Settings().model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def test_configuration_page_has_every_key_once_and_no_other(root: Path) -> None:
    text = (root / "docs" / "configuration.md").read_text()
    rows = [row["first"] for row in ROW.finditer(text)]
    assert sorted(rows) == sorted(keys(Settings))


def test_configuration_page_gives_the_defaults(root: Path) -> None:
    text = (root / "docs" / "configuration.md").read_text()
    for row in ROW.finditer(text):
        told, value = row["rest"].split(" | ")[0], default(row["first"])
        if isinstance(value, dict):
            continue
        if isinstance(value, list):
            assert told == f"[{', '.join(value)}]", row["first"]
        elif isinstance(value, bool) or value is None:
            assert told == json.dumps(value), row["first"]
        elif isinstance(value, float):
            assert float(told) == value, row["first"]
        else:
            assert told == str(value), row["first"]


def test_reasons_page_has_every_reason_once_and_no_other(root: Path) -> None:
    text = (root / "docs" / "reasons.md").read_text()
    assert sorted(row["first"] for row in ROW.finditer(text)) == sorted(Reason)


def test_reasons_page_names_only_settings_that_exist(root: Path) -> None:
    text = (root / "docs" / "reasons.md").read_text()
    for row in ROW.finditer(text):
        settings = row["rest"].split(" | ")[-1]
        named = [name for name in re.findall(r"`([^`]+)`", settings) if not name.startswith("config/")]
        assert set(named) <= set(keys(Settings)), row["first"]
        assert named or settings.startswith("none") or "config/" in settings, row["first"]


def test_dotted_settings_named_on_any_page_exist(root: Path) -> None:
    sections = "|".join(Settings.model_fields)
    known = keys(Settings)
    for page in (root / "README.md", *(root / "docs").rglob("*.md")):
        for name in re.findall(rf"`((?:{sections})\.[a-z_.]+)`", page.read_text()):
            assert any(key == name or key.startswith(f"{name}.") for key in known), (page.name, name)


@pytest.mark.parametrize("kind", ["docs", "top"])
def test_links_between_pages_lead_somewhere(kind: str, root: Path) -> None:
    pages = (root / "docs").rglob("*.md") if kind == "docs" else (root / name for name in PAGES)
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name} -> {link}"


def test_readme_shows_the_two_commands(root: Path) -> None:
    text = (root / "README.md").read_text()
    assert "make backtest" in text
    assert "make test" in text
