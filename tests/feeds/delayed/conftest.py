"""A vendor on the loopback whose answers a test chooses."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.universe import load_universe
from feeds.delayed.fetch import Politeness

CONFIG = Path(__file__).parents[3] / "config"
UNIVERSE = load_universe(CONFIG / "universe.json")
QUICK = Politeness(timeout=0.5, retries=2, keep=60.0)


@dataclass
class Answer:
    """One answer: status, body, headers, and seconds before it comes."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: bool = False


class Vendor:
    """A real HTTP server; ``answers`` are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vendor.asked.append(
                    (self.path, {name.lower(): value for name, value in self.headers.items()})
                )
                number = min(len(vendor.asked), len(vendor.answers)) - 1
                given = vendor.answers[number]
                time.sleep(given.wait)
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                if given.status != 304:
                    self.send_header("Content-Length", str(len(given.body) * (2 if given.cut else 1)))
                self.end_headers()
                self.wfile.write(given.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{{symbol}}.json"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.close()


def document(symbol: str = "SPX", **changes: Any) -> dict[str, Any]:
    """Cboe's format: SPX at 4700.5 half an hour before the close, SPXW of the day, SPX of the month."""
    options = []
    for root, day in (("SPXW", "240119"), ("SPX", "240119"), ("SPXW", "240122")):
        for strike in range(4660, 4745, 5):
            for right in "CP":
                inner = max(4700.5 - strike, 0.0) if right == "C" else max(strike - 4700.5, 0.0)
                value = inner + max(4.0 - abs(strike - 4700.5) / 10.0, 0.0)
                options.append(
                    {
                        "option": f"{root}{day}{right}{strike * 1000:08d}",
                        "bid": round(max(value - 0.1, 0.0), 2), "ask": round(value + 0.1, 2),
                        "bid_size": 10.0, "ask_size": 12.0, "iv": 0.11, "delta": 0.4,
                        "open_interest": 5.0, "volume": 7.0,
                    }
                )  # fmt: skip
    data = {
        "symbol": f"^{symbol}",
        "current_price": 4700.5,
        "last_trade_time": "2024-01-19T15:30:00",
        "options": options,
        **changes,
    }
    return {"timestamp": "2024-01-19 20:45:00", "data": data, "symbol": f"_{symbol}"}


def body(change: Callable[[dict[str, Any]], None] | None = None, zipped: bool = False) -> bytes:
    made = document()
    if change is not None:
        change(made)
    raw = json.dumps(made).encode()
    return gzip.compress(raw) if zipped else raw
