"""Where a venue's journal is."""

from __future__ import annotations

from collections.abc import Mapping

from engine.journal.settings import JournalSettings

DATABASE = "MW_DATABASE_URL"


def journal_place(settings: JournalSettings, venue: str, secrets: Mapping[str, str]) -> str:
    """Return the URL in ``MW_DATABASE_URL_<VENUE>``, else in ``MW_DATABASE_URL``, else ``<venue>.db``.

    Venues that share a URL do not share a journal: the database refuses the second.
    """
    for name in (f"{DATABASE}_{venue.upper()}", DATABASE):
        if secrets.get(name, "").strip():
            return secrets[name].strip()
    return str(settings.folder / f"{venue}.db")
