"""A trade survives its process: what was written is what is read."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.desk import Levels
from engine.errors import DataError
from engine.intent import Intent, Urgency
from engine.options.combo import Combo, iron_condor, put_spread, shares, single
from engine.options.contract import Right
from engine.reasons import Reason
from engine.risk.state import DayState
from engine.sessions import NEW_YORK
from strategies.condor import Condor
from strategies.putlite import PutLite
from strategies.ticket import Proposal, Stage, Ticket
from strategies.ticket_text import ticket_from_json, ticket_to_json
from tests.strategies.stage import UNIVERSE, perform
from tests.strategies.test_bots_by_table import FRIDAY, QUIET, RANGE, two_days

SYMBOLS = ("XSP", "SPY")
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
levels = st.one_of(numbers, st.just(math.inf), st.just(-math.inf))
words = st.text(max_size=20)
days = st.dates(date(2018, 1, 2), date(2028, 12, 29))


@st.composite
def combos(draw: st.DrawFn) -> Combo:
    product, expiry = UNIVERSE[draw(st.sampled_from(SYMBOLS))], draw(days)
    strike, width = draw(st.integers(50, 700)), draw(st.integers(1, 20))
    return draw(
        st.sampled_from(
            (
                put_spread(product, expiry, strike + width, strike),
                iron_condor(product, expiry, strike, strike + width, strike + 2 * width, strike + 3 * width),
                Combo.joined((shares(product, 200), single(product, expiry, strike, Right.PUT, 2)), "x"),
            )
        )
    )


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    steps = tuple(draw(st.lists(combos(), min_size=1, max_size=3)))
    combo = draw(combos())
    at = st.datetimes(datetime(2018, 1, 2), datetime(2028, 1, 1)).map(lambda t: t.replace(tzinfo=NEW_YORK))
    intent = Intent(
        draw(words), draw(st.integers(1, 10**6)), draw(words), draw(st.sampled_from(SYMBOLS)), combo,
        draw(st.integers(1, 9)), draw(st.booleans()), draw(st.sampled_from(Reason)), draw(at),
        draw(numbers), draw(numbers), draw(numbers),
    )  # fmt: skip
    proposal = Proposal(combo, steps, draw(days), draw(numbers), draw(numbers))
    ticket = Ticket(intent, proposal, SYMBOLS.index(intent.symbol), -1, draw(numbers))
    count = len(steps)
    for name in ("held", "bought"):
        setattr(ticket, name, draw(st.lists(st.integers(0, 99), min_size=count, max_size=count)))
    for name in ("paid", "received"):
        setattr(ticket, name, draw(st.lists(numbers, min_size=count, max_size=count)))
    for name in ("fees", "slippage", "cash"):
        setattr(ticket, name, draw(numbers))
    ticket.stage, ticket.why = draw(st.sampled_from(Stage)), draw(st.sampled_from(Reason))
    ticket.step, ticket.urgency = draw(st.integers(0, count - 1)), draw(st.sampled_from(Urgency))
    ticket.entered, ticket.urgent = draw(st.none() | at), draw(st.booleans())
    ticket.working, ticket.sent, ticket.units = draw(words), draw(st.integers(0, 99)), draw(st.integers(0, 9))
    ticket.done, ticket.value = draw(st.integers(0, 9)), draw(numbers)
    ticket.booked = draw(st.lists(words, max_size=3))
    ticket.levels = tuple(
        Levels(draw(combos()), draw(levels), draw(levels)) for _ in range(draw(st.integers(0, 2)))
    )
    return ticket


@given(tickets())
def test_ticket_read_back_from_json_is_the_same(ticket: Ticket) -> None:
    text = ticket_to_json(ticket)
    assert "\n" not in text
    again = ticket_from_json(text, UNIVERSE, SYMBOLS)
    for field in fields(Ticket):
        assert getattr(again, field.name) == getattr(ticket, field.name), field.name
    assert again.order() == ticket.order()


def written() -> dict[str, Any]:
    desk, bot = perform("condor", two_days(QUIET), roster={"condor": Keeps})
    del desk
    found: dict[str, Any] = json.loads(bot.texts[0])
    return found


class Keeps(Condor):
    """Writes its trade down and takes it up again from the text before every bar and event."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def _again(self) -> None:
        if self.ticket is not None:
            self.texts.append(ticket_to_json(self.ticket))
            self.ticket = ticket_from_json(self.texts[-1], self.p.products, self.config.symbols)

    def next(self) -> None:
        self._again()
        super().next()

    def on_order(self, event: Any, fills: Any, units: int) -> None:
        self._again()
        super().on_order(event, fills, units)


class KeepsPutLite(Keeps, PutLite):
    bot_name = "putlite"
    measures, filters, build = PutLite.measures, PutLite.filters, PutLite.build
    rule, rules = PutLite.rule, PutLite.rules


@pytest.mark.parametrize("bot", ["condor", "putlite"])
@pytest.mark.parametrize("end", [("16:00", 600.5), ("12:30", 593.0)])
def test_bot_restarted_at_every_event_makes_the_same_trades(bot: str, end: tuple[str, float]) -> None:
    bars = two_days((*RANGE, ("11:30", 600.2), end), later_wiggle=0.00002)
    roster = {"condor": Keeps, "putlite": KeepsPutLite}

    plain, _ = perform(bot, bars)
    restarted, strategy = perform(bot, bars, roster=roster)

    assert len(plain.journal.trades) == 1
    assert len(strategy.texts) > 3
    for name in ("trades", "orders", "fills", "halts"):
        assert repr(getattr(plain.journal, name)) == repr(getattr(restarted.journal, name)), name


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"stage": "ajar"},
        {"entered": "yesterday"},
        {"intent": {}},
        {"levels": [{"combo": {}, "take": "1", "stop": "2"}]},
    ],
)
def test_unreadable_ticket_is_one_line_and_no_forgotten_trade(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="kept") as caught:
        ticket_from_json(json.dumps(written() | change), UNIVERSE, ("XSP",))
    assert "\n" not in str(caught.value)


def test_ticket_of_a_symbol_no_longer_traded_names_the_way_out() -> None:
    with pytest.raises(DataError, match="mw flatten"):
        ticket_from_json(json.dumps(written()), UNIVERSE, ("SPY",))


def test_references_go_on_counting_after_a_restart() -> None:
    first, _ = perform("condor", two_days(QUIET))
    numbers = [trade.trade_id for trade in first.journal.trades]

    again, _ = perform(
        "condor", two_days(QUIET), state=replace(DayState.fresh(FRIDAY), trades=first.state.trades)
    )

    assert min(trade.trade_id for trade in again.journal.trades) > max(numbers)
    refs = [event.order_ref for desk in (first, again) for event in desk.journal.orders]
    assert not set(refs[: len(first.journal.orders)]) & set(refs[len(first.journal.orders) :])
