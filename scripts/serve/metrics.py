"""A day as Prometheus reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from engine.journal.queries import Reader
from scripts.board.view import Day

Labels = Mapping[str, str]
Samples = Iterable[tuple[Labels, float]]


def exposition(reader: Reader, day: Day) -> bytes:
    """Return the metrics of a day in Prometheus' text format; what is not known is left out."""
    registry = CollectorRegistry()
    _gauge(registry, "mw_session_info", "The day shown, by venue and state", [(_about(day), 1.0)])
    for name, told, value in (
        ("mw_heartbeat_age_seconds", "Age of the session's last sign of life", day.pulse.age),
        ("mw_equity_usd", "Account value", day.equity),
        ("mw_day_realised_usd", "Net result of the day's closed trades", day.realised),
        ("mw_open_pnl_usd", "Result of the open trades at their marks", day.open_pnl),
        ("mw_trades_today", "Trades closed on the day", float(day.trades)),
    ):
        _gauge(registry, name, told, [({}, value)])
    left = [({"budget": name}, value) for name, (value, _) in day.budgets.items()]
    _gauge(registry, "mw_budget_left_usd", "What is left of the day's budgets", left)
    held = [({"bot": bot}, float((day.positions.bot == bot).sum())) for bot in day.bots.get("bot", [])]
    _gauge(registry, "mw_open_trades", "Open trades by bot", held)
    _gauge(registry, "mw_decisions_today", "Decision minutes by bot and reason", _decisions(reader, day))
    halts = day.halts.groupby("reason").size() if len(day.halts) else {}
    counted = [({"reason": str(reason)}, float(count)) for reason, count in halts.items()]
    _gauge(registry, "mw_halts_today", "Halts by reason", counted)
    _lost(registry, reader, day)
    return bytes(generate_latest(registry))


def _about(day: Day) -> Labels:
    return {"venue": day.venue, "day": str(day.day or ""), "state": day.pulse.state}


def _decisions(reader: Reader, day: Day) -> Samples:
    if not day.runs:
        return []
    counts = reader.reason_counts(day.runs, day.day, day.day)
    columns = (counts[name].tolist() for name in ("bot", "reason", "count"))
    rows = zip(*columns, strict=True)
    return [({"bot": bot, "reason": str(reason)}, float(count)) for bot, reason, count in rows]


def _lost(registry: CollectorRegistry, reader: Reader, day: Day) -> None:
    """Count what the session says it could not keep or send."""
    beat = reader.latest_heartbeat(day.runs) if day.runs else None
    detail = beat["detail"] if beat else {}
    for name, told, keys in (
        ("mw_events_lost", "Events the journal dropped or lost", ("dropped", "lost")),
        ("mw_alerts_lost", "Alerts given up", ("alerts_lost",)),
    ):
        counter = Counter(name, told, registry=registry)
        counter.inc(sum(float(detail.get(key) or 0) for key in keys))


def _gauge(registry: CollectorRegistry, name: str, told: str, samples: Samples) -> None:
    known = [(labels, value) for labels, value in samples if math.isfinite(value)]
    if not known:
        return
    names = list(known[0][0])
    gauge = Gauge(name, told, names, registry=registry)
    for labels, value in known:
        (gauge.labels(**labels) if names else gauge).set(value)
