"""What surrounded the bots: data, broker's books, fees, hands, errors, configuration, clock, journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from engine.gate.record import SessionRecord, intent_of
from engine.gate.rules import Finding, Rules, clock, finding, minute
from engine.reasons import Reason
from engine.sessions import NEW_YORK

BLIND = frozenset({Reason.NO_QUOTE, Reason.WARMING_UP, Reason.NO_EXPIRY})
BACKWARDS = 1.0  # seconds two events of one instant may be apart
FINE = ("", "flat", "ended", "done", "interrupted")
_STOCK = 100


def data(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """The bot saw tradable data at nearly all its decision minutes, and the program lived throughout."""
    wrong = []
    first, last = rules.window(record.day)
    wanted = set(range(first, last, rules.decide_every))
    for symbol in record.bots.get(bot, ()):
        seen = {
            int(minute(one.at))
            for one in record.decisions
            if one.bot == bot and one.symbol == symbol and one.reason not in BLIND
        }
        share = len(seen & wanted) / len(wanted) if wanted else 1.0
        if share < rules.criteria.data_share:
            told = f"{symbol}: {len(seen & wanted)} of {len(wanted)} decision minutes with data"
            wrong.append(f"{told}, limit {rules.criteria.data_share:.0%}")
    silent, since = _silence(record, bot, first, last) if wanted else (0.0, "")
    limit = rules.criteria.silent_seconds
    if silent > limit:
        wrong.append(f"no sign of life for {silent:.0f} s from {since}, limit {limit:.0f}")
    return finding(wrong, f"{len(wanted)} decision minutes, longest silence {silent:.0f} s")


def _silence(record: SessionRecord, bot: str, first: int, last: int) -> tuple[float, str]:
    """Return the longest time without a heartbeat in the window and while holding, and since when."""
    day = datetime(record.day.year, record.day.month, record.day.day, tzinfo=NEW_YORK)
    start, end = (day.replace(hour=at // 60, minute=at % 60) for at in (first, last))
    end = max([end, *(fill.at for fill in record.fills if fill.bot == bot)])
    marks = [start, *sorted(beat.at for beat in record.heartbeats if start <= beat.at <= end), end]
    gaps = [(after - before).total_seconds() for before, after in pairwise(marks)]
    longest = max(gaps)
    return longest, clock(marks[gaps.index(longest)])


def broker(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """The broker's books were held against the journal's after the last fill, and never differed."""
    compared = record.reconciliations
    told = [one for one in compared if not one.clean]
    wrong = [f"{one.kind} at {clock(one.at)}: {one.text or 'books differ'}" for one in told]
    last = max((fill.at for fill in record.fills), default=None)
    if not compared:
        wrong.append("the books were never compared")
    elif last is not None and compared[-1].at < last:
        at = clock(compared[-1].at)
        wrong.append(f"a fill at {clock(last)} came after the last comparison at {at}")
    return finding(wrong, f"compared {len(compared)} times, equal")


def fees(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """For every order filled the broker's fees are the expected ones, within the tolerance a contract.

    Expected is what the schedule says of the execution, else what the fill was booked with.
    """
    contracts: dict[str, float] = {}
    booked: dict[str, float] = {}
    for fill in record.fills:
        if fill.bot == bot:
            size = abs(fill.quantity) / (_STOCK if fill.multiplier == 1 else 1)
            contracts[fill.order_ref] = contracts.get(fill.order_ref, 0.0) + size
            booked[fill.exec_id] = fill.fees
    charged: dict[str, tuple[float, float]] = {}
    for event in record.fees:
        known = event.expected == event.expected  # not NaN
        wanted = event.expected if known else booked.get(event.exec_id, 0.0)
        before = charged.get(event.order_ref, (0.0, 0.0))
        charged[event.order_ref] = before[0] + event.amount, before[1] + wanted
    wrong, worst = [], 0.0
    for ref, count in contracts.items():
        if ref not in charged:
            wrong.append(f"{ref}: the broker has not told its fees")
            continue
        amount, wanted = charged[ref]
        apart = abs(amount - wanted) / max(count, 1.0)
        worst = max(worst, apart)
        if apart > rules.criteria.fee_tolerance + 1e-9:
            limit = f"{apart:.3f} a contract, limit {rules.criteria.fee_tolerance:g}"
            wrong.append(f"{ref}: broker {amount:.2f} USD, expected {wanted:.2f}, {limit}")
    right = f"orders: {len(contracts)}, at most {worst:.3f} USD a contract apart"
    return finding(wrong, right if contracts else "no fills")


def override(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Nobody took a hand in it."""
    return finding(record.interventions, "none")


def errors(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """Every process ended as it should, without an error nothing had foreseen."""
    wrong = [] if record.runs else ["no process of this session is in the journal"]
    for run in record.runs:
        wrong += [f"{run.name}: {text}" for text in run.errors]
        if run.ended is None:
            wrong.append(f"{run.name}, begun at {clock(run.started)}, has no end")
        elif run.how not in FINE:
            wrong.append(f"{run.name} ended at {clock(run.ended)}: {run.how}")
    return finding(wrong, f"processes: {len(record.runs)}, all ended as they should")


def config(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """All processes ran with one configuration and one code, the one the gate was told at the start."""
    wrong = []
    for what in ("config", "commit"):
        known = list(dict.fromkeys(getattr(run, what) for run in record.runs))
        if len(known) > 1:
            wrong.append(f"{what} changed: {', '.join(one[:8] for one in known)}")
    last = record.runs[-1].config if record.runs else ""
    if rules.config and last != rules.config:
        wrong.append(f"ran with {last[:8] or 'none'}, begun with {rules.config[:8]}")
    return finding(wrong, f"{last[:8]} throughout")


def forward(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """No event is dated before the one written before it, and all are of the day."""
    wrong = []
    for what, stamps in _written(record):
        last = None
        for at in stamps:
            if at.astimezone(NEW_YORK).date() != record.day:
                wrong.append(f"{what} dated {at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}")
            elif last is not None and (last - at).total_seconds() > BACKWARDS:
                wrong.append(f"{what} of {clock(at)} written after one of {clock(last)}")
            last = at
    for run in record.runs:
        if run.ended is not None and run.ended < run.started:
            wrong.append(f"{run.name} ended at {clock(run.ended)}, before its start at {clock(run.started)}")
    return finding(wrong, "forward only")


def _written(record: SessionRecord) -> Iterator[tuple[str, list[datetime]]]:
    yield "heartbeat", [one.at for one in record.heartbeats]
    yield "order", [one.at for one in record.orders]
    yield "fill", [one.at for one in record.fills]
    yield "governor's state", [one.at for one in record.states]
    yield "halt", [one.at for one in record.halts]


def whole(record: SessionRecord, bot: str, rules: Rules) -> Finding:
    """The journal has no hole, and what must follow from its events is there."""
    wrong = list(record.gaps)
    known = {fill.order_ref for fill in record.fills if fill.bot == bot}
    filled = {one.order_ref for one in record.orders if one.bot == bot and one.state == "filled"}
    wrong += [f"{ref} is filled and has no fill" for ref in sorted(filled - known)]
    traded = {trade.order_ref for trade in record.trades}
    opened = {intent_of(fill.order_ref) for fill in record.fills if fill.bot == bot}
    wrong += [f"{ref} has fills and no finished trade" for ref in sorted(opened - traded)]
    return finding(wrong, "complete")
