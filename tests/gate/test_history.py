"""The gate's history: what is edited is noticed, what does not fit is refused, what is asked is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, GateError, JournalError
from engine.gate.chain import linked, verified
from engine.gate.facts import Fact, Judged, Moved, Opened, Overridden, Registered, kind_of, payload, read
from engine.gate.fingerprint import changes, fingerprint
from engine.gate.gate import Gate
from engine.gate.ledger import Book, Memory
from engine.gate.permission import Request, is_overridden, mark_of, override, permission, words_for
from engine.gate.session_end import settle
from engine.gate.settings import Stage
from engine.gate.size import live_size
from engine.journal.database import open_journal
from engine.settings import Settings
from tests.gate.makers import (
    BOT,
    CONFIG,
    DAYS,
    HASH,
    SETTINGS,
    Clock,
    backtest,
    gate_at,
    judged,
    registered,
    walk,
)

STRATEGIES = Path(__file__).parents[2] / "strategies"
OTHER = {"buywrite": {"enabled": False}}


def kept(tmp_path: Path) -> tuple[Path, Gate]:
    """Return a gate's journal in a database with a whole walk to live in it."""
    place = tmp_path / "gate.db"
    gate, _ = gate_at("small", Book(place))
    return place, gate


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    place, gate = kept(tmp_path)

    again = Gate(Book(place), SETTINGS)

    assert list(again.history()) == list(gate.history())
    assert again.standing(BOT) == gate.standing(BOT)
    assert again.standing(BOT).stage is Stage.SMALL


EDITS = {
    "a better verdict": "UPDATE gate_events SET payload = replace(payload, '1.0', '9.0')",
    "another kind": "UPDATE gate_events SET kind = 'opened' WHERE seq = 1 AND kind = 'judged'",
    "a later time": "UPDATE gate_events SET at = '2030-01-01T00:00:00.000000Z' WHERE kind = 'backtest'",
    "a lost event": "DELETE FROM gate_events WHERE kind = 'backtest'",
    "the first one lost": "DELETE FROM gate_events WHERE previous = ''",
    "a hash mended": "UPDATE gate_events SET hash = 'f' || substr(hash, 2) WHERE kind = 'moved'",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edited_history_is_noticed(tmp_path: Path, edit: str) -> None:
    place, _ = kept(tmp_path)
    with open_journal(place, "gate").begin() as connection:
        assert connection.exec_driver_sql(edit).rowcount >= 1

    with pytest.raises(GateError, match=r"gate event \d+"):
        Gate(Book(place), SETTINGS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 24), st.sampled_from(["kind", "payload", "at", "previous", "hash"]), st.data())
def test_no_single_change_of_any_event_is_overlooked(number: int, name: str, data: st.DataObject) -> None:
    store = Memory()
    gate_at("small", store)
    events = list(store.events())
    event = events[number % len(events)]
    new = (
        event.at + timedelta(microseconds=data.draw(st.integers(1, 10**9)))
        if name == "at"
        else getattr(event, name) + "x"
    )
    changed: dict[str, Any] = {name: new}
    events[number % len(events)] = replace(event, **changed)

    with pytest.raises(GateError):
        verified(events)


def test_chain_cannot_fork(tmp_path: Path) -> None:
    place, gate = kept(tmp_path)
    one, two = Gate(Book(place), SETTINGS), Gate(Book(place), SETTINGS)
    one.register(fingerprint(Settings.load(CONFIG), "putlite", STRATEGIES))

    with pytest.raises(JournalError, match="cannot be written"):
        two.register(fingerprint(Settings.load(CONFIG), "putlite", STRATEGIES))
    Gate(Book(place), SETTINGS)


def test_gates_journal_is_no_other_and_no_other_is_the_gates(tmp_path: Path) -> None:
    open_journal(tmp_path / "paper.db", "paper").dispose()

    with pytest.raises(JournalError, match="it is the journal of paper, expected one of gate"):
        Book(tmp_path / "paper.db")


def test_event_of_an_unknown_kind_is_refused() -> None:
    event = linked(datetime(2026, 1, 2, tzinfo=UTC), "wished", {"bot": BOT}, "")

    with pytest.raises(GateError, match="gate event wished of 2026-01-02"):
        read(event)


