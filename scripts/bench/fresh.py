"""Runs that remember nothing of the ones before them."""

from __future__ import annotations

from dataclasses import replace

from feeds.model import ModelQuotes
from scripts.session import Setup


def fresh(setup: Setup) -> Setup:
    """Return the setup with a book that has not been asked anything; bars and surfaces are the same."""
    book = setup.book
    if not isinstance(book, ModelQuotes):
        return setup
    again = ModelQuotes(book.bars, book.products, book.settings, surfaces=book.surfaces)
    return replace(setup, book=again)
