"""Every item of compliance fails in a rehearsed session, by a fault of its own and not by edited rows.

Three rehearsals at the gateway, an hour cut to half of one: a sound one, one with a governor that lets
everything pass and a broker that is late, dear and wrong, and one whose program is ended, changed, broken and
started again on a clock set back.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.broker.fees import FeeSchedule
from engine.gate.compliance import SessionVerdict, judge
from engine.gate.evidence import rules_of, session_record
from engine.gate.settings import GateSettings, Item
from engine.gate.slippage import totals
from engine.gateway.market import Traded
from engine.journal.journal import Journal
from engine.journal.queries import Reader
from engine.options.contract import Contract, Right
from engine.risk.governor import Governor
from engine.risk.limits import Limits
from engine.risk.state import DayState
from engine.settings import RiskSettings
from scripts.live.journal import by_hand
from scripts.live.plan import Plan
from scripts.live.rehearse import stage
from scripts.live.session import play
from scripts.live.watch import Watch
from tests.live.stage import CONFIG, DAY, request

pytestmark = pytest.mark.slow

PATIENCE = 30.0  # wall seconds to go on trying to connect
SHORT: dict[str, Any] = {
    "risk": {"window_last": "10:40", "flat_by": "10:50"},
    "common": {"time_stop": "10:46", "min_credit_to_cost": 1},
    "execution": {"entry_fraction_start": 1.0},  # filled at once, whatever the machine is busy with
    "session": {"late_seconds": 900},
    "ibkr": {"backfill_days": 1, "confirm_seconds": 0.5},
}
FLAT_BY = "10:53"  # of this half hour, as 15:30 is of a day
# two cores shared with other work: the program may be silent for long in gateway time
PATIENT = {"flat_by": FLAT_BY, "silent_seconds": 900}


def rules_folder(folder: Path, blocked: bool = False, dear: bool = False, share: float = 0.5) -> Path:
    """Return a folder of settings: this half hour's, with an event that day, with dearer commissions."""
    shutil.copytree(CONFIG, folder)
    path = folder / "gate.yaml"
    told = yaml.safe_load(path.read_text())
    told["session"] |= {**PATIENT, "data_share": share}
    path.write_text(yaml.safe_dump(told))
    if blocked:
        events = folder / "events.json"
        event = f'{{"date": "{DAY}", "kind": "CPI", "time": "08:30", "source": "bls"}},'
        events.write_text(events.read_text().replace('"events": [', f'"events": [\n    {event}', 1))
    if dear:
        fees = folder / "fees.yaml"
        fees.write_text(fees.read_text().replace("- {fee: 0.65}", "- {fee: 0.85}"))
    return folder


def judged(plan: Plan, rules: Path) -> SessionVerdict:
    """Return the verdict on the condor's session by the journal it left."""
    with Reader(plan.database) as reader:
        record = session_record(reader, DAY)
        criteria = GateSettings.load(rules).session
        return judge(record, "condor", rules_of(reader, record, rules, criteria))


