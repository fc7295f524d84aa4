"""Work shared among processes, which leave Ctrl-C to the one that started them."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

# joblib.delayed gives (function, arguments, words)
Call = tuple[Any, tuple[Any, ...], dict[str, Any]]


@contextmanager
def deaf_children() -> Iterator[None]:
    """Let processes started in here never hear Ctrl-C, which a terminal sends to all of them.

    Who started them hears it, a moment later if it comes now, and ends them; their tracebacks
    would say nothing.
    """
    resource_tracker.ensure_running()  # else it starts among them, and unblocks Ctrl-C after that
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spread(calls: Iterable[Call], jobs: int, ordered: bool = True, batch: int = 1) -> Iterator[Any]:
    """Make calls on ``jobs`` processes (-1 one a core) and give what they return as it comes.

    Parameters
    ----------
    calls : iterable
        As `joblib.delayed` makes them.
    jobs : int
    ordered : bool
        In the order of the calls; else as they are finished.
    batch : int
        Calls handed to a process at a time.
    """
    from joblib import Parallel

    kind = "generator" if ordered else "generator_unordered"
    with deaf_children():
        results = Parallel(n_jobs=jobs, return_as=kind, batch_size=batch, pre_dispatch="2*n_jobs")(calls)
    yield from results
