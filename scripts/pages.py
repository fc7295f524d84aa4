"""A finished report: a page, its figures and its picture, published as one folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from analyzers.report.sections import Section, render_sections


def publish(
    out: Path,
    kind: str,
    title: str,
    lead: str,
    sections: Sequence[Section],
    figures: Mapping[str, Any],
    draw: Callable[[Path], None] | None = None,
    beside: Callable[[Path], None] | None = None,
) -> Path:
    """Write ``<kind>.html``, ``<kind>.json`` and ``<kind>.png`` and return their folder.

    The folder appears whole or not at all.

    Parameters
    ----------
    out : Path
        Where the folder is made, named by kind and time.
    kind, title, lead : str
    sections : sequence of Section
    figures : mapping
        Numbers and words for the JSON file.
    draw : callable, optional
        Writes the picture to the path it is given.
    beside : callable, optional
        Writes further files into the folder it is given.
    """
    created = datetime.now(UTC)
    target = out / f"{kind}-{created:%Y%m%d-%H%M%S}"
    out.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=out, prefix=".writing-"))
    try:
        if beside is not None:
            beside(place)
        picture = None
        if draw is not None:
            draw(place / f"{kind}.png")
            picture = (place / f"{kind}.png").read_bytes()
        page = render_sections(title, f"{lead} {created:%Y-%m-%d}.", sections, picture)
        (place / f"{kind}.html").write_text(page, encoding="utf-8")
        text = json.dumps(plain(dict(figures)), indent=2, default=str)
        (place / f"{kind}.json").write_text(text + "\n", encoding="utf-8")
        place.chmod(0o755)
        os.replace(place, target)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return target


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: infinite numbers as words, NaN as null."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if value != value else "above" if value > 0 else "below"
    return round(float(value), 6) if isinstance(value, float) else value
