"""The ledger balances after every event, whatever the events are."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.broker.ledger import Ledger, Posting, cents
from engine.errors import LedgerError
from engine.options.contract import Instrument, Stock
from tests.execution.market import SPY, XSP, call, put

SHORT, LONG = put(XSP, 600), put(XSP, 599)


def test_credit_spread_won_whole() -> None:
    ledger = Ledger(15_000_000)
    ledger.book("a", [Posting(SHORT, -1, 3000), Posting(LONG, 1, -1000)], 140)
    assert (ledger.cash, ledger.cost, ledger.realised) == (15_001_860, -2000, 0)
    taken = ledger.book("a", [Posting(SHORT, 1, 0), Posting(LONG, -1, 0)])
    assert (taken, ledger.cash, ledger.cost, ledger.fees) == (2000, 15_001_860, 0, 140)
    assert not ledger.holdings


def test_closing_a_part_takes_its_share_of_the_cost() -> None:
    ledger = Ledger(0)
    ledger.book("a", [Posting(LONG, 3, -100)])
    assert ledger.book("a", [Posting(LONG, -1, 50)]) == 17  # a third of 100 is 33
    assert ledger.book("a", [Posting(LONG, -2, 100)]) == 33  # the cent that did not divide stayed: 67
    assert ledger.cash == 50


def test_going_through_zero_closes_and_opens() -> None:
    ledger = Ledger(0)
    ledger.book("a", [Posting(LONG, 2, -200)])
    assert ledger.book("a", [Posting(LONG, -3, 450)]) == 100
    assert ledger.held("a", LONG) == -1
    assert ledger.cost == -150


def test_trades_are_kept_apart() -> None:
    ledger = Ledger(0)
    ledger.book("a", [Posting(LONG, 1, -100)])
    ledger.book("b", [Posting(LONG, -1, 150)])
    assert (ledger.held("a", LONG), ledger.held("b", LONG), ledger.realised) == (1, -1, 0)


@pytest.mark.parametrize(
    ("postings", "fees", "message"),
    [
        ([Posting(LONG, 1, -100.0)], 0, r"cash is -100\.0, expected a whole number"),  # type: ignore[arg-type]
        ([Posting(LONG, True, -100)], 0, "quantity is True, expected a whole number"),
        ([Posting(LONG, 1, -100)], 0.5, r"fees is 0\.5, expected a whole number"),
        ([Posting(LONG, 1, -100)], -1, "fees are -1 cents, expected 0 or more"),
    ],
)
def test_amount_that_cannot_be_booked_changes_nothing(
    postings: list[Posting], fees: float, message: str
) -> None:
    ledger = Ledger(1000)
    with pytest.raises(LedgerError, match=message):
        ledger.book("a", postings, fees)  # type: ignore[arg-type]  # half a cent is what is refused
    assert (ledger.cash, ledger.holdings) == (1000, {})


@pytest.mark.parametrize("field", ["cash", "fees", "realised"])
def test_tampered_book_is_found_out(field: str) -> None:
    ledger = Ledger(1000)
    ledger.book("a", [Posting(LONG, 1, -100)], 5)
    setattr(ledger, field, getattr(ledger, field) + 1)
    with pytest.raises(LedgerError, match="cents, expected"):
        ledger.check()


@pytest.mark.parametrize("usd", [float("nan"), float("inf")])
def test_amount_that_is_no_number_is_refused(usd: float) -> None:
    with pytest.raises(LedgerError, match="cannot be booked"):
        cents(usd)


INSTRUMENTS = [SHORT, LONG, call(SPY, 600), Stock(SPY)]


class LedgerLaw(RuleBasedStateMachine):
    """Cash + positions at cost = start + profit - fees, against sums kept apart from the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(1_000_000)
        self.flows = self.fees = 0
        self.count: dict[tuple[str, Instrument], int] = {}

    @rule(
        ref=st.sampled_from(["a", "b", "c"]),
        legs=st.lists(
            st.tuples(
                st.sampled_from(INSTRUMENTS), st.integers(-7, 7).filter(bool), st.integers(-50_000, 50_000)
            ),
            max_size=4,
        ),
        fees=st.integers(0, 500),
    )
    def trade(self, ref: str, legs: list[tuple[Instrument, int, int]], fees: int) -> None:
        before = self.ledger.realised
        taken = self.ledger.book(ref, [Posting(*leg) for leg in legs], fees)
        assert self.ledger.realised == before + taken
        self.fees += fees
        for instrument, quantity, cash in legs:
            self.flows += cash
            key = (ref, instrument)
            self.count[key] = self.count.get(key, 0) + quantity

    @rule(ref=st.sampled_from(["a", "b", "c"]), price=st.integers(0, 1000))
    def flatten(self, ref: str, price: int) -> None:
        held = {key: n for key, n in self.count.items() if key[0] == ref and n}
        self.trade(ref, [(key[1], -n, n * price) for key, n in held.items()], 0)

    @invariant()
    def balances(self) -> None:
        ledger = self.ledger
        ledger.check()
        assert ledger.cash == ledger.start + self.flows - self.fees
        assert ledger.fees == self.fees
        assert {key: holding.quantity for key, holding in ledger.holdings.items()} == {
            key: n for key, n in self.count.items() if n
        }

    @invariant()
    def flat_account_has_no_cost(self) -> None:
        if not any(self.count.values()):
            assert self.ledger.cost == 0
            assert self.ledger.realised == self.flows


TestLedgerLaw = LedgerLaw.TestCase
