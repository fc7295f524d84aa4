"""The web application of ``mw serve``: three pages to read, one door for notes."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from loguru import logger

from engine.errors import MarketWatchError
from engine.journal.queries import Reader
from engine.journal.redaction import redact
from engine.journal.writing import Writer
from scripts.board.view import Day, day_of
from scripts.serve.metrics import exposition
from scripts.serve.webhook import Door, Refused

Clock = Callable[[], datetime]


def make_app(reader: Reader, writer: Writer, door: Door, limit: int, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    reader : Reader
        Of the journal shown.
    writer : Writer
        Keeps the notes, in the same journal.
    door : Door
        Knows the token, and judges messages.
    limit : int
        Bytes of a request's body that are read at all.
    clock : callable, optional
        Returns the time now, aware.
    """
    app = FastAPI(title="Market Watch", docs_url=None, redoc_url=None, openapi_url=None)
    now: Clock = clock or (lambda: datetime.now(UTC))
    turn = asyncio.Lock()  # one message is written at a time

    @app.exception_handler(MarketWatchError)
    async def unavailable(_: Request, error: MarketWatchError) -> JSONResponse:
        logger.error("serve: {}", error)
        return _answer(503, redact(str(error)))

    @app.get("/health")
    def health() -> JSONResponse:
        day = day_of(reader, None, now())
        state = "late" if day.pulse.late else "ok"
        told = {"status": state, "venue": day.venue, "day": day.day, "session": day.pulse.text}
        return JSONResponse(_plain(told), status_code=503 if day.pulse.late else 200)

    @app.get("/status")
    def status(request: Request) -> JSONResponse:
        if not door.knows(bearer(request)):
            return _answer(401, "token is missing or wrong")
        return JSONResponse(_plain(told_of(day_of(reader, None, now()))))

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        if not door.knows(bearer(request)):
            return _answer(401, "token is missing or wrong")
        text = exposition(reader, day_of(reader, None, now()))
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.post("/tradingview")
    async def tradingview(request: Request) -> JSONResponse:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > limit:
                break
        note = door.read(bytes(body), bearer(request), now())
        if isinstance(note, Refused):
            logger.warning("tradingview: refused, {}", note.text)
            return _answer(note.status, note.text)
        async with turn:
            fresh = await run_in_threadpool(writer.write, note)
        if not fresh:
            return _answer(409, f"id: {note.reference!r} was taken before")
        logger.info("tradingview: {} taken, {}", note.kind, note.reference)
        return JSONResponse({"taken": note.kind, "until": _plain(note.until)})

    return app


def bearer(request: Request) -> str:
    """Return the token of a request's ``Authorization: Bearer`` header, empty for none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def told_of(day: Day) -> dict[str, Any]:
    """Return a day as JSON tells it; empty for what is not known."""
    return {
        "venue": day.venue,
        "day": day.day,
        "state": day.pulse.state,
        "heartbeat_age_seconds": day.pulse.age,
        "equity": day.equity,
        "realised": day.realised,
        "open_pnl": day.open_pnl,
        "trades": day.trades,
        "budgets": {name: {"left": left, "cap": cap} for name, (left, cap) in day.budgets.items()},
        **{
            name: getattr(day, name).to_dict("records")
            for name in ("positions", "legs", "bots", "market", "halts", "notes")
        },
    }


def _answer(code: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status_code=code)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: no NaN, no times, no numpy."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | datetime):
        return value.isoformat()
    return json.loads(json.dumps(value, default=_item))


def _item(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
