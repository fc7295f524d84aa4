"""The ramp: what leads up, what leads down, what starts over, what counts and what does not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, GateError
from engine.gate.criteria import Verdict, next_step, sessions_to_go
from engine.gate.facts import Fact, Moved
from engine.gate.gate import Gate
from engine.gate.ramp import Run, Standing, left_out, told
from engine.gate.settings import GateSettings, Item, Stage
from tests.gate.makers import BOT, CONFIG, DAYS, HASH, SETTINGS, backtest, gate_at, judged, registered, walk


def test_file_holds_the_defaults() -> None:
    assert GateSettings.load(CONFIG) == GateSettings()


def test_unknown_key_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("paper: {session: 20}\n")

    with pytest.raises(ConfigError, match=r"paper.session: no such setting, got 20. Did you mean 'sessions'"):
        GateSettings.load(tmp_path)


def test_item_without_a_demotion_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("demote: {data: stay}\n")

    with pytest.raises(ConfigError, match="demote says nothing of governed"):
        GateSettings.load(tmp_path)


def test_good_backtest_leads_to_paper() -> None:
    gate, _ = gate_at("research")

    (step,) = gate.record_backtest(backtest())

    assert (step.origin, step.target, step.lots) == (Stage.RESEARCH, Stage.PAPER, 0)
    assert step.criteria == SETTINGS.digest


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"sessions": 400}, Verdict.FAIL),
        ({"deflated": 0.94}, Verdict.FAIL),
        ({"deflated": None}, Verdict.UNKNOWN),
        ({"low": -0.1}, Verdict.FAIL),
        ({"low": None}, Verdict.UNKNOWN),
        ({"costs": 1.0}, Verdict.UNKNOWN),
    ],
)
def test_backtest_that_does_not_show_it_leads_nowhere(changes: dict[str, Any], verdict: Verdict) -> None:
    gate, _ = gate_at("research")

    assert gate.record_backtest(backtest(**changes)) == ()

    assert gate.standing(BOT).stage is Stage.RESEARCH
    assert [row.verdict for row in gate.criteria(BOT) if row.verdict is not Verdict.PASS] == [verdict]


def test_twenty_good_paper_sessions_lead_to_one_lot() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 19)
    assert gate.standing(BOT).stage is Stage.PAPER

    walk(gate, clock, 19, 1)

    assert (gate.standing(BOT).stage, gate.standing(BOT).lots) == (Stage.SMALL, 1)


def test_lots_grow_one_by_one_up_to_the_most() -> None:
    gate, clock = gate_at("scaled")
    assert (gate.standing(BOT).stage, gate.standing(BOT).lots) == (Stage.SCALED, 2)

    walk(gate, clock, 40, 29, venue="live")
    assert gate.standing(BOT).lots == 2
    walk(gate, clock, 69, 1 + 30 + 30 + 40, venue="live")

    assert gate.standing(BOT).lots == 5
    assert gate.criteria(BOT) == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"fills": 1, "shadows": 1}, ["Orders filled", "Slippage"]),  # too few fills to compare
        ({"net": 0.0}, ["Sharpe ratio of paper sessions"]),
        ({"slippage": 10.1}, ["Slippage"]),
        ({"shadows": 1}, ["Slippage"]),
    ],
)
def test_one_missing_criterion_keeps_a_bot_on_paper(changes: dict[str, object], names: list[str]) -> None:
    gate, clock = gate_at("paper")

    walk(gate, clock, 0, 25, **changes)

    assert gate.standing(BOT).stage is Stage.PAPER
    assert [row.name for row in gate.criteria(BOT) if row.verdict is not Verdict.PASS] == names


def test_slippage_of_the_model_and_a_quarter_passes() -> None:
    gate, clock = gate_at("paper")

    walk(gate, clock, 0, 20, slippage=10.0)

    assert gate.standing(BOT).stage is Stage.SMALL


def test_negative_sharpe_is_a_fail_and_not_a_lack_of_data() -> None:
    gate, clock = gate_at("paper")
    for number in range(22):
        clock.evening(DAYS[number])
        gate.judge(judged(DAYS[number], net=-5.0 - number % 4))

    row = next(row for row in gate.criteria(BOT) if row.name.startswith("Sharpe"))

    assert row.verdict is Verdict.FAIL
    assert "no number of sessions like these would show it" in row.text


def test_models_quotes_do_not_lead_to_live_unless_the_file_says_so() -> None:
    loose = GateSettings(paper=SETTINGS.paper.model_copy(update={"recorded_backtest": False}))
    for criteria, stage in ((SETTINGS, Stage.PAPER), (loose, Stage.SMALL)):
        gate, clock = gate_at("research", settings=criteria)
        gate.record_backtest(backtest(recorded=False))
        walk(gate, clock, 0, 20)

        assert gate.standing(BOT).stage is stage


def test_breach_on_paper_sets_the_count_to_zero_and_keeps_the_sessions() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 12)
    walk(gate, clock, 12, 1, failed={"fees": "0.07 apart"})

    held = gate.standing(BOT)

    assert (held.stage, len(held.sessions), held.run) == (Stage.PAPER, 13, Run())
    assert [fact.day for fact in held.breaches] == [DAYS[12]]
    walk(gate, clock, 13, 19)
    assert gate.standing(BOT).stage is Stage.PAPER
    walk(gate, clock, 32, 1)
    assert gate.standing(BOT).stage is Stage.SMALL


@pytest.mark.parametrize("item", list(Item))
def test_breach_live_demotes_by_its_kind(item: Item) -> None:
    gate, clock = gate_at("scaled")

    walk(gate, clock, 40, 1, venue="live", failed={item.value: "seen"})

    wanted = SETTINGS.demote[item]
    held = gate.standing(BOT)
    assert held.run == Run()
    assert held.stage is (Stage.SCALED if wanted == "stay" else Stage(wanted.value))
    assert held.lots == (2 if wanted == "stay" else 0)


def test_worst_of_two_breaches_counts() -> None:
    gate, clock = gate_at("small")

    walk(gate, clock, 20, 1, venue="live", failed={"flat": "seen", "governed": "seen"})

    assert gate.standing(BOT).stage is Stage.RESEARCH
    assert gate.standing(BOT).backtest is None  # what misbehaves has shown nothing


def test_after_a_demotion_paper_begins_from_nothing() -> None:
    gate, clock = gate_at("small")
    walk(gate, clock, 20, 1, venue="live", failed={"flat": "seen"})

    walk(gate, clock, 21, 19)
    assert gate.standing(BOT).stage is Stage.PAPER
    walk(gate, clock, 40, 1)

    assert gate.standing(BOT).stage is Stage.SMALL


def test_idle_sessions_count_as_at_most_a_third() -> None:
    assert Run(traded=10, idle=20).counted(SETTINGS.run) == 15
    assert Run(traded=14, idle=6).counted(SETTINGS.run) == 20
    assert Run(traded=0, idle=50).counted(SETTINGS.run) == 0


def test_bot_that_never_trades_stays_on_paper() -> None:
    gate, clock = gate_at("paper")

    walk(gate, clock, 0, 120, net=0.0, trades=0, fills=0, shadows=0, slippage=0.0, modelled=0.0)

    assert gate.standing(BOT).stage is Stage.PAPER
    assert sessions_to_go(gate.criteria(BOT)) is None


def test_two_sessions_left_out_are_forgiven_and_three_are_not() -> None:
    for left, counted in ((2, 10), (3, 1)):
        gate, clock = gate_at("paper")
        walk(gate, clock, 0, 9)
        walk(gate, clock, 9 + left, 1)

        assert gate.standing(BOT).run.counted(SETTINGS.run) == counted


def test_weekends_and_holidays_are_not_left_out() -> None:
    assert left_out(date(2026, 1, 16), date(2026, 1, 20)) == 0  # Friday to Tuesday, Monday a holiday
    assert left_out(date(2026, 1, 16), date(2026, 1, 22)) == 2


def test_changed_configuration_starts_over_and_the_old_one_comes_back_with_its_backtest_only() -> None:
    gate, clock = gate_at("small")

    gate.tell(registered("b" * 64))
    assert (gate.standing(BOT).stage, gate.standing(BOT).lots) == (Stage.RESEARCH, 0)
    gate.tell(registered(HASH))
    held = gate.standing(BOT)

    assert (held.stage, held.sessions) == (Stage.RESEARCH, ())
    assert held.backtest is not None
    step = next_step(held, SETTINGS)
    assert step is not None and step.target is Stage.PAPER


def test_session_of_an_old_configuration_does_not_count() -> None:
    gate, clock = gate_at("paper")

    walk(gate, clock, 0, 3, config="b" * 64)

    assert gate.standing(BOT).sessions == ()


def test_paper_sessions_before_the_backtest_do_not_count() -> None:
    gate, clock = gate_at("research")

    walk(gate, clock, 0, 25)

    assert gate.standing(BOT).stage is Stage.RESEARCH
    assert gate.standing(BOT).sessions == ()


def test_table_says_how_long_until_it_is_known() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 5)

    rows = {row.name: row for row in gate.criteria(BOT)}

    assert rows["Paper sessions"].until == 15
    assert rows["Orders filled"].until == 15  # ten in five sessions
    assert rows["Compliant sessions in a row"].until == 15
    assert rows["Weeks from first to last"].until == 17  # 23 of 28 days are missing
    assert sessions_to_go(gate.criteria(BOT)) == 17


def test_facts_of_another_bot_change_nothing() -> None:
    gate, clock = gate_at("paper")
    walk(gate, clock, 0, 3)
    before = gate.standing(BOT)

    gate.tell(registered(bot="putlite"))
    gate.judge(judged(DAYS[2], bot="putlite", failed={"flat": "seen"}))

    assert gate.standing(BOT) == before
    assert gate.bots() == (BOT, "putlite")


FACTS = st.lists(
    st.one_of(
        st.builds(
            lambda number, failed, fills, venue, net: judged(
                DAYS[number], failed=failed, fills=fills, shadows=fills, venue=venue, net=net
            ),
            st.integers(0, 199),
            st.one_of(st.just({}), st.just({}), st.sampled_from([{item.value: "seen"} for item in Item])),
            st.integers(0, 4),
            st.sampled_from(["paper", "live"]),
            st.floats(-50, 50),
        ),
        st.builds(lambda deflated: backtest(deflated=deflated), st.floats(0.9, 1.0)),
        st.sampled_from([registered(), registered("b" * 64)]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(FACTS)
def test_whatever_is_told_live_is_only_reached_through_paper(facts: list[Fact]) -> None:
    held, path = Standing(BOT), [Stage.RESEARCH]
    for fact in facts:
        held = told(held, fact, SETTINGS)
        for _ in range(4):
            step = next_step(held, SETTINGS)
            if step is None:
                break
            held = told(held, step, SETTINGS)
        if held.stage is not path[-1]:
            path.append(held.stage)
        assert (held.lots > 0) == (held.stage in (Stage.SMALL, Stage.SCALED))
        assert held.run.counted(SETTINGS.run) <= len(held.sessions)
        if held.stage is Stage.SMALL and path[-1] is not Stage.SMALL:
            assert Stage.PAPER in path


def test_steps_are_refused_to_a_stranger() -> None:
    gate, _ = gate_at("paper")
    with pytest.raises(GateError, match="made with configuration bbbbbbbb of condor, expected aaaaaaaa"):
        gate.record_backtest(backtest("b" * 64))


def test_moves_remember_the_criteria_of_their_day() -> None:
    gate, _ = gate_at("small")
    moves = [entry.fact for entry in gate.history(BOT) if isinstance(entry.fact, Moved)]

    assert [move.target for move in moves] == [Stage.PAPER, Stage.SMALL]
    assert {move.criteria for move in moves} == {SETTINGS.digest}
    assert isinstance(gate, Gate)
