"""Secrets come from the environment or from ``.env`` in the working folder, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import ConfigError
from engine.journal.redaction import REDACTOR, secrets_of

FILE = ".env"


def load(folder: Path | None = None) -> dict[str, str]:
    """Return what ``.env`` and the environment hold, the environment the stronger.

    Every value whose name says that it is secret is struck out of all output from now on.

    Raises
    ------
    ConfigError
        ``.env`` is there but cannot be read.
    """
    from dotenv import dotenv_values

    path = (folder or Path.cwd()) / FILE
    held: dict[str, str] = {}
    if path.is_file():
        try:
            read = dotenv_values(path, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{FILE}: cannot be read ({type(error).__name__}), expected NAME=value lines"
            ) from None
        held = {name: value for name, value in read.items() if value}
    held |= os.environ
    for value in secrets_of(held):
        REDACTOR.learn(value)
    return held
