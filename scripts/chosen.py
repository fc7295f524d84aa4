"""Which bots a command works on."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ConfigError
from engine.settings import Settings
from engine.settings_files import did_you_mean


def chosen_bots(settings: Settings, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the bots to run: those asked for, else those enabled.

    Raises
    ------
    ConfigError
        An unknown bot, or none at all.
    """
    names = list(type(settings.bots).model_fields)
    if not wanted:
        enabled = tuple(name for name in names if getattr(settings.bots, name).enabled)
        if not enabled:
            raise ConfigError("bots: none is enabled, expected at least one")
        return enabled
    for name in wanted:
        if name not in names:
            hint = did_you_mean(name, names)
            raise ConfigError(f"bots: got {name!r}, expected one of {', '.join(names)}{hint}")
    return tuple(name for name in names if name in wanted)
