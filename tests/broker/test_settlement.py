"""What becomes of positions nobody closed: cash, exercise, assignment, dividends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker import settlement
from engine.broker.agenda import NEVER, Agenda
from engine.intent import Urgency
from engine.options.combo import Combo, call_spread, covered, put_spread, short_put, single
from engine.options.contract import Right, Stock
from tests.broker.stage import CASH, NEXT_DAY, Stage, tape
from tests.execution.market import DAY, NAN, SPX, SPX_AM, SPY, XSP, Side, Table, TableBook, call, intent, put

BARS = 6
Dividends = Sequence[tuple[str, date, float]]


def hold(
    combo: Combo,
    table: Table,
    closes: list[float],
    days: tuple[date, ...] = (DAY,),
    quantity: int = 1,
    opens: list[float] | None = None,
    dividends: Dividends = (),
) -> Stage:
    """Return a stage on which the combo was bought on bar 1, played to the end of its tape."""
    prices = {combo.symbol: closes}
    on = Stage(TableBook(table), tape(prices, days, opens), dividends=dividends)
    on.send(combo, quantity, of=intent(combo, quantity))
    on.finish()
    return on


def settled(on: Stage) -> tuple[str, float]:
    """Return the last event's state and what its fills brought before fees, USD."""
    event = on.owner.events[-1]
    fills = [fill for fill in on.owner.fills if fill.order_ref == event.order_ref]
    return event.state, -sum(fill.price * fill.quantity * fill.multiplier for fill in fills)


XSP_TABLE: Table = {put(XSP, 600): (0.50, 0.54), put(XSP, 599): (0.27, 0.29)}


# cash -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("close", "usd"),
    [
        (601.00, 0.0),  # both worthless
        (600.00, 0.0),  # at the money is worthless
        (599.60, -40.0),  # between the strikes
        (599.00, -100.0),
        (590.00, -100.0),  # never more than the width
    ],
)
def test_cash_spread_pays_its_intrinsic_value_at_the_last_price(close: float, usd: float) -> None:
    on = hold(put_spread(XSP, DAY, 600, 599), XSP_TABLE, [601.0] * 5 + [close])
    assert settled(on) == pytest.approx(("settled", usd))
    assert on.owner.events[-1].order_ref == intent().order_ref
    assert on.owner.events[-1].at == on.tape.at(5)
    assert on.broker.getcash() == pytest.approx(CASH + 21.00 - 1.41 + usd)
    assert on.broker.funds() == on.broker.getcash()
    assert not on.broker.busy


def test_settlement_is_free_and_its_fills_say_so() -> None:
    on = hold(put_spread(XSP, DAY, 600, 599), XSP_TABLE, [601.0] * 5 + [599.6])
    ends = [fill for fill in on.journal.fills if not fill.opening]
    assert [(fill.instrument, fill.quantity, fill.price, fill.fees) for fill in ends] == [
        (str(put(XSP, 600)), 1, pytest.approx(0.40), 0.0),
        (str(put(XSP, 599)), -1, 0.0, 0.0),
    ]
    assert ends[0].combo_price == pytest.approx(-0.40)
    assert len({fill.exec_id for fill in on.journal.fills}) == 4


def test_am_series_settles_on_the_open_of_its_day() -> None:
    spread = put_spread(SPX_AM, NEXT_DAY, 6000, 5995)
    table: Table = {put(SPX_AM, 6000, NEXT_DAY): (20.0, 20.2), put(SPX_AM, 5995, NEXT_DAY): (18.0, 18.2)}
    closes = [6010.0] * 3 + [6020.0] * 3
    opens = [6010.0] * 3 + [5998.0] + [6020.0] * 2
    on = hold(spread, table, closes, (DAY, NEXT_DAY), opens=opens)
    assert settled(on) == pytest.approx(("settled", -200.0))
    assert on.owner.events[-1].at == on.tape.at(3)


def test_pm_series_of_tomorrow_settles_on_tomorrows_close() -> None:
    spread = put_spread(SPX, NEXT_DAY, 6000, 5995)
    table: Table = {put(SPX, 6000, NEXT_DAY): (20.0, 20.2), put(SPX, 5995, NEXT_DAY): (18.0, 18.2)}
    on = hold(spread, table, [6010.0] * 3 + [5990.0, 5990.0, 5999.0], (DAY, NEXT_DAY))
    assert settled(on) == pytest.approx(("settled", -100.0))
    assert on.owner.events[-1].at == on.tape.at(5)


