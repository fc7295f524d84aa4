"""Sums over the blocks of bootstrap samples."""

from __future__ import annotations

from typing import Any

from engine.kernels import njit


@njit(cache=True)
def sum_blocks(running: Any, starts: Any, lengths: Any, sums: Any) -> None:
    """Add to every draw's ``sums`` those of its blocks, (draws, blocks), from running sums of the columns."""
    for draw in range(len(starts)):
        for place in range(starts.shape[1]):
            first, length = starts[draw, place], lengths[draw, place]
            if length == 0:
                break
            for column in range(sums.shape[1]):
                sums[draw, column] += running[first + length, column] - running[first, column]
