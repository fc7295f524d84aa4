"""Adds the pages made from the code to the site."""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files

from scripts.reference import PAGES


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for path, make in PAGES.items():
        files.append(File.generated(config, path, content=make()))
    return files