FACTS = [
    registered(),
    backtest(deflated=None),
    judged(DAYS[0], failed={"flat": "seen"}, overridden=True),
    Opened(BOT, HASH, DAYS[0], "paper", "mark", "digest"),
    Moved(BOT, HASH, Stage.PAPER, Stage.SMALL, 1, "why", "digest"),
    Overridden(BOT, HASH, DAYS[0], "words", ("Slippage",)),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_fact_comes_back_as_it_was(fact: Fact) -> None:
    event = linked(datetime(2026, 1, 2, tzinfo=UTC), kind_of(fact), payload(fact), "")

    assert read(event).fact == fact


# the clock and the calendar -----------------------------------------------------------------


def test_clock_set_back_is_refused_and_nothing_is_written() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 3)
    before = len(list(gate.history()))
    clock.evening(DAYS[1])

    with pytest.raises(GateError, match="expected a clock that only goes forward"):
        gate.judge(judged(DAYS[2], failed={"flat": "seen"}))

    assert len(list(gate.history())) == before


def test_day_before_the_last_one_judged_is_refused() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 3)

    with pytest.raises(GateError, match=f"{DAYS[1]} lies before {DAYS[2]}, the last session judged"):
        gate.judge(judged(DAYS[1]))


def test_day_that_lies_ahead_is_refused() -> None:
    gate, clock = gate_at("paper")
    clock.evening(DAYS[0])

    with pytest.raises(GateError, match=f"{DAYS[1]} lies ahead"):
        gate.judge(judged(DAYS[1]))


@pytest.mark.parametrize("day", [date(2026, 1, 19), date(2026, 1, 10)])
def test_holiday_and_weekend_are_no_sessions(day: date) -> None:
    gate, clock = gate_at("paper")
    clock.evening(DAYS[60])

    with pytest.raises(GateError, match="is no trading day"):
        gate.judge(judged(day))
    with pytest.raises(GateError, match="is no trading day"):
        gate.open_session(Opened(BOT, HASH, day, "paper", "mark", "digest"))


def test_session_is_judged_once_and_only_for_the_worse_again() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 5)
    last = judged(DAYS[4], 4)

    assert gate.judge(last) == ()
    assert len(gate.standing(BOT).sessions) == 5

    gate.judge(replace(last, failed={"fees": "told a day later"}))
    assert gate.standing(BOT).run.traded == 0
    assert [one.day for one in gate.standing(BOT).sessions] == list(DAYS[:5])
    with pytest.raises(GateError, match=r"is judged already \(fees\), expected no better verdict"):
        gate.judge(last)


# configuration --------------------------------------------------------------------------------


def test_fingerprint_is_of_the_bot_and_its_own_settings() -> None:
    plain = fingerprint(Settings.load(CONFIG), "condor", STRATEGIES)

    def other(overrides: dict[str, Any]) -> str:
        return fingerprint(Settings.load(CONFIG, overrides=overrides), "condor", STRATEGIES).digest

    assert other({"bots": {"putlite": {"width": 2}}}) == plain.digest
    assert other({"bots": {"condor": {"enabled": False}}}) == plain.digest
    assert other({"account": {"cash": 99_000}}) == plain.digest
    assert other({"bots": {"condor": {"quantity": 2}}}) == plain.digest  # lots are what the ramp gives
    assert other({"risk": {"structural_loss": 200, "day_cap": 300}}) == plain.digest
    assert other({"bots": {"condor": {"calm_max": 0.8}}}) != plain.digest
    assert other({"risk": {"halt_vix": 4}}) != plain.digest
    assert other({"common": {"decide_every": 10}}) != plain.digest
    assert other({"quotes": {"premium": 0.2}}) != plain.digest
    assert other({"session": {"stop_seconds": 30}}) != plain.digest
    assert other({"session": {"heartbeat_seconds": 6}, "ibkr": {"port": 7497}}) == plain.digest
    assert fingerprint(Settings.load(CONFIG), "putlite", STRATEGIES).digest != plain.digest


def test_changed_model_file_is_a_new_configuration(tmp_path: Path) -> None:
    model = tmp_path / "condor.skops"
    model.write_bytes(b"one")
    loaded = Settings.load(CONFIG, overrides={"bots": {"condor": {"model": str(model)}}})
    before = fingerprint(loaded, "condor", STRATEGIES)

    model.write_bytes(b"two")

    (changed,) = changes(before.parts, fingerprint(loaded, "condor", STRATEGIES).parts)
    assert changed.startswith("model/condor.skops: ")


