"""``mw init``: a working folder with commented settings, ready for the first backtest."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigError
from engine.settings import CONFIG_DIR, Settings

FILES = ("strategy.yaml", "universe.json", "events.json", "fees.yaml", "gate.yaml", "stress.yaml")
FOLDERS = ("profiles", "searches", "vendors")

SECRETS = """# Secrets live here and in the environment, nowhere else. Copy to .env, fill in, chmod 600 .env.
# A PostgreSQL URL instead of the journal's files:
#MW_DATABASE_URL=
# Where alerts go (docs/alerts.md); other services of Apprise separated by blanks:
#MW_TELEGRAM_TOKEN=
#MW_TELEGRAM_CHAT=
#MW_DISCORD_WEBHOOK=
#MW_ALERT_URLS=
# For mw serve, 16 characters at least:
#MW_SERVE_TOKEN=
# For delayed chains from Barchart:
#MW_BARCHART_KEY=
"""

README = """# A working folder of Market Watch

| step | command |
| --- | --- |
| is everything in place? | `mw doctor` |
| what is set, and where it comes from | `mw show-config` |
| a five-year backtest | `mw backtest` |
| a session on a simulated gateway | `mw rehearse` |
| the paper account (TWS or IB Gateway running) | `mw connect-test`, then `mw paper` |
| how far each bot has come | `mw gate` |

`config/strategy.yaml` holds the settings. `runs/`, `journal/` and `logs/` are written by the commands.
"""


def make(folder: Path, changes: Mapping[str, Any]) -> Path:
    """Make a working folder and return it; it appears whole or not at all.

    Parameters
    ----------
    folder : Path
        Absent, or empty.
    changes : mapping
        Dotted keys of ``strategy.yaml`` to values other than the defaults.

    Raises
    ------
    ConfigError
        The folder holds something, or the settings do not fit together.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: is not empty, expected a new or empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
    try:
        config = place / "config"
        config.mkdir()
        for name in FILES:
            if (CONFIG_DIR / name).is_file():
                shutil.copyfile(CONFIG_DIR / name, config / name)
        for name in FOLDERS:
            shutil.copytree(CONFIG_DIR / name, config / name)
        strategy = config / "strategy.yaml"
        text = strategy.read_text(encoding="utf-8")
        for key, value in changes.items():
            text = with_value(text, key, value)
        strategy.write_text(text, encoding="utf-8")
        Settings.load(config)
        (place / ".env.example").write_text(SECRETS, encoding="utf-8")
        (place / ".gitignore").write_text(".env\nruns/\njournal/\nlogs/\n.cache/\n", encoding="utf-8")
        (place / "README.md").write_text(README, encoding="utf-8")
        place.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(place, folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return folder


def with_value(text: str, key: str, value: Any) -> str:
    """Return a commented YAML text with one value changed, everything else as it was.

    Parameters
    ----------
    text : str
        Block style, two blanks a level, as ``strategy.yaml`` is.
    key : str
        Dotted.
    value : bool, number, text or list of them

    Raises
    ------
    ConfigError
        The text has no such key.
    """
    path, lines = key.split("."), text.splitlines(keepends=True)
    depth, row = 0, -1
    for number, line in enumerate(lines):
        match = re.match(r"( *)([A-Za-z_][\w-]*):", line)
        if match is None:
            continue
        level = len(match[1]) // 2
        if level < depth:  # the section has ended without the key
            break
        if level == depth and match[2] == path[depth]:
            depth, row = depth + 1, number
            if depth == len(path):
                break
    if depth < len(path):
        raise ConfigError(f"strategy.yaml: {key}: no such setting to change")
    told = (
        yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...")
    )
    head, rest = re.match(r"( *[\w-]+: *)(.*)", lines[row], re.S).groups()  # type: ignore[union-attr]
    comment = re.search(r"( +#.*)?\n?$", rest)
    lines[row] = f"{head.rstrip()} {told}{comment[0] if comment else ''}"
    return "".join(lines)
