"""A web server that behaves as badly as a test wants."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """A web server that answers as told, the last answer for good: status, headers, seconds to wait."""

    def __init__(self, *answers: tuple[int, dict[str, str], float]) -> None:
        self.answers = list(answers) or [(200, {}, 0.0)]
        self.got: list[dict[str, Any]] = []
        self.times: list[float] = []
        held = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, seconds = held.answers[0] if len(held.answers) == 1 else held.answers.pop(0)
                held.times.append(time.monotonic())
                time.sleep(seconds)
                if status == 200:
                    held.got.append(body)  # first: who has the answer looks at once
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": "0", **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:  # the sender has gone
                    if status == 200:
                        held.got.remove(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"json://127.0.0.1:{self._http.server_address[1]}/"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