def test_expiry_after_the_tape_stays_open() -> None:
    spread = put_spread(XSP, NEXT_DAY, 600, 599)
    table: Table = {put(XSP, 600, NEXT_DAY): (0.5, 0.54), put(XSP, 599, NEXT_DAY): (0.27, 0.29)}
    on = hold(spread, table, [601.0] * BARS)
    assert on.owner.states == ["filled"]
    assert on.broker.busy
    assert on.broker.wake(5) == NEVER


def test_day_missing_from_the_tape_settles_on_the_next_bar_there_is() -> None:
    third = date(2026, 10, 7)
    spread = put_spread(XSP, NEXT_DAY, 600, 599)
    table: Table = {put(XSP, 600, NEXT_DAY): (0.5, 0.54), put(XSP, 599, NEXT_DAY): (0.27, 0.29)}
    on = hold(spread, table, [601.0] * 3 + [599.5] * 3, (DAY, third))
    assert settled(on) == pytest.approx(("settled", -50.0))
    assert on.owner.events[-1].at == on.tape.at(3)


def test_working_exit_ends_with_the_position_and_only_the_settlement_is_told() -> None:
    on = Stage(TableBook(XSP_TABLE, size=[1000, 1000] + [0] * 9), tape({"XSP": [601.0] * BARS}))
    on.send(put_spread(XSP, DAY, 600, 599))
    on.play()
    leaving = on.send(buy=False, urgency=Urgency.EXIT, of=intent())
    on.finish()
    assert on.owner.states[-1] == "settled"
    assert "cancelled" not in on.owner.states
    last = [event for event in on.journal.orders if event.order_ref == leaving.ref][-1]
    assert (last.state, last.reason) == ("cancelled", "settled")
    assert not on.broker.busy


# shares ---------------------------------------------------------------------------------

SPY_TABLE: Table = {
    Stock(SPY): (600.00, 600.02),
    call(SPY, 605): (1.00, 1.02),
    call(SPY, 606): (0.60, 0.62),
    put(SPY, 595): (1.00, 1.02),
    put(SPY, 594): (0.70, 0.72),
}


def test_short_call_in_the_money_takes_the_shares_it_was_written_on() -> None:
    combo = covered(SPY, DAY, 100, 1, 605.0)
    on = hold(combo, SPY_TABLE, [600.0] * 5 + [607.0])
    assert settled(on) == pytest.approx(("assigned", 60_500.0))
    shares = [fill for fill in on.journal.fills if fill.instrument == "SPY" and not fill.opening]
    assert [(fill.quantity, fill.price, fill.fees) for fill in shares] == [(-100, 605.0, 0.0)]
    assert not on.broker.busy


def test_shares_beyond_the_call_are_sold_at_the_close_less_half_the_spread() -> None:
    combo = covered(SPY, DAY, 200, 1, 605.0)
    on = hold(combo, SPY_TABLE, [600.0] * 5 + [607.0])
    state, usd = settled(on)
    assert (state, usd) == pytest.approx(("assigned", 60_500.0 + 100 * 606.99))
    sale = [fill for fill in on.journal.fills if fill.instrument == "SPY"][-1]
    assert (sale.quantity, sale.price) == pytest.approx((-100, 606.99))
    assert sum(fill.fees for fill in on.journal.fills if not fill.opening) == pytest.approx(
        round(1.0 + 100 * 0.000195 + 60_699 * 20.6e-6, 2)
    )


def test_collar_below_its_put_exercises_it() -> None:
    combo = covered(SPY, DAY, 200, 1, 605.0, 595.0)
    on = hold(combo, SPY_TABLE, [600.0] * 5 + [580.0])
    assert settled(on) == pytest.approx(("settled", 200 * 595.0))
    assert not on.broker.busy


def test_collar_between_its_strikes_sells_the_shares() -> None:
    combo = covered(SPY, DAY, 200, 1, 605.0, 595.0)
    on = hold(combo, SPY_TABLE, [600.0] * 6)
    assert settled(on) == pytest.approx(("settled", 200 * 599.99))


