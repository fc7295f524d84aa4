"""The broker bar by bar: a few commented quotes in, expected events out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import backtrader as bt
import pytest

from engine.broker.option_broker import NEVER
from engine.errors import OrderError
from engine.execution.settings import ExecutionSettings
from engine.intent import Urgency
from engine.journal.records import Fill, OrderEvent
from engine.options.combo import Combo, covered, put_spread, shares, single
from engine.options.contract import Right, Stock
from feeds.lines import ArrayFeed
from tests.broker.stage import CASH, NEXT_DAY, Stage, tape
from tests.execution.market import DAY, NAN, SPREAD, SPY, XSP, Table, TableBook, call, intent, put

SHORT, LONG = put(XSP, 600), put(XSP, 599)
# the spread: bought at -0.21 at once, at -0.24 in the middle, sold at -0.27
STILL: Table = {SHORT: (0.50, 0.54), LONG: (0.27, 0.29)}


def stage(
    table: Table | None = None,
    bars: int = 12,
    size: int | Sequence[int] = 1000,
    settings: ExecutionSettings | None = None,
    cash: float = CASH,
) -> Stage:
    return Stage(TableBook(table or STILL, size=size), tape({"XSP": [603.0] * bars}), settings, cash)


# the life of an order -----------------------------------------------------------------


def test_order_never_fills_on_the_bar_it_was_sent() -> None:
    on = stage()
    on.send()
    assert not on.journal.fills
    on.play()
    assert [fill.at for fill in on.journal.fills] == [on.tape.at(1)] * 2


def test_order_does_not_fill_when_the_loop_comes_twice_to_its_bar() -> None:
    on = stage()
    on.send()
    on.broker.next()
    assert not on.journal.fills


def test_entry_concedes_step_by_step_and_fills_at_the_natural_price() -> None:
    on = stage()
    on.send(urgency=Urgency.ENTRY)
    on.play(5)
    # limits: bar 1 -0.24, 2 -0.23, 3 -0.22, 4 -0.21 (mid + 3/4 of the way, rounded up): natural, fills
    assert on.owner.states == ["conceded", "conceded", "conceded", "filled"]
    assert [round(event.limit, 2) for event in on.owner.events] == [-0.23, -0.22, -0.21, -0.21]
    assert on.owner.fills[0].combo_price == pytest.approx(-0.21)
    assert on.owner.fills[0].mid == pytest.approx(-0.24)


def test_journal_opens_with_working_and_shows_every_state() -> None:
    on = stage()
    sent = on.send(urgency=Urgency.ENTRY)
    on.play(5)
    states = [event.state for event in on.journal.orders]
    assert states == ["working", *on.owner.states]
    assert {event.order_ref for event in on.journal.orders} == {sent.ref}


def test_entry_times_out_while_the_market_stays_away() -> None:
    away = [(0.50, 0.54)] + [(0.45, 0.49)] * 11  # the credit falls by five cents at once
    on = stage({SHORT: away, LONG: (0.27, 0.29)})
    on.send(urgency=Urgency.ENTRY)
    on.finish()
    assert on.owner.states[-1] == "timed_out"
    assert on.owner.events[-1].at == on.tape.at(6)
    assert not on.broker.busy
    assert on.broker.funds() == CASH


def test_exit_concedes_until_it_fills_long_after_an_entry_would_have_timed_out() -> None:
    falling = [(0.50 + 0.05 * n, 0.54 + 0.05 * n) for n in range(11)]  # runs away for ten bars, then stands
    on = stage({SHORT: [(0.50, 0.54)] * 2 + falling + [(1.0, 1.04)] * 3, LONG: (0.27, 0.29)}, bars=20)
    on.send()
    on.play()
    on.send(buy=False, urgency=Urgency.EXIT, of=intent())
    on.finish()
    assert on.owner.states[-1] == "filled"
    assert on.owner.events[-1].at > on.tape.at(8)
    assert not on.broker.busy


def test_partial_fills_go_by_the_size_quoted_and_the_rest_times_out() -> None:
    on = stage(size=[2, 2, 1] + [0] * 9)
    on.send(quantity=5, urgency=Urgency.ENTRY, of=intent(quantity=5))
    on.play(3)
    assert not on.owner.fills  # conceding from mid
    on.finish()
    assert on.owner.states[-1] == "timed_out"

    on = stage(size=[2, 2, 1] + [0] * 9, settings=ExecutionSettings(entry_fraction_start=1.0))
    on.send(quantity=5, urgency=Urgency.ENTRY, of=intent(quantity=5))
    on.play(7)
    assert on.owner.states == ["partly_filled", "partly_filled", "timed_out"]
    assert on.owner.units == [2, 1, 0]
    assert (on.owner.events[-1].filled, on.owner.events[-1].remaining) == (3, 2)


def test_fees_of_parts_add_up_to_those_of_one_order() -> None:
    one = stage(settings=ExecutionSettings(entry_fraction_start=1.0))
    parts = stage(settings=ExecutionSettings(entry_fraction_start=1.0), size=1)
    for on in (one, parts):
        on.send(quantity=3, urgency=Urgency.ENTRY, of=intent(quantity=3))
        on.play(4)
    assert len(parts.journal.fills) == 6
    assert sum(fill.fees for fill in parts.journal.fills) == pytest.approx(
        sum(fill.fees for fill in one.journal.fills)
    )
    assert parts.broker.getcash() == one.broker.getcash()


def test_cancellation_comes_before_the_fill_of_the_next_bar() -> None:
    on = stage()
    sent = on.send()
    on.broker.cancel(sent.ref)
    on.play()
    assert on.owner.states == ["cancelled"]
    assert not on.journal.fills
    assert not on.broker.busy


def test_cancelling_what_has_ended_does_nothing() -> None:
    on = stage()
    sent = on.send()
    on.play()
    on.broker.cancel(sent.ref)
    on.play(2)
    assert on.owner.states == ["filled"]


def test_cancelling_what_was_never_sent_is_an_error() -> None:
    with pytest.raises(OrderError, match="never sent"):
        stage().broker.cancel("nothing/1")


def test_reference_used_twice_is_an_error() -> None:
    on = stage()
    sent = on.send()
    with pytest.raises(OrderError, match="twice"):
        on.broker.submit(sent, on.owner)


def test_order_sent_from_an_answer_waits_for_its_own_next_bar() -> None:
    on = stage()

    def close(event: OrderEvent) -> None:
        if event.state == "filled" and on.broker.busy:
            on.send(buy=False, of=intent())

    on.owner.answer = close
    on.send()
    on.play(2)
    assert on.owner.states == ["filled", "filled"]
    assert [event.at for event in on.owner.events] == [on.tape.at(1), on.tape.at(2)]


def test_entry_still_working_at_the_close_ends_with_the_day() -> None:
    away: Table = {SHORT: [(0.50, 0.54)] + [(0.45, 0.49)] * 3, LONG: (0.27, 0.29)}
    on = stage(away, bars=4)
    on.send(urgency=Urgency.ENTRY)
    on.finish()
    assert on.owner.states[-1] == "timed_out"
    assert on.owner.events[-1].at == on.tape.at(3)


def test_entry_sent_on_the_last_bar_does_not_fill_the_next_morning() -> None:
    over = tape({"XSP": [603.0] * 6}, (DAY, NEXT_DAY))
    on = Stage(TableBook(STILL), over, ExecutionSettings(entry_fraction_start=1.0))
    on.play(2)
    on.send(urgency=Urgency.ENTRY)
    on.play()
    assert on.owner.states == ["timed_out"]
    assert not on.journal.fills


def test_buying_without_an_ask_is_rejected_on_the_next_bar() -> None:
    on = stage({SHORT: (NAN, 0.02), LONG: (NAN, 0.01)})
    on.send()
    assert not on.owner.events
    on.play()
    assert (on.owner.states, on.owner.events[0].reason) == (["rejected"], "no ask to buy at")
    assert [event.state for event in on.journal.orders] == ["rejected"]
    assert not on.broker.busy


def test_selling_more_than_the_trade_holds_is_rejected() -> None:
    on = stage()
    on.send()
    on.play()
    on.send(quantity=2, buy=False, of=intent())
    on.play()
    assert on.owner.states == ["filled", "rejected"]
    assert on.owner.events[-1].reason == f"sells -2 {SHORT}, the trade holds -1"


def test_selling_another_trades_units_is_rejected() -> None:
    on = stage()
    on.send()
    on.play()
    on.send(buy=False, of=intent(ref="condor-20261005-2"))
    on.play()
    assert on.owner.states[-1] == "rejected"


# money --------------------------------------------------------------------------------


def test_round_trip_books_every_cent() -> None:
    on = stage()
    on.send()
    on.play()
    # sold at 0.50, wing bought at 0.29: 21.00 USD; fees 1.30 + 0.05 + 0.0563 + 0.00329
    assert on.broker.getcash() == pytest.approx(CASH + 21.00 - 1.41)
    assert [(fill.instrument, fill.quantity, fill.price) for fill in on.owner.fills] == [
        pytest.approx((str(SHORT), -1, 0.50)),
        pytest.approx((str(LONG), 1, 0.29)),
    ]
    on.send(buy=False, of=intent())
    on.play()
    assert on.broker.getcash() == pytest.approx(CASH + 21.00 - 27.00 - 2 * 1.41)
    assert on.cents() == round(on.broker.getcash() * 100)
    assert not on.broker.busy


def test_equity_stands_at_mid_and_falls_by_half_the_spread_and_fees() -> None:
    on = stage()
    on.send()
    on.play()
    assert on.broker.equity == pytest.approx(CASH + 21.00 - 1.41 - 24.00)
    assert on.broker.getvalue() == on.broker.equity


def test_fill_without_an_ask_still_knows_its_mid() -> None:
    on = stage({SHORT: [(0.50, 0.54)] * 2 + [(NAN, 0.02)], LONG: [(0.27, 0.29)] * 2 + [(NAN, 0.01)]})
    on.send()
    on.play()
    on.send(buy=False, of=intent())
    on.play()
    closing = on.owner.fills[-1]
    assert closing.combo_price == pytest.approx(-0.02)
    assert closing.mid == pytest.approx(-0.005)


# funds --------------------------------------------------------------------------------


def test_working_entry_binds_its_margin_at_once() -> None:
    on = stage()
    on.send()
    assert on.broker.funds() == pytest.approx(CASH - 79.00)  # 100 wide less 21 of credit


def test_open_spread_binds_width_less_credit_and_its_fees() -> None:
    on = stage()
    on.send()
    on.play()
    assert on.broker.funds() == pytest.approx(CASH - 79.00)
    on.send(buy=False, of=intent())
    on.play()
    assert on.broker.funds() == pytest.approx(on.broker.getcash())


def test_partly_filled_entry_binds_only_what_it_opened() -> None:
    on = stage(size=[2, 2] + [0] * 10, settings=ExecutionSettings(entry_fraction_start=1.0))
    on.send(quantity=5, urgency=Urgency.ENTRY, of=intent(quantity=5))
    on.play()
    assert on.broker.funds() == pytest.approx(CASH - 5 * 79.00)
    on.play(6)
    assert on.owner.states[-1] == "timed_out"
    assert on.broker.funds() == pytest.approx(CASH - 2 * 79.00)


def test_entry_without_the_margin_is_rejected_and_binds_nothing() -> None:
    on = stage(cash=100.0)
    on.send(quantity=2, of=intent(quantity=2))
    on.play()
    assert on.owner.events[0].reason == "margin 158.00 USD, funds 100.00 USD"
    assert on.broker.funds() == 100.0


def test_two_entries_share_the_same_funds() -> None:
    on = stage(cash=150.0)
    on.send()
    on.send(of=intent(ref="condor-20261005-2"))
    on.play()
    assert sorted(on.owner.states) == ["filled", "rejected"]


def test_shares_bind_half_their_value() -> None:
    collar = covered(SPY, DAY, 200, 1, 605.0, 595.0)
    table: Table = {Stock(SPY): (600.00, 600.02), call(SPY, 605): (1.00, 1.02), put(SPY, 595): (1.00, 1.02)}
    on = Stage(TableBook(table), tape({"SPY": [600.0] * 12}))
    whole = intent(collar)
    quote = on.book.quote(collar)
    assert quote is not None
    on.send(put_and_shares := collar_first(collar), of=whole)
    assert on.broker.funds() == pytest.approx(CASH - collar.margin(quote.ask))
    on.play()
    assert on.owner.states == ["filled"]
    assert put_and_shares.shares == 200
    assert 85_000 < on.broker.funds() < 95_000


def collar_first(collar: Combo) -> Combo:
    legs = tuple(leg for leg in collar.legs if leg.ratio > 0)
    return type(collar)(legs, "protected_shares")


# two steps ----------------------------------------------------------------------------


def test_buy_write_opens_and_closes_in_steps() -> None:
    table: Table = {Stock(SPY): (600.00, 600.02), call(SPY, 605): (1.00, 1.02), put(SPY, 595): (1.00, 1.02)}
    on = Stage(TableBook(table), tape({"SPY": [600.0] * 12}))
    collar = covered(SPY, DAY, 200, 1, 605.0, 595.0)
    whole, first = intent(collar), collar_first(collar)
    second = single(SPY, DAY, 605.0, Right.CALL, -1)
    for combo, buy in ((first, True), (second, True), (second, False), (first, False)):
        on.send(combo, buy=buy, of=whole)
        on.play()
    assert on.owner.states == ["filled"] * 4
    assert not on.broker.busy
    # spreads given up: 200 x 0.02 + 2 x 2.00 + 1 x 2.00, the rest fees
    fees = sum(fill.fees for fill in on.owner.fills)
    assert on.broker.getcash() == pytest.approx(CASH - 10.00 - fees)
    assert on.broker.funds() == on.broker.getcash()


# waking -------------------------------------------------------------------------------


def test_broker_sleeps_without_orders_and_positions() -> None:
    assert stage().broker.wake(0) == NEVER


def test_broker_wants_the_next_bar_while_an_order_works() -> None:
    on = stage()
    on.send()
    assert on.broker.wake(0) == 1


def test_broker_wants_the_settlement_bar_while_options_are_held() -> None:
    on = stage()
    on.send()
    on.play()
    assert on.broker.wake(1) == 11
    on.send(buy=False, of=intent())
    on.play()
    assert on.broker.wake(2) == NEVER


def test_jumping_to_the_bars_asked_for_gives_the_same_journal() -> None:
    def run(jump: bool) -> Stage:
        on = stage(bars=60)
        on.send(urgency=Urgency.ENTRY)
        while on.bar < 59:
            if jump:
                on.jump(min(on.broker.wake(on.bar), 59))
            else:
                on.play()
        return on

    slow, fast = run(False), run(True)
    assert slow.journal.orders == fast.journal.orders
    assert slow.journal.fills == fast.journal.fills
    assert slow.owner.states[-1] == "settled"
    assert len(fast.book.moves) < len(slow.book.moves)


def test_idle_bar_only_moves_the_book() -> None:
    on = stage()
    on.play(5)
    assert on.book.moves == [0, 1, 2, 3, 4, 5]
    assert (on.journal.orders, on.journal.fills) == ([], [])


# under Backtrader ----------------------------------------------------------------------


class OneSpread(bt.Strategy):  # type: ignore[misc]
    """Open the spread on bar 2 and close it on bar 8, through the broker of a real loop."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def on_order(self, event: OrderEvent, fills: tuple[Fill, ...], units: int) -> None:
        self.states.append(event.state)

    def next(self) -> None:
        bar = len(self.data) - 1
        if bar in (2, 8):
            from engine.intent import Order

            whole = intent(SPREAD)
            one = Order(f"{whole.order_ref}/{bar}", whole, SPREAD, 1, bar == 2, Urgency.URGENT, whole.at)
            self.broker.submit(one, self)


