"""A day of a paper session in a real journal: trades closed and open, decisions, marks, halts, notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from engine.journal import records
from engine.journal.database import Run, open_journal
from engine.journal.recorder import Recorder
from engine.reasons import Reason
from engine.settings import Settings

DAY = date(2026, 11, 24)
OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 09:30 in New York
CASH = 150_000.0
LEGS = {"XSP 2026-11-24 598P": -1, "XSP 2026-11-24 597P": 1}


def at(minute: int, day: int = 0) -> datetime:
    """Return the instant so many minutes after 09:30 New York, days before the newest."""
    return OPEN + timedelta(minutes=minute) - timedelta(days=day)


def written(
    place: str,
    venue: str = "paper",
    days: int = 1,
    ended: bool = False,
    kind: str = "session",
    newest: int = 0,
    said: str = "trend turned",
) -> dict[str, Any]:
    """Write sessions and return what was put in.

    The newest one, so many days before `DAY`, is still open unless ``ended``; ``said`` is the text
    of its veto.
    """
    settings = Settings().model_dump(mode="json")
    run = Run(
        "one",
        kind,
        venue,
        "paper",
        at(-10, newest + days - 1),
        "abc123",
        "d1935t",
        "0.1.0",
        "mw paper",
        CASH,
        settings,
    )
    recorder = Recorder(open_journal(place, venue), run)
    put: dict[str, Any] = {"net": [], "trades": 0, "decisions": 0, "equity": CASH}
    for back in reversed(range(newest, newest + days)):
        _session(recorder, back, put, ended or back > newest, venue, said)
    recorder.close()
    assert recorder.healthy, recorder.failure
    return put


def _session(recorder: Recorder, back: int, put: dict[str, Any], ended: bool, venue: str, said: str) -> None:
    day = DAY - timedelta(days=back)
    recorder.record(records.SessionEvent(at(-10, back), day, "started", venue))
    draw = np.random.default_rng(back)
    price = 600.0 + np.cumsum(draw.normal(0, 0.15, 390))
    for minute in range(60, 240, 5):
        for bot, symbol in (("putlite", "XSP"), ("buywrite", "SPY"), ("condor", "XSP")):
            recorder.record(_decision(minute, back, bot, symbol, price[minute]))
            put["decisions"] += 1
    nets = [12.4, -31.15] if back % 2 == 0 else [18.25, 9.1]
    for number, (bot, net) in enumerate(zip(("putlite", "condor"), nets, strict=True), 1):
        trade = _trade(number + 2 * back, day, bot, net, back, float(price[70]), float(price[150]))
        recorder.record(trade)
        put["net"].append(net)
        put["equity"] += net
        put["trades"] += 1
    if not ended:
        recorder.record(_position(day, back))
        recorder.record(
            records.HaltEvent(day, at(190, back), "XSP", Reason.HALT_RANGE, "range 1.04 of the move")
        )
        note = records.Note(at(195, back), "tradingview", "veto", said, "condor", "XSP", at(255, back), "a1")
        recorder.record(note)
        last = range(200)
    else:
        last = range(390)
    for minute in last:
        recorder.record(_mark(minute, day, back, put["equity"], float(price[minute]), not ended))
        recorder.record(records.Heartbeat(at(minute, back), 4711, "0.1.0", "trading", {"dropped": 0}))
    if ended:
        recorder.record(records.SessionEvent(at(389, back), day, "ended", venue, "flat"))
    put["open_pnl"] = 0.0 if ended else 4.5


def _decision(minute: int, back: int, bot: str, symbol: str, price: float) -> records.Decision:
    entered = minute in (70, 100)
    reason = Reason.ENTERED if entered else (Reason.NOT_COMPRESSED if minute % 10 else Reason.NOT_CALM)
    measures: Mapping[str, float] = {"compression": 1.31, "iv_rank": float("nan"), "price": price}
    rules = {"iv_below_realized": True, str(reason): False}
    combo = "XSP 2026-11-24 -598P +597P" if entered else ""
    return records.Decision(
        at(minute, back), bot, symbol, reason, combo, 0.18 if entered else float("nan"), measures, rules
    )


def _trade(
    number: int, day: date, bot: str, net: float, back: int, spot_in: float, spot_out: float
) -> records.Trade:
    legs = f"XSP {day} -598P +597P" + (" -603C +604C" if bot == "condor" else "")
    start, stop = at(70, back), at(150 + number % 7, back)
    why = Reason.PROFIT_TARGET if net > 0 else Reason.PLANNED_LOSS
    return records.Trade(
        number, f"{bot}-{day:%Y%m%d}-{number}", bot, "XSP", "put_spread", legs, day, 1, start, stop,
        0.18, 0.05, net + 2.5, 2.5, net, 50.0, 92.8, why, spot_in, spot_out, -0.18, 3.2, 3.5, "ibkr",
    )  # fmt: skip


def _position(day: date, back: int) -> records.PositionEvent:
    return records.PositionEvent(
        at(180, back), f"putlite-{day:%Y%m%d}-9", 9, "putlite", "XSP", "put_spread",
        f"XSP {day} -598P +597P", day, 1, LEGS, 0.18, 50.0, 92.8,
    )  # fmt: skip


def _mark(minute: int, day: date, back: int, equity: float, price: float, held: bool) -> records.MarkEvent:
    combo = {
        "order_ref": f"putlite-{day:%Y%m%d}-9", "bot": "putlite", "symbol": "XSP", "structure": "put_spread",
        "combo": f"XSP {day} -598P +597P", "quantity": 1, "credit": 0.18, "mark": 0.135, "delta": 4.2,
        "pnl": 4.5, "r": 0.09,
        "legs": [[name, ratio, 0.41 if ratio < 0 else 0.275, -0.18 if ratio < 0 else -0.13]
                 for name, ratio in LEGS.items()],
    }  # fmt: skip
    open_now = held and minute >= 180
    market = {
        "price": price, "vix": 16.4, "iv_rank": 31.0, "expected_move": 3.9, "range": 2.6, "crowding": 0.62,
    }  # fmt: skip
    left = {"shared": 118.85, "buywrite": 1500.0}
    symbols = {"XSP": market, "SPY": market | {"price": price + 0.4, "range": 4.1}}
    pnl, combos = (4.5, (combo,)) if open_now else (0.0, ())
    return records.MarkEvent(at(minute, back), day, equity, -18.75, pnl, left, combos, symbols)
