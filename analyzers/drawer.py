"""A process that gets ready to draw a run's reports while the bots play."""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import suppress
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.beside import beside

if TYPE_CHECKING:
    import pandas as pd

    from analyzers.analysis import Analysis
    from analyzers.result import RunResult

    Order = tuple[RunResult, Analysis, pd.DataFrame | None, Path]


class Drawer:
    """Draws a run's page and picture, on other cores. Start it before the run, `stop` it in any case.

    The reports are drawn here where a process cannot be copied, and again where its process failed, so
    that its error is raised here.
    """

    def __init__(self) -> None:
        self._order: Order | None = None
        self._process = None
        if sys.platform == "linux" and not current_process().daemon:
            context = get_context("fork")
            heard, self._told = context.Pipe(duplex=False)
            self._process = context.Process(target=_draw_when_told, args=(heard, self._told))
            self._process.start()
            heard.close()

    def draw(
        self, result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None, place: Path
    ) -> None:
        """Begin to draw ``report.html`` and ``report.png`` into a folder."""
        self._order = (result, analysis, benchmarks, place)
        if self._process is not None:
            with suppress(BrokenPipeError):  # it is gone: `finish` sees to it
                self._told.send(self._order)

    def finish(self) -> None:
        """Return once the reports are drawn."""
        failed = True
        if self._process is not None:
            self._process.join()
            failed = self._process.exitcode != 0
            self.stop()
        if failed and self._order is not None:
            _draw(*self._order)

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()
            self._told.close()
            self._process = None


def _draw_when_told(heard: Connection, told: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it hears Ctrl-C, and stops it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    told.close()  # else it would wait for itself where the other process was killed
    gc.freeze()
    try:
        import analyzers.report.html
        import analyzers.report.png  # noqa: F401 - what drawing needs is imported while the bots play

        _draw(*heard.recv())
    except Exception:  # noqa: BLE001 - told by the exit code; the error is met again where it can be raised
        sys.exit(1)


def _draw(result: RunResult, analysis: Analysis, benchmarks: pd.DataFrame | None, place: Path) -> None:
    from analyzers.report.html import render_html
    from analyzers.report.png import render_png

    with beside(render_png, result, analysis, benchmarks, place / "report.png"):
        page = render_html(result, analysis, benchmarks)
        (place / "report.html").write_text(page, encoding="utf-8")