def test_changed_strategy_file_is_a_new_configuration_with_its_difference(tmp_path: Path) -> None:
    for path in STRATEGIES.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    gate, _ = gate_at("research")
    before = fingerprint(Settings.load(CONFIG), "condor", tmp_path)
    gate.register(before)
    (tmp_path / "putlite.py").write_text("another bot's\n")
    assert fingerprint(Settings.load(CONFIG), "condor", tmp_path).digest == before.digest

    (tmp_path / "condor.py").write_text("changed\n")
    after = fingerprint(
        Settings.load(CONFIG, overrides={"bots": {"condor": {"calm_max": 0.8}}}), "condor", tmp_path
    )
    held = gate.register(after)

    assert held.registered is not None
    (calm, file) = held.registered.changed
    assert calm == "bots.condor.calm_max: 0.75 -> 0.8"
    assert file.startswith("strategies/condor.py: ")


def test_line_endings_are_no_change(tmp_path: Path) -> None:
    for path in STRATEGIES.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert fingerprint(Settings.load(CONFIG), "condor", tmp_path) == fingerprint(
        Settings.load(CONFIG), "condor", STRATEGIES
    )


def test_differences_name_what_came_and_went() -> None:
    assert changes({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == (
        "a: 1 -> none",
        "b: 2 -> 3",
        "c: none -> 4",
    )


# permission --------------------------------------------------------------------------------------


def request(venue: str, day: date, names: tuple[str, ...] = (BOT,), **overrides: object) -> Request:
    loaded = Settings.load(CONFIG, overrides=overrides)
    return Request(loaded, names, STRATEGIES, day, venue, "DU1234567", 150_000.0)


def walked(count: int = 20, names: tuple[str, ...] = (BOT,)) -> tuple[Gate, Clock]:
    """Return a gate whose bots, as configured here, have so many good paper sessions."""
    clock = Clock(datetime(2026, 1, 2, 12, tzinfo=UTC))
    gate = Gate(Memory(), SETTINGS, clock)
    for bot in names:
        held = gate.register(fingerprint(Settings.load(CONFIG), bot, STRATEGIES))
        gate.record_backtest(backtest(held.config, bot))
    for number in range(count):
        clock.evening(DAYS[number])
        for bot in names:
            gate.judge(judged(DAYS[number], number, bot=bot, config=gate.standing(bot).config))
    return gate, clock


def test_paper_is_always_allowed_and_told_whether_it_counts() -> None:
    clock = Clock(datetime(2026, 1, 5, 13, tzinfo=UTC))
    gate = Gate(Memory(), SETTINGS, clock)

    granted = permission(gate, request("paper", DAYS[0], ("putlite", "condor")))

    assert granted["condor"].text == "condor is at research: its paper sessions do not count"
    assert [type(entry.fact) for entry in gate.history("condor")] == [Registered, Opened]


def test_live_is_refused_until_the_ramp_allows_it_and_says_what_is_missing() -> None:
    gate, clock = walked(19)
    clock.evening(DAYS[30])

    with pytest.raises(GateError, match="condor is at paper, live needs small; missing: Paper sessions, "):
        permission(gate, request("live", DAYS[30]))
    assert gate.standing(BOT).opened is None


def test_live_is_allowed_at_one_lot_after_the_ramp() -> None:
    gate, clock = walked()
    clock.evening(DAYS[20])

    granted = permission(gate, request("live", DAYS[20]))["condor"]

    assert granted.size is not None
    assert (granted.stage, granted.size.lots, granted.overridden) == (Stage.SMALL, 1, False)
    opened = gate.standing(BOT).opened
    assert opened is not None and opened.account == mark_of("DU1234567") != "DU1234567"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            {"bots": {"condor": {"quantity": 2}}},
            "bots.condor.quantity is 2, live allows condor at most 1 now",
        ),
        ({"risk": {"structural_loss": 1501, "day_cap": 1501}}, "risk.structural_loss is 1501, .* most 1500"),
        ({"risk": {"day_cap": 1501}}, "risk.day_cap is 1501, live allows condor at most 1500"),
    ],
)
def test_no_setting_makes_live_larger_than_the_stage(overrides: dict[str, Any], told: str) -> None:
    gate, clock = walked()
    clock.evening(DAYS[20])

    with pytest.raises(GateError, match=told):
        permission(gate, request("live", DAYS[20], **overrides))


