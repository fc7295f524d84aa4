"""Contracts as the gateway lists them, kept for the day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.errors import LinkError
from engine.ibkr.contracts import Contracts, Deal
from engine.ibkr.orders import order_price
from engine.options.combo import Combo, iron_condor, put_spread, shares, single
from engine.options.contract import Contract, Product, Right, Stock
from tests.ibkr.rig import TODAY, Rig, products, rig

XSP, SPY = products()["XSP"], products()["SPY"]


@pytest.fixture(scope="module")
def one() -> Iterator[Rig]:
    with rig(symbols=("XSP", "SPY"), speed=60.0, line_budget=30) as made:
        yield made


def qualified(one: Rig, *options: Contract) -> None:
    one.link.call(lambda ib: one.contracts.qualify(options), "contracts")


def dealt(contracts: Contracts, combo: Combo) -> Deal:
    """Return how a combo is traded whose legs are qualified."""
    deal = contracts.deal(combo)
    assert deal is not None
    return deal


def near(one: Rig, product: Product = XSP, away: float = 0.0) -> float:
    return float(round(one.book.spot(product.symbol) + away))


def test_an_option_is_qualified_with_its_class_its_expiry_and_the_routing_we_asked_for(one: Rig) -> None:
    option = Contract(XSP, TODAY, near(one), Right.PUT)
    qualified(one, option)
    told = one.contracts.known(option)
    assert told is not None and told.tradingClass == "XSP" and told.exchange == "SMART" and told.conId > 0
    assert told.lastTradeDateOrContractMonth == f"{TODAY:%Y%m%d}"
    assert one.contracts.instrument(told) == option and one.contracts.name(told) == str(option)
    assert one.contracts.known(option) is told  # the library knows subscriptions by the object


def test_what_is_not_listed_stays_unknown_and_is_not_asked_for_again(one: Rig) -> None:
    nothing = Contract(XSP, TODAY, 12.5, Right.CALL)
    qualified(one, nothing)
    assert one.contracts.known(nothing) is None
    asked = one.gateway.peak_rate(17)
    qualified(one, nothing)
    assert one.gateway.peak_rate(17) == asked
    assert one.contracts.deal(Combo(single(XSP, TODAY, 12.5, Right.CALL).legs, "x")) is None


def test_a_condor_is_one_bag_whose_legs_carry_their_sides(one: Rig) -> None:
    k = near(one)
    condor = iron_condor(XSP, TODAY, k - 2, k - 1, k + 1, k + 2)
    qualified(one, *[option for option, _ in condor.options])
    deal = dealt(one.contracts, condor)
    assert deal.contract.secType == "BAG" and deal.contract.tradingClass == "" and deal.units == 1
    sides = [(leg.action, leg.ratio, leg.exchange) for leg in deal.contract.comboLegs]
    assert sorted(sides) == [("BUY", 1, "SMART")] * 2 + [("SELL", 1, "SMART")] * 2
    assert order_price(one.contracts, condor, deal, True, -0.4449) == pytest.approx(-0.44)
    assert order_price(one.contracts, condor, deal, False, -0.4449) == pytest.approx(-0.45)


def test_shares_with_puts_are_traded_in_the_smallest_ratio(one: Rig) -> None:
    k = near(one, SPY)
    puts = single(SPY, TODAY, k, Right.PUT, 2)
    both = Combo.joined((shares(SPY, 200), puts), "protected_shares")
    qualified(one, *[option for option, _ in both.options])
    deal = dealt(one.contracts, both)
    assert deal.units == 2 and sorted(leg.ratio for leg in deal.contract.comboLegs) == [1, 100]
    assert order_price(one.contracts, both, deal, True, 541.0) == pytest.approx(270.50)


def test_a_sold_option_is_sold_at_its_own_positive_price(one: Rig) -> None:
    k = near(one, SPY)
    call = single(SPY, TODAY, k, Right.CALL, -1)
    qualified(one, call.options[0][0])
    deal = dealt(one.contracts, call)
    assert deal.contract.secType == "OPT" and deal.side == -1
    assert order_price(one.contracts, call, deal, True, -0.503) == pytest.approx(0.50)
    assert order_price(one.contracts, call, deal, False, -0.503) == pytest.approx(0.51)
    assert order_price(one.contracts, call, deal, False, 0.0) == pytest.approx(0.01)  # never for nothing


def test_price_steps_come_from_the_market_rule(one: Rig) -> None:
    option = Contract(XSP, TODAY, near(one), Right.PUT)
    qualified(one, option)
    assert one.contracts.tick(option, 0.5) == 0.01
    assert one.contracts.tick(Contract(XSP, TODAY, 12.5, Right.PUT), 0.5) == 0.01  # the universe's


def test_what_is_not_traded_here_has_a_name_and_no_instrument(one: Rig) -> None:
    from engine.ibkr.library import library

    lib = library()
    foreign = lib.Contract(secType="FUT", symbol="ES", localSymbol="ESH8", conId=7)
    assert one.contracts.instrument(foreign) is None
    assert one.contracts.name(foreign) == "FUT ESH8 (id 7)"
    assert one.contracts.instrument(lib.Contract(secType="STK", symbol="SPY", conId=8)) == Stock(SPY)


def test_an_expiry_told_a_day_late_is_read_off_the_symbol(one: Rig) -> None:
    from engine.ibkr.library import library

    late = library().Contract(
        secType="OPT", symbol="XSP", lastTradeDateOrContractMonth="20180303", strike=270.0, right="P",
        localSymbol="XSP   180302P00270000", tradingClass="XSP", conId=99,
    )  # fmt: skip
    option = one.contracts.instrument(late)
    assert isinstance(option, Contract) and option.expiry == date(2018, 3, 2)


def test_a_symbol_without_options_of_its_class_is_named() -> None:
    from dataclasses import replace

    wrong = {"XSP": replace(XSP, trading_class="XSPX")}
    with rig(speed=60.0) as one:
        contracts = Contracts(one.link, wrong)
        with pytest.raises(LinkError, match=r"XSP.*expected XSPX"):
            contracts.prepare(["XSP"])


def test_the_days_contracts_are_kept_and_a_broken_file_only_costs_the_questions(tmp_path: Path) -> None:
    with rig(speed=60.0) as one:
        combo = put_spread(XSP, TODAY, near(one), near(one) - 1)
        first = Contracts(one.link, products(), tmp_path)
        first.prepare(["XSP"])
        one.link.call(lambda ib: first.qualify([c for c, _ in combo.options]), "contracts")
        (path,) = tmp_path.glob("contracts-DU*-20180302.json")
        assert json.loads(path.read_text())["listed"]
        second = Contracts(one.link, products(), tmp_path)
        second.prepare(["XSP"])
        assert dealt(second, combo).legs == dealt(first, combo).legs
        path.write_text("{")
        third = Contracts(one.link, products(), tmp_path)
        third.prepare(["XSP"])
        assert third.deal(combo) is None and third.expiries("XSP") == first.expiries("XSP")
