"""Work in a second process while this one goes on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import current_process, get_context
from typing import Any


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Do work that leaves files behind while the block runs; it is done when the block is left.

    It is done after the block where a process cannot be copied, and again where its process failed, so
    that its error is raised here. An error of the block ends it.
    """
    if sys.platform != "linux" or current_process().daemon:
        yield
        work(*arguments)
        return
    process = get_context("fork").Process(target=_quietly, args=(work, *arguments))
    process.start()
    try:
        yield
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
    if process.exitcode:
        work(*arguments)


def _quietly(work: Callable[..., None], *arguments: Any) -> None:
    gc.freeze()  # to look for garbage would copy all of the other process's memory
    try:
        work(*arguments)
    except Exception:  # noqa: BLE001 - told by the exit code; the error is met again where it can be raised
        sys.exit(1)
