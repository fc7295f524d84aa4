"""The gateway's memory: what it has told anyone survives its own restart, kill included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ib_insync as ibi
import pytest

from engine.errors import DataError
from engine.gateway.state import dump, read, restore, write
from tests.gateway.stage import DAYS, at, client, gateway, later, lost, spread

ROOT = Path(__file__).parents[2]


def test_a_restarted_gateway_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with gateway(state=file) as gw, client(gw) as ib:
        bag, bid, ask = spread(ib)
        ib.placeOrder(bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY", orderRef="S/1"))
        ib.placeOrder(bag, ibi.StopOrder("SELL", 5, -0.95, tif="GTC", orderRef="S/2"))
        later(gw, ib)
        kept = gw.executions(), gw.positions(), gw.open_orders(), gw.now
        net = {v.tag: v.value for v in ib.accountValues()}["NetLiquidation"]
    with gateway(state=file) as gw, client(gw) as ib:
        assert (gw.executions(), gw.positions(), gw.open_orders(), gw.now) == kept
        assert {v.tag: v.value for v in ib.accountValues()}["NetLiquidation"] == net
        (trade,) = ib.openTrades()
        assert trade.order.orderRef == "S/2" and len(ib.fills()) == 3
        ib.placeOrder(bag, ibi.MarketOrder("SELL", 5, tif="DAY", orderRef="S/3"))
        later(gw, ib)
        rows = gw.executions()
        assert gw.positions() == {} and len({row["execId"] for row in rows}) == len(rows) == 6
        assert len({row["permId"] for row in gw.orders()}) == 3


def test_dumping_and_restoring_changes_nothing() -> None:
    with gateway() as gw, client(gw) as ib:
        bag, _, ask = spread(ib)
        ib.placeOrder(bag, ibi.LimitOrder("BUY", 5, round(ask + 0.1, 2), tif="DAY"))
        later(gw, ib)
        before = gw.call(dump)
        gw.call(lambda venue: restore(venue, json.loads(json.dumps(before))))
        assert json.dumps(gw.call(dump)) == json.dumps(before)


SERVE = """
import sys, time
from pathlib import Path
from tests.gateway.stage import gateway
with gateway(state=Path(sys.argv[1]), speed=600.0) as gw:
    print(gw.port, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("pause", [0.05, 0.21, 0.4])
def test_a_killed_gateway_remembers_everything_a_client_was_told(tmp_path: Path, pause: float) -> None:
    file = tmp_path / "state.json"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    ib = ibi.IB()
    ib.connect("127.0.0.1", int(process.stdout.readline()), clientId=1, timeout=10)
    (spy,) = ib.qualifyContracts(ibi.Stock("SPY", "SMART", "USD"))
    trades: list[ibi.Trade] = []
    end = time.monotonic() + pause
    while time.monotonic() < end or not any(trade.orderStatus.permId for trade in trades):
        trades.append(ib.placeOrder(spy, ibi.MarketOrder("BUY", 1, tif="DAY", orderRef=f"K/{len(trades)}")))
        ib.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert lost(ib)
    told = {trade.order.orderRef for trade in trades if trade.orderStatus.permId}
    filled = {fill.execution.execId for trade in trades for fill in trade.fills}
    with gateway(state=file) as gw:
        assert told <= {row["orderRef"] for row in gw.orders()} and told
        assert filled <= {row["execId"] for row in gw.executions()}
        assert gw.positions().get("SPY", 0) == len(gw.executions())


def test_the_file_is_replaced_whole_and_nonsense_in_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "state.json"
    assert read(file) is None
    write(file, {"version": 1, "x": "y"})
    assert read(file) == {"version": 1, "x": "y"} and [p.name for p in file.parent.iterdir()] == [
        "state.json"
    ]
    for nonsense in ("{", "[]", '{"version": 7}'):
        file.write_text(nonsense)
        with pytest.raises(DataError, match="state of a gateway"):
            gateway(at(DAYS[1], "10:00"), state=file)