def test_short_put_assigned_sells_the_shares_it_is_given() -> None:
    on = hold(short_put(SPY, DAY, 595.0), SPY_TABLE, [600.0] * 5 + [590.0])
    assert settled(on) == pytest.approx(("assigned", -59_500.0 + 58_999.0))


def test_spread_with_both_legs_in_the_money_nets_its_shares() -> None:
    on = hold(put_spread(SPY, DAY, 595, 594), SPY_TABLE, [600.0] * 5 + [590.0])
    assert settled(on) == pytest.approx(("assigned", -100.0))
    assert all(fill.fees == 0 for fill in on.journal.fills if not fill.opening)


def test_spread_between_its_strikes_leaves_shares_that_are_sold() -> None:
    on = hold(put_spread(SPY, DAY, 595, 594), SPY_TABLE, [600.0] * 5 + [594.5])
    assert settled(on) == pytest.approx(("assigned", -59_500.0 + 59_449.0))


def test_call_spread_between_its_strikes_buys_back_the_short_shares() -> None:
    on = hold(call_spread(SPY, DAY, 605, 606), SPY_TABLE, [600.0] * 5 + [605.5])
    assert settled(on) == pytest.approx(("assigned", 60_500.0 - 60_551.0))


@pytest.mark.parametrize(("close", "state"), [(605.00, "settled"), (605.01, "assigned")])
def test_assignment_begins_one_cent_in_the_money(close: float, state: str) -> None:
    on = hold(covered(SPY, DAY, 100, 1, 605.0), SPY_TABLE, [600.0] * 5 + [close])
    assert settled(on)[0] == state


def test_long_call_in_the_money_is_exercised_and_its_shares_sold() -> None:
    on = hold(single(SPY, DAY, 605.0, Right.CALL), SPY_TABLE, [600.0] * 5 + [607.0])
    assert settled(on) == pytest.approx(("settled", 199.0))


# early assignment -------------------------------------------------------------------------

LATER = date(2026, 10, 7)
CALL = call(SPY, 595, LATER)


def early(side: tuple[float, float], dividends: Dividends, spot: float = 600.0) -> Stage:
    combo = covered(SPY, LATER, 100, 1, 595.0)
    table: Table = {Stock(SPY): (spot, spot + 0.02), CALL: side}
    return hold(combo, table, [spot] * BARS, (DAY, NEXT_DAY), dividends=dividends)


EX_TOMORROW = [("SPY", NEXT_DAY, 1.75)]


def test_call_with_less_time_value_than_the_dividend_is_called_away_the_evening_before() -> None:
    on = early((5.40, 5.60), EX_TOMORROW)  # time value 0.50 against 1.75
    assert settled(on) == pytest.approx(("assigned", 59_500.0))
    assert on.owner.events[-1].at == on.tape.at(2)  # last bar of the first day
    assert not on.broker.busy


@pytest.mark.parametrize(
    ("side", "spot", "dividends"),
    [
        ((7.00, 7.20), 600.0, EX_TOMORROW),  # time value 2.10 is more than the dividend
        ((0.40, 0.60), 594.0, EX_TOMORROW),  # out of the money
        ((5.40, 5.60), 600.0, [("QQQ", NEXT_DAY, 1.75)]),  # another share's dividend
        ((5.40, 5.60), 600.0, [("SPY", DAY, 1.75)]),  # already past
        ((5.40, 5.60), 600.0, [("SPY", date(2026, 10, 8), 1.75)]),  # after the expiry
        ((5.40, 5.60), 600.0, []),
    ],
    ids=["time value", "out of the money", "other share", "past", "after expiry", "none known"],
)
def test_call_is_kept_otherwise(side: tuple[float, float], spot: float, dividends: Dividends) -> None:
    on = early(side, dividends, spot)
    assert on.owner.states == ["filled"]


def test_call_sold_after_the_ex_dividend_day_is_kept() -> None:
    table: Table = {Stock(SPY): (600.0, 600.02), CALL: (5.40, 5.60)}
    over = tape({"SPY": [600.0] * BARS}, (DAY, NEXT_DAY))
    on = Stage(TableBook(table), over, dividends=EX_TOMORROW)
    on.play(3)
    on.send(covered(SPY, LATER, 100, 1, 595.0))
    on.finish()
    assert on.owner.states == ["filled"]


