"""Market data: quotes, greeks, bars of every size, chains; and the laws of five seconds."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import ib_insync as ibi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.client import Client
from engine.gateway.exchange import Exchange
from engine.gateway.five_seconds import PIECES, piece
from engine.gateway.listing import contract_number, instrument_of, listed, occ_symbol, underlying
from engine.gateway.venue import Venue
from engine.options.combo import put_spread
from engine.options.contract import Contract, Right
from engine.options.pricing import chain_greeks
from tests.gateway.stage import DAYS, at, bars, client, codes, gateway, later, market, near, spread, sync

XSP = ibi.Index("XSP", "CBOE", "USD")
SPY = ibi.Stock("SPY", "SMART", "USD")


def index_of(clock: str, day: int = 1) -> int:
    """Return the number of the bar that ends at a time."""
    stamp = int(at(DAYS[day], clock).timestamp() * 1e9)
    return int(np.searchsorted(market().tape.stamp, stamp))


def test_a_quote_is_the_books_and_greeks_are_the_models_of_this_minute() -> None:
    with gateway() as gw, client(gw) as ib:
        short, long = near(ib)
        ticker = ib.reqMktData(short, "")
        later(gw, ib)
        made, bar = market(), index_of("10:01")
        made.book.move(bar)
        chain = made.book.chain("XSP", DAYS[1])
        row = int(np.flatnonzero((chain.strike == short.strike) & ~chain.call)[0])
        assert (ticker.bid, ticker.ask) == (chain.bid[row], chain.ask[row])
        model = ticker.modelGreeks
        assert model is not None
        assert model.impliedVol == pytest.approx(chain.iv[row], abs=1e-6)
        assert model.undPrice == pytest.approx(chain.spot, abs=1e-6)
        spread_of = np.array([chain.iv[row] * math.sqrt(chain.years)])
        strike, call = np.array([short.strike]), np.array([False])
        told = chain_greeks(chain.forward, strike, spread_of, call, chain.years)
        assert model.delta == pytest.approx(told.delta[0], abs=1e-6)
        assert model.vega == pytest.approx(told.vega[0] / 100.0, abs=1e-6)
        assert model.theta == pytest.approx(told.theta[0] / 365.0, abs=1e-6)
        assert long.strike < short.strike


def test_a_combination_is_quoted_as_the_simulated_broker_sees_it() -> None:
    with gateway() as gw, client(gw) as ib:
        short, long = near(ib)
        _, bid, ask = spread(ib)
        made = market()
        made.book.move(index_of("10:00"))
        quote = made.book.quote(put_spread(made.products["XSP"], DAYS[1], short.strike, long.strike))
        assert quote is not None and (bid, ask) == pytest.approx((quote.bid, quote.ask), abs=1e-6)


def test_an_index_has_a_last_price_only_and_a_share_everything() -> None:
    with gateway() as gw, client(gw) as ib:
        share, index = ib.qualifyContracts(SPY, XSP)
        full, bare = ib.reqMktData(share, "100,101,106"), ib.reqMktData(index, "")
        sync(ib)
        bar = index_of("10:00")
        spy, span = market().tape.bars["SPY"], slice(index_of("09:31"), index_of("10:00") + 1)
        assert bare.last == pytest.approx(market().tape.close("XSP", bar), abs=1e-6)
        assert math.isnan(bare.bid) and bare.close == pytest.approx(market().tape.close("XSP", 389), abs=1e-6)
        assert (full.high, full.low) == pytest.approx((spy.high[span].max(), spy.low[span].min()), abs=1e-6)
        assert (full.volume, full.putVolume, full.callVolume) == (30 * 1200, 30 * 40, 30 * 30)
        assert full.putOpenInterest == 390 * 40 and full.impliedVolatility > 0.0


def test_a_snapshot_ends_and_leaves_no_subscription() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        (ticker,) = ib.reqTickers(share)
        assert 0 < ticker.bid < ticker.ask
        assert gw.call(lambda venue: len(venue.clients[0].streams)) == 0


def test_only_what_has_changed_is_sent() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        ticker = ib.reqMktData(share, "")
        sync(ib)
        told: list[int] = []
        ticker.updateEvent += lambda ticker: told.extend(tick.tickType for tick in ticker.ticks)
        later(gw, ib)
        assert len(told) == len(set(told)) and {1, 2, 4} <= set(told) and 9 not in told and 14 not in told


def test_a_pulse_sends_standing_quotes_again() -> None:
    with gateway(pulse=50.0) as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        ticker = ib.reqMktData(share, "")
        sync(ib)
        before, again = (ticker.bid, ticker.ask), []
        ticker.updateEvent += lambda ticker: again.append((ticker.bid, ticker.ask))
        for _ in range(500):
            ib.sleep(0.01)
            if len(again) > 4:
                break
        assert len(again) > 4 and set(again) == {before}


def test_the_lines_of_a_client_are_counted() -> None:
    with gateway(lines=2) as gw, client(gw) as ib:
        share, index = ib.qualifyContracts(SPY, XSP)
        short, _ = near(ib)
        for contract in (share, index, short):
            ib.reqMktData(contract, "")
        sync(ib)
        assert codes(ib) == [101]
        ib.cancelMktData(share)
        ib.reqMktData(short, "")
        sync(ib)
        assert codes(ib) == [101]


@pytest.mark.parametrize(
    ("size", "count", "minutes"), [("1 min", 30, 1), ("5 mins", 6, 5), ("30 mins", 1, 30)]
)
def test_bars_of_any_size_are_made_of_the_same_minutes(size: str, count: int, minutes: int) -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        told = ib.reqHistoricalData(share, "", "1 D", size, "TRADES", True, 2)
        first = index_of("09:31")
        spy = bars("SPY")
        assert len(told) == count and told[0].date == datetime(2018, 3, 2, 14, 30, tzinfo=UTC)
        for number, bar in enumerate(told):
            span = slice(first + number * minutes, first + (number + 1) * minutes)
            made = (spy.open[span][0], spy.high[span].max(), spy.low[span].min(), spy.close[span][-1])
            assert (bar.open, bar.high, bar.low, bar.close) == pytest.approx(made, abs=1e-6)
            assert bar.volume == 1200 * minutes


def test_durations_count_sessions_seconds_and_weeks_up_to_the_end_asked_for() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)

        def count(end: str, duration: str, size: str = "1 min") -> int:
            return len(ib.reqHistoricalData(share, end, duration, size, "TRADES", True, 1))

        assert count("", "2 D") == 390 + 30
        assert count("", "600 S") == 10
        assert count("20180302 09:45:00 US/Eastern", "1 D") == 15
        assert count("20180302-14:45:00", "1 D") == 15
        assert count("20190101 00:00:00 US/Eastern", "1 D") == 30  # nothing of the future
        assert count("", "1 W", "1 day") == 2


def test_an_options_history_is_its_mid_and_vix_has_one_too() -> None:
    with gateway() as gw, client(gw) as ib:
        short, _ = near(ib)
        ticker = ib.reqMktData(short, "")
        told = ib.reqHistoricalData(short, "", "600 S", "1 min", "MIDPOINT", True, 2)
        assert len(told) == 10
        assert told[-1].close == pytest.approx((ticker.bid + ticker.ask) / 2, abs=1e-6)
        (vix,) = ib.qualifyContracts(ibi.Index("VIX", "CBOE", "USD"))
        assert ib.reqHistoricalData(vix, "", "1 D", "1 min", "TRADES", True, 2)[-1].close == 16.0


@pytest.mark.parametrize(
    ("duration", "size", "show", "end", "code"),
    [
        ("1 D", "7 mins", "TRADES", "", 321),
        ("1 fortnight", "1 min", "TRADES", "", 321),
        ("1 D", "1 min", "SCHEDULES", "", 321),
        ("1 D", "1 min", "TRADES", "noon", 321),
        ("600 S", "1 min", "TRADES", "20180228 10:00:00 US/Eastern", 162),
    ],
)
def test_history_that_cannot_be_had_is_refused(
    duration: str, size: str, show: str, end: str, code: int
) -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        assert not ib.reqHistoricalData(share, end, duration, size, show, True, 1)
        assert codes(ib) == [code]


def test_a_kept_bar_grows_to_the_minutes_own_and_the_next_begins_with_its_open() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        kept = ib.reqHistoricalData(share, "", "1 D", "1 min", "TRADES", True, 2, True)
        fresh = []
        kept.updateEvent += lambda rows, new: fresh.append(new)
        later(gw, ib, 2)
        spy, bar = market().tape.bars["SPY"], index_of("10:02")
        assert [len(kept), fresh] == [30 + 3, [True, True, False, True]]
        made = (spy.open[bar], spy.high[bar], spy.low[bar], spy.close[bar])
        done, begun = kept[-2], kept[-1]
        assert (done.open, done.high, done.low, done.close) == pytest.approx(made, abs=1e-6)
        assert begun.open == begun.close == pytest.approx(spy.open[bar + 1], abs=1e-6)
        assert done.date == datetime(2018, 3, 2, 15, 1, tzinfo=UTC)


def test_quotes_come_before_the_bar_they_belong_to() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        ticker = ib.reqMktData(share, "")
        kept = ib.reqHistoricalData(share, "", "1 D", "1 min", "TRADES", True, 2, True)
        seen: list[tuple[float, float]] = []
        kept.updateEvent += lambda rows, new: seen.append((ticker.last, rows[-2].close))
        later(gw, ib, 3)
        last, close = zip(*[pair for number, pair in enumerate(seen) if number % 2], strict=True)
        assert last == close


@given(st.integers(0, 4 * 390 - 1), st.integers(0, 99))
def test_twelve_bars_of_five_seconds_make_their_minute(bar: int, seed: int) -> None:
    exchange = Exchange(market(), at(DAYS[1], "10:00"))
    listing = underlying(market().products["SPY"])
    pieces = [piece(listing, exchange, bar, number, seed) for number in range(PIECES)]
    rows = np.array(pieces, float)
    spy = market().tape.bars["SPY"]
    assert rows[0, 0] == pytest.approx(spy.open[bar]) and rows[-1, 3] == pytest.approx(spy.close[bar])
    assert rows[:, 1].max() == pytest.approx(spy.high[bar]) and rows[:, 2].min() == pytest.approx(
        spy.low[bar]
    )
    assert rows[1:, 0] == pytest.approx(rows[:-1, 3]) and rows[:, 4].sum() == pytest.approx(1200)
    assert pieces == [piece(listing, exchange, bar, number, seed) for number in range(PIECES)]


def test_five_seconds_stream_a_whole_minute_in_order() -> None:
    with gateway() as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        live = ib.reqRealTimeBars(share, 5, "TRADES", True)
        later(gw, ib, 2)
        stamps = [bar.time.timestamp() for bar in live]
        assert len(live) == 24 and set(np.diff(stamps)) == {5.0}
        assert stamps[0] == at(DAYS[1], "10:00").timestamp()


def test_first_minute_of_a_session_is_streamed_whole_to_who_came_before_the_open() -> None:
    with gateway(start=at(DAYS[1], "09:20")) as gw, client(gw) as ib:
        (share,) = ib.qualifyContracts(SPY)
        live = ib.reqRealTimeBars(share, 5, "TRADES", True)
        later(gw, ib)
        assert [bar.time.timestamp() for bar in live] == [
            at(DAYS[1], "09:30").timestamp() + 5.0 * number for number in range(12)
        ]


@given(
    st.sampled_from(["XSP", "SPX", "SPY"]),
    st.sampled_from(DAYS),
    st.integers(1, 8000),
    st.sampled_from(Right),
)
def test_a_local_symbol_names_its_option(symbol: str, day: date, half: int, right: Right) -> None:
    products = market().products
    option = Contract(products[symbol], day, half / 2, right)
    name = occ_symbol(option)
    assert len(name) == 21 and instrument_of(name, products.values()) == option
    assert listed(option).number == contract_number(name) > 0


def test_all_contracts_of_a_day_have_numbers_of_their_own_and_are_found_by_them() -> None:
    with gateway() as gw:

        def listings(venue: Venue) -> list[tuple[int, str]]:
            told = []
            for symbol in market().products:
                for one in venue.catalogue.find({"secType": "OPT", "symbol": symbol}):
                    listing = venue.catalogue.get(one.number)
                    assert listing is not None
                    told.append((one.number, listing.local_symbol))
            return told

        rows = gw.call(listings)
        assert len(rows) > 5000 and len(dict(rows)) == len(rows)


def test_what_is_listed_in_the_morning_is_listed_all_day() -> None:
    with gateway(at(DAYS[1], "09:31")) as gw, client(gw) as ib:
        (index,) = ib.qualifyContracts(XSP)
        early = ib.reqSecDefOptParams("XSP", "", "IND", index.conId)[0]
        later(gw, ib, 380)
        late = ib.reqSecDefOptParams("XSP", "", "IND", index.conId)[0]
        assert early.strikes == late.strikes and early.expirations == late.expirations
        assert early.expirations[0] == "20180302"


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60))
def test_messages_are_counted_over_a_sliding_second(gaps: list[float]) -> None:
    client_ = Client(writer=None, version=176)  # type: ignore[arg-type]
    times = np.cumsum(gaps).tolist()
    for number, now in enumerate(times):
        assert client_.arrived(now) == sum(now - then <= 1.0 for then in times[: number + 1])
