"""A judged session reaches the gate, and the gate reaches the screens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.report.gate import history_section, standing_section, verdict_section
from engine.errors import GateError
from engine.gate.facts import Judged, Opened
from engine.gate.gate import Gate
from engine.gate.ledger import Book, Memory
from engine.gate.session_end import end_session, settle
from engine.gate.slippage import slippage, totals
from engine.gate.view import read_gate, view_of, views
from engine.journal.queries import Reader
from engine.journal.records import SlippageShadow
from tests.gate.day import DAY, good_day, idle_day, shadow, write
from tests.gate.makers import CONFIG, DAYS, SETTINGS, Clock, backtest, gate_at, judged, registered, walk


def asked(venue: str = "paper") -> Gate:
    """Return a gate that was asked before the session of the day began."""
    gate = Gate(Memory(), SETTINGS, Clock(datetime(2026, 3, 10, 13, tzinfo=UTC)))
    for bot in ("putlite", "condor"):
        gate.tell(registered(bot=bot))
        gate.record_backtest(backtest(bot=bot))
        gate.open_session(Opened(bot, "a" * 64, DAY, venue, "mark", "c" * 64))
    return gate


def test_session_is_judged_and_told_with_its_figures(tmp_path: Path) -> None:
    gate = asked()
    with Reader(write(tmp_path / "paper.db", good_day())) as reader:
        ended = end_session(gate, reader, DAY, CONFIG)

    assert {bot: one.verdict.compliant for bot, one in ended.items()} == {"putlite": True, "condor": True}
    (told,) = gate.standing("condor").sessions
    assert (told.net, told.trades, told.fills, told.shadows) == (5.0, 1, 2, 2)
    assert told.slippage == told.modelled == pytest.approx(4.0)  # two cents each way, a hundred shares
    (idle,) = gate.standing("putlite").sessions
    assert idle.idle and not told.idle


def test_session_the_gate_was_not_asked_about_is_a_breach(tmp_path: Path) -> None:
    gate = Gate(Memory(), SETTINGS, Clock(datetime(2026, 3, 10, 22, tzinfo=UTC)))
    gate.tell(registered())
    with Reader(write(tmp_path / "paper.db", idle_day())) as reader:
        ended = end_session(gate, reader, DAY, CONFIG)

    assert set(ended["condor"].verdict.failed) == {"config"}
    assert "the gate was not asked" in ended["condor"].verdict.failed["config"]


def test_rehearsal_is_judged_and_not_told(tmp_path: Path) -> None:
    gate = Gate(Memory(), SETTINGS, Clock(datetime(2026, 3, 10, 22, tzinfo=UTC)))
    with Reader(write(tmp_path / "rehearsal.db", idle_day(), venue="rehearsal")) as reader:
        ended = end_session(gate, reader, DAY, CONFIG)

    assert ended["condor"].verdict.compliant
    assert list(gate.history()) == []


def test_judged_twice_it_counts_once(tmp_path: Path) -> None:
    gate = asked()
    with Reader(write(tmp_path / "paper.db", good_day())) as reader:
        end_session(gate, reader, DAY, CONFIG)
        end_session(gate, reader, DAY, CONFIG)

    assert len([entry for entry in gate.history() if isinstance(entry.fact, Judged)]) == 2  # a bot each


def test_session_nobody_judged_is_judged_from_its_journal(tmp_path: Path) -> None:
    gate = asked()
    with Reader(write(tmp_path / "paper.db", good_day())) as reader:
        ended = settle(gate, "condor", reader, CONFIG)

    assert ended is not None and ended.verdict.compliant
    assert gate.standing("condor").opened is None and gate.standing("putlite").opened is not None


# slippage -----------------------------------------------------------------------------------


def test_slippage_is_held_against_the_mid_the_decision_saw() -> None:
    bought, sold = slippage(shadow("11:00", 1, True)), slippage(shadow("12:30", 2, False))
    assert bought is not None and sold is not None

    assert (bought.paid, bought.market, bought.model) == pytest.approx((2.0, 2.0, 2.0))
    assert (sold.paid, sold.market, sold.model) == pytest.approx((-2.0, 2.0, 2.0))


def test_paper_fill_inside_the_spread_counts_as_the_market_would_have_dealt() -> None:
    kind = replace(shadow("11:00", 1, True), price=-0.22)
    found = slippage(kind)

    assert found is not None
    assert (found.paid, found.seen) == pytest.approx((0.0, 2.0))


def test_fill_without_a_quote_has_no_shadow() -> None:
    blind: SlippageShadow = replace(shadow("11:00", 1, True), fill_ask=float("nan"))

    assert slippage(blind) is None
    assert totals([blind, shadow("12:30", 2, False)])[0] == 1


# what others are shown ---------------------------------------------------------------------------


def test_view_is_read_from_a_database_that_it_cannot_write(tmp_path: Path) -> None:
    place = tmp_path / "gate.db"
    gate, clock = gate_at("paper", Book(place))
    walk(gate, clock, 0, 5)

    (view,) = views(place, CONFIG)

    assert view == view_of(gate, "condor")
    assert (view.stage, view.until, view.config) == ("paper", 17, "aaaaaaaa")
    with pytest.raises(GateError, match="opened to be read"):
        read_gate(place, CONFIG).tell(judged(DAY))


def test_tables_name_what_is_missing_what_was_overridden_and_what_happened(tmp_path: Path) -> None:
    gate, clock = gate_at("small")
    walk(gate, clock, 20, 1, venue="live", failed={"flat": "still holds 1"})

    section = standing_section(view_of(gate, "condor"))
    told = history_section(gate.history())

    assert section.title == "condor: paper"
    assert f"Breaches: {DAYS[20]} live: flat" in section.text
    assert section.columns == ("measured", "required", "verdict", "still unknown")
    events = [cells[1] for _, cells in told.rows]
    assert events.count("compliant") == 20
    assert events[-2:] == ["breach", "step"]
    assert "small -> paper" in told.rows[-1][1][2]


def test_verdict_is_shown_item_by_item_with_its_evidence(tmp_path: Path) -> None:
    gate = asked()
    with Reader(write(tmp_path / "paper.db", replace(good_day(), how="failed"))) as reader:
        verdict = end_session(gate, reader, DAY, CONFIG)["condor"].verdict
    limits = verdict.items[2]
    other = replace(
        verdict,
        bot="putlite",
        items=(*verdict.items[:2], replace(limits, evidence="most at risk 0.00 USD"), *verdict.items[3:]),
    )

    section = verdict_section([other, verdict])

    assert section.title == "putlite: not compliant, errors; condor: not compliant, errors"
    assert [cells[1] for _, cells in section.rows].count("fail") == 1
    assert len(section.rows) == 15
    assert section.rows[2:4] == (
        (limits.question, ("putlite", "pass", "most at risk 0.00 USD")),
        ("", ("condor", "pass", limits.evidence)),
    )
    assert {cells[0] for _, cells in section.rows} == {"all", "putlite", "condor"}
