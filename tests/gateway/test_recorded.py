"""A recorded store as the gateway's market: what was recorded is quoted and traded, nothing else."""

from __future__ import annotations

from pathlib import Path

import ib_insync as ibi
import pyarrow as pa
import pytest

from engine.options.quotebook import QuoteBook
from feeds.model import ModelQuotes
from feeds.store.store import QuoteStore
from scripts.gateway import GatewayRequest, build
from scripts.synth_quotes import snapshots
from tests.gateway.stage import CONFIG, DAYS, client, codes, later, market, near, spread


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage's second day of XSP, the expiries of that day and the next, as a vendor records them."""
    book: QuoteBook = market().book
    assert isinstance(book, ModelQuotes)
    made = QuoteStore.create(tmp_path_factory.mktemp("recorded") / "store")
    with made.batch({"source": "model"}) as batch:
        tables = [snapshots(book, "XSP", 1, ahead, 60) for ahead in (0, 1)]
        batch.write("XSP", DAYS[1], pa.concat_tables([table for table in tables if table is not None]))
    return made.path


def test_a_recorded_day_is_quoted_as_it_was_and_trades(store: Path) -> None:
    request = GatewayRequest(CONFIG, symbols=("XSP",), quotes=store, speed=0.0, port=0, cash=50_000.0)
    gateway, made = build(request)
    assert made.tape.dates == [DAYS[1]]
    with gateway as gw:
        gw.step(30)
        with client(gw) as ib:
            short, long = near(ib)
            ticker = ib.reqMktData(short, "")
            bag, _, ask = spread(ib)
            trade = ib.placeOrder(bag, ibi.LimitOrder("BUY", 2, round(ask + 0.1, 2), tif="DAY"))
            later(gw, ib)
            truth = market()
            truth.book.move(390 + 30)
            chain = truth.book.chain("XSP", DAYS[1])
            row = int(((chain.strike == short.strike) & ~chain.call).argmax())
            assert (ticker.bid, ticker.ask) == pytest.approx((chain.bid[row], chain.ask[row]))
            assert trade.orderStatus.status == "Filled"
            greeks = ticker.modelGreeks
            assert greeks is not None and greeks.delta is not None and greeks.delta < 0.0
            assert not codes(ib) and long.strike == short.strike - 1.0