def test_live_size_is_a_share_of_a_small_account() -> None:
    size = live_size(3, 10_000.0)

    assert (size.lots, size.structural, size.day) == (3, 200.0, 600.0)


def test_bots_on_one_account_share_its_bounds() -> None:
    both = ("condor", "buywrite")
    gate, clock = walked(names=both)
    clock.evening(DAYS[20])
    own = {"buywrite": {"planned_loss": 150, "structural_loss": 900, "day_cap": 1500}}
    asked = request("live", DAYS[20], both, risk={"day_cap": 1500, "budgets": own})

    with pytest.raises(GateError, match=r"may lose 3000.00 USD a day together, live allows .*: 2880.00"):
        permission(gate, replace(asked, equity=48_000.0))

    assert set(permission(gate, replace(asked, equity=50_000.0))) == set(both)


def test_one_bot_that_may_not_keeps_the_other_from_starting() -> None:
    gate, clock = walked()
    clock.evening(DAYS[20])

    with pytest.raises(GateError, match="putlite is at research"):
        permission(gate, request("live", DAYS[20], ("condor", "putlite")))

    assert gate.standing("condor").opened is None


def test_configuration_swapped_while_a_session_is_open_is_refused() -> None:
    gate, clock = walked(5)
    clock.evening(DAYS[5])
    permission(gate, request("paper", DAYS[5]))
    permission(gate, request("paper", DAYS[5]))  # a restart

    with pytest.raises(GateError, match="configuration has changed since the session of 2026-01-12 began"):
        permission(gate, request("paper", DAYS[5], risk={"halt_vix": 5}))

    assert gate.standing(BOT).stage is Stage.PAPER
    with pytest.raises(GateError, match="the configuration has changed"):
        permission(gate, request("paper", DAYS[5], account={"cash": 1000}))


def test_session_that_was_not_judged_must_be_first() -> None:
    gate, clock = walked(5)
    clock.evening(DAYS[5])
    permission(gate, request("paper", DAYS[5]))
    clock.evening(DAYS[6])

    with pytest.raises(GateError, match=r"the session of 2026-01-12 is not judged, expected that"):
        permission(gate, request("paper", DAYS[6]))

    settle(gate, BOT, None, CONFIG)  # there is no journal of it
    told = gate.standing(BOT).breaches[-1].failed
    assert told == {"record": "the session began and left nothing in the journal"}
    assert permission(gate, request("paper", DAYS[6]))["condor"].stage is Stage.PAPER
    assert settle(gate, "putlite", None, CONFIG) is None


def test_override_must_be_typed_in_full_and_is_shown() -> None:
    gate, clock = walked(5)
    clock.evening(DAYS[5])
    words = words_for(BOT, DAYS[5])
    with pytest.raises(GateError, match="expected exactly 'I trade condor live on 2026-01-12 although"):
        override(gate, BOT, DAYS[5], words[:-1])

    override(gate, BOT, DAYS[5], words)
    granted = permission(gate, request("live", DAYS[5]))["condor"]

    assert granted.overridden and granted.size is not None and granted.size.lots == 1
    assert gate.standing(BOT).overrides[0].refused[0] == "Paper sessions"
    assert is_overridden(gate.standing(BOT), DAYS[5]) and not is_overridden(gate.standing(BOT), DAYS[6])
    settle(gate, BOT, None, CONFIG)
    clock.evening(DAYS[6])
    with pytest.raises(GateError, match="condor is at paper, live needs small"):
        permission(gate, request("live", DAYS[6]))


def test_override_makes_the_session_a_breach() -> None:
    gate, clock = walked(5)
    walk(gate, clock, 5, 1, venue="live", config=gate.standing(BOT).config, failed={"override": "typed"})

    assert gate.standing(BOT).run.traded == 0
    assert isinstance(gate.standing(BOT).breaches[0], Judged)


def test_override_of_nothing_is_refused() -> None:
    gate, clock = walked()

    with pytest.raises(GateError, match="live is allowed, expected no override"):
        override(gate, BOT, DAYS[20], words_for(BOT, DAYS[20]))


def test_unknown_venue_is_refused() -> None:
    gate, clock = walked()
    clock.evening(DAYS[20])

    with pytest.raises((GateError, ConfigError), match="venue is 'rehearsal', expected paper or live"):
        permission(gate, request("rehearsal", DAYS[20]))
