"""A session finds in its journal what the door for alerts has written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from engine.journal.database import Run, open_journal
from engine.journal.records import Note
from engine.journal.writing import Writer
from engine.risk.vetoes import Veto
from scripts.live.vetoes import Vetoes
from tests.board.makers import DAY, at, written


def test_veto_is_found_while_it_holds_and_a_note_is_none(tmp_path: Path) -> None:
    place = str(tmp_path / "paper.db")
    written(place)  # holds a veto of condor in XSP, from minute 195 to 255
    with Writer(open_journal(place, "paper"), Run("serve", "serve", "paper", "", at(0))) as writer:
        writer.write(Note(at(196), "tradingview", "note", "only a word", reference="n"))
    vetoes = Vetoes(place)
    assert vetoes.at(at(190), DAY) == ()
    assert vetoes.at(at(200), DAY) == (Veto("tradingview", "trend turned", "condor", "XSP", at(255)),)
    assert vetoes.at(at(256), DAY) == ()
    vetoes.close()


def test_journal_that_cannot_be_read_leaves_the_known_vetoes_standing(tmp_path: Path) -> None:
    place = tmp_path / "paper.db"
    written(str(place))
    vetoes = Vetoes(str(place))
    known = vetoes.at(at(200), DAY)
    place.write_bytes(b"no database")
    assert vetoes.at(at(200) + timedelta(minutes=1), DAY) == known != ()
    vetoes.close()