def test_the_long_put_of_a_called_collar_is_sold_at_its_bid() -> None:
    combo = covered(SPY, LATER, 100, 1, 595.0, 590.0)
    table: Table = {Stock(SPY): (600.0, 600.02), CALL: (5.40, 5.60), put(SPY, 590, LATER): (0.30, 0.34)}
    on = hold(combo, table, [600.0] * BARS, (DAY, NEXT_DAY), dividends=EX_TOMORROW)
    assert settled(on) == pytest.approx(("assigned", 59_500.0 + 30.0))


def test_european_call_is_never_called_away() -> None:
    combo = call_spread(XSP, LATER, 595, 610)
    table: Table = {call(XSP, 595, LATER): (5.4, 5.6), call(XSP, 610, LATER): (NAN, 0.01)}
    on = hold(combo, table, [600.0] * BARS, (DAY, NEXT_DAY), dividends=[("XSP", NEXT_DAY, 1.75)])
    assert on.owner.states == ["filled"]


def test_long_call_is_not_called_away() -> None:
    on = hold(
        single(SPY, LATER, 595.0, Right.CALL),
        {CALL: (5.4, 5.6)},
        [600.0] * BARS,
        (DAY, NEXT_DAY),
        dividends=EX_TOMORROW,
    )
    assert on.owner.states == ["filled"]


def test_ex_day_beyond_the_tape_is_left_to_the_future() -> None:
    agenda = Agenda(tape({"SPY": [600.0] * 3}), [("SPY", NEXT_DAY, 1.75)])
    agenda.expect("a", single(SPY, LATER, 595.0, Right.CALL, -1), 0)
    assert agenda.due == NEVER


# laws -------------------------------------------------------------------------------------


@given(st.integers(58_000, 62_000), st.integers(0, 40), st.integers(1, 30), st.booleans())
def test_physical_spread_ends_within_a_share_spread_of_its_payoff(
    spot: int, low: int, width: int, calls: bool
) -> None:
    strike = 580.0 + low
    build = call_spread if calls else put_spread
    near, far = (strike, strike + width) if calls else (strike + width, strike)
    combo = build(SPY, DAY, near, far)
    held = {leg.instrument: leg.ratio for leg in combo.legs}
    ends = settlement.expire(
        held, [option for option, _ in combo.options], spot / 100, lambda _: (599.99, 600.01)
    )
    left = dict(held)
    for end in ends:
        left[end.instrument] = left.get(end.instrument, 0) + end.quantity
    assert not any(left.values())
    usd = -sum(end.price * end.quantity * end.instrument.multiplier for end in ends)
    owed = float(combo.payoff(spot / 100)) * 100
    assert owed - 1.0 - 1e-6 <= usd <= owed + 1e-6


@pytest.mark.parametrize(
    ("side", "held", "price"),
    [
        ((0.40, 0.44), 1, 0.40),
        ((0.40, 0.44), -1, 0.44),
        ((NAN, 0.05), 1, 0.0),  # nobody bids: it is given away
        ((0.0, 0.05), 1, 0.0),
        (None, 1, 1.25),  # nobody quotes: what it would be worth now
        (None, -1, 1.25),
    ],
)
def test_option_that_lives_on_is_closed_at_what_the_market_gives(
    side: Side | None, held: int, price: float
) -> None:
    ending, later = put(XSP, 600), put(XSP, 601.25, NEXT_DAY)
    ends = settlement.expire({ending: -1, later: held}, [ending], 600.0, lambda _: side)
    (closing,) = [one for one in ends if one.instrument == later]
    assert (closing.quantity, closing.price, closing.traded) == (-held, price, True)


def test_shares_that_exercise_brings_pay_no_fee_but_their_sale_does() -> None:
    ends = settlement.expire({put(SPY, 600): -1}, [put(SPY, 600)], 590.0, lambda _: (589.99, 590.01))
    told = [(str(one.instrument), one.quantity, one.traded) for one in ends]
    assert told == [(str(put(SPY, 600)), 1, False), ("SPY", 100, False), ("SPY", -100, True)]