def test_stock_loop_of_backtrader_drives_the_broker() -> None:
    over = tape({"XSP": [603.0] * 12})
    on = Stage(TableBook(STILL), over)
    cerebro = bt.Cerebro(stdstats=False)
    feed = ArrayFeed(bars=over.bars["XSP"])
    cerebro.adddata(feed)
    cerebro.setbroker(on.broker)
    on.broker.attach(feed)
    cerebro.addstrategy(OneSpread)
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="drawdown")
    (strategy,) = cerebro.run()
    assert strategy.states == ["filled", "filled"]
    assert strategy.broker.getcash() == pytest.approx(CASH - 6.00 - 2 * 1.41)
    assert strategy.analyzers.drawdown.get_analysis().max.moneydown == pytest.approx(6.00 + 2 * 1.41)


def test_orders_past_the_desk_are_refused() -> None:
    with pytest.raises(OrderError, match="expected one through the desk"):
        stage().broker.buy(None, None, 1)


def test_position_of_a_feed_counts_its_shares() -> None:
    on = Stage(TableBook({Stock(SPY): (600.00, 600.02)}), tape({"SPY": [600.0] * 12}))
    on.send(shares(SPY, 200))
    on.play()
    feed = ArrayFeed(bars=on.tape.bars["SPY"])
    position = on.broker.getposition(feed)
    assert (position.size, position.price) == (200, pytest.approx(600.02))


def test_assumptions_name_fills_fees_and_settlement() -> None:
    text = " ".join(stage().broker.assumptions())
    for words in ("next bar's quotes", "USD a contract", "intrinsic value", "early assignment"):
        assert words in text


def test_naked_option_binds_the_dear_side_of_regulation_t() -> None:
    on = stage()
    naked = single(XSP, DAY, 600.0, Right.PUT, -1)
    on.send(naked)
    assert on.broker.funds() == pytest.approx(CASH - (0.15 * 600 * 100 - 50.0))
    assert not math.isinf(on.broker.funds())


def test_wider_spread_of_the_same_legs_is_another_combo() -> None:
    on = stage({SHORT: (0.50, 0.54), LONG: (0.27, 0.29), put(XSP, 598): (0.10, 0.12)})
    wide = put_spread(XSP, DAY, 600.0, 598.0)
    on.send(wide)
    on.play()
    assert on.broker.funds() == pytest.approx(CASH - (200.0 - 38.0))
