"""The models the settings name, ready to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from engine.ml.advice import Advisor, ModelAdvisor, Policy
from engine.settings import BotsSettings, Settings


def model_files(settings: Settings) -> list[Path]:
    """Return the files of all bots' models."""
    named = [getattr(settings.bots, bot).model for bot in BotsSettings.model_fields]
    return [Path(path) for path in named if path is not None]


def advisors_of(settings: Settings, bots: Sequence[str]) -> tuple[dict[str, Advisor], tuple[str, ...]]:
    """Return the advisors of the bots that have a model, and what a report must say of them.

    Raises
    ------
    DataError
        A file is refused, see `engine.ml.store.load`.
    """
    found: dict[str, Advisor] = {}
    notes = []
    learning = settings.learning
    for bot in bots:
        path = getattr(settings.bots, bot).model
        if path is None:
            continue
        from engine.ml.store import load  # scikit-learn takes a while to import

        about, learned = load(Path(path), bot)
        first = about.trained[1] + timedelta(days=1)
        known = first, about.trained[1] + timedelta(days=learning.max_age_days)
        found[bot] = ModelAdvisor(learned, Policy(learning.least_value, learning.shrink), known)
        file = f"{Path(path).name}, sha256 {about.sha256[:12]}"
        notes.append(
            f"{bot} asks a {about.kind} model before every trade ({file}, trained on {about.trained[0]} to "
            f"{about.trained[1]}); it can veto or shrink a trade, and is not asked outside {known[0]} to "
            f"{known[1]}."
        )
    return found, tuple(notes)