def short(folder: Path, faults: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    """Return what a rehearsal of half an hour is."""
    overrides = {**SHORT, **more.pop("overrides", {})}
    return request(folder, faults, **{"first": 625, "overrides": overrides, **more})


# a sound session ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    folder = tmp_path_factory.mktemp("sound")

    def once(place: Path) -> Plan:
        with stage(short(place)) as (_, plan):
            assert play(plan, PATIENCE).how == "flat"
        return plan

    return once(folder), rules_folder(folder / "rules")


def test_sound_session_passes_every_item(sound: tuple[Plan, Path]) -> None:
    told = judged(*sound)

    assert told.failed == {}
    assert {one.item for one in told.items} == set(Item)


def test_every_fill_has_its_quotes_beside_it(sound: tuple[Plan, Path]) -> None:
    with Reader(sound[0].database) as reader:
        record = session_record(reader, DAY)
    filled = {fill.order_ref for fill in record.fills}

    assert filled and {shadow.order_ref for shadow in record.shadows} == filled
    known, seen, model = totals(record.shadows)
    assert known <= len(record.shadows)  # on a busy machine a quote may be too old to be one
    assert abs(seen) < 100.0 and abs(model) < 100.0
    for shadow in record.shadows:
        assert shadow.decision_at <= shadow.submitted_at <= shadow.at


# a governor that lets everything pass, and a broker that is late, dear and wrong ----------------


@pytest.fixture(scope="module")
def unruly(tmp_path_factory: pytest.TempPathFactory) -> SessionVerdict:
    folder = tmp_path_factory.mktemp("unruly")
    rules = rules_folder(folder / "rules", blocked=True, dear=True)
    return judged(_unruly(folder, rules), rules)


def _unruly(place: Path, rules: Path) -> Plan:
    limits = RiskSettings.limits
    strict = {"risk": {**SHORT["risk"], "structural_loss": 50, "window_first": "10:36", "halt_range": 0.01}}
    # the order that leaves finds nobody, time and again
    late = [{"do": "hold", "event": "trade", "nth": nth} for nth in range(2, 15)]
    staged = stage(short(place, late, overrides=strict))
    with pytest.MonkeyPatch.context() as patch, staged as (gateway, plan):

        def wide(self: RiskSettings) -> Limits:
            return replace(limits(self), structural_loss=100.0, window_first=630)

        patch.setattr(RiskSettings, "limits", wide)
        patch.setattr(Governor, "_halt", lambda *_: None)
        patch.setattr(Governor, "_closing", lambda *_: None)
        foreign = Contract(plan.products["XSP"], DAY, 640.0, Right.CALL)

        def trade_by_hand(venue: Any) -> None:
            venue.account.book(Traded(foreign, 1, 0.05), -500, 0)
            venue.holdings_changed(["XSP"])

        look = Watch._control
        done: list[datetime] = []

        def control(self: Watch, now: datetime) -> None:
            if not done and now.minute >= 48:  # somebody buys a call in the account, elsewhere
                done.append(now)
                gateway.call(trade_by_hand)
            if (now.hour, now.minute) >= (11, 30):
                self.stop()
            look(self, now)

        patch.setattr(Watch, "_control", control)
        play(replace(plan, fees=FeeSchedule.load(rules / "fees.yaml")), PATIENCE)
    return plan


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (Item.LIMITS, "USD, limit 50.00"),
        (Item.WINDOW, "condor-20180508-1 approved at 10:3"),
        (Item.BLACKOUT, "in spite of CPI"),
        (Item.HALTS, "condor-20180508-1 approved at 10:3"),
        (Item.FLAT, "condor-20180508-1 "),
        (Item.FEES, "a contract, limit 0.05"),
        (Item.BROKER, "640C"),
    ],
)
def test_broken_governor_and_broker_are_found_out(unruly: SessionVerdict, item: Item, told: str) -> None:
    assert told in unruly.failed[item.value]


def test_what_had_no_fault_passes_all_the_same(unruly: SessionVerdict) -> None:
    assert {Item.CONFIG, Item.CLOCK, Item.ERRORS, Item.RECORD, Item.OVERRIDE}.isdisjoint(unruly.failed)


# a program that is ended, changed, broken and started again -------------------------------------


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> SessionVerdict:
    folder = tmp_path_factory.mktemp("broken")
    plan = _forgetful(folder)
    by_hand(plan, "flatten")

    def fall(*_: Any) -> None:
        raise ZeroDivisionError("a defect")

    changed = {"bots": {"condor": {"profit_target": 0.6}}}
    place = Path(plan.database).parent.parent
    (Path(plan.database).parent / "gateway.json").unlink()  # else its clock goes on where it was
    staged = stage(short(place, first=626, overrides=changed))
    with pytest.MonkeyPatch.context() as patch, staged as (_, again):
        assert again.database == plan.database
        patch.setattr(Watch, "_over", fall)
        with pytest.raises(ZeroDivisionError):
            play(again, PATIENCE)
    return judged(plan, rules_folder(folder / "rules"))


def _forgetful(place: Path) -> Plan:
    """Play a session that keeps neither approvals nor finished trades."""
    whole = DayState.to_json
    with pytest.MonkeyPatch.context() as patch, stage(short(place)) as (_, plan):
        patch.setattr(DayState, "to_json", lambda state: whole(replace(state, open=())))
        patch.setattr(Journal, "trade", lambda *_: None)
        play(plan, PATIENCE)
    return plan


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (Item.GOVERNED, "condor-20180508-1/1 at 10:3"),
        (Item.RECORD, "condor-20180508-1 has fills and no finished trade"),
        (Item.CONFIG, "config changed: "),
        (Item.CLOCK, "written after one of"),
        (Item.ERRORS, "has no end"),
        (Item.OVERRIDE, "flatten by hand"),
    ],
)
def test_broken_program_is_found_out(broken: SessionVerdict, item: Item, told: str) -> None:
    assert told in broken.failed[item.value]


# data that stands still ---------------------------------------------------------------------------


def test_frozen_quotes_fail_data(tmp_path: Path) -> None:
    frozen = [{"do": "freeze", "at": "10:31", "seconds": 3600}]
    with stage(short(tmp_path, frozen)) as (_, plan):
        play(plan)

    told = judged(plan, rules_folder(tmp_path / "rules", share=1.0))

    assert "of 2 decision minutes with data" in told.failed["data"]
