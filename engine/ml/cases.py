"""Candidates with what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.ml.features import Feature

Floats = NDArray[np.float64]
RESULTS = (
    "net",
    "gross",
    "planned_loss",
    "best",
    "worst",
    "exit_delta",
    "exit_gamma",
    "exit_vega",
    "exit_theta",
)


@dataclass(frozen=True, eq=False)
class Cases:
    """Candidates of one bot as columns, in the order of their decisions.

    Parameters
    ----------
    schema : tuple of Feature
        Of the columns of ``x``.
    day : ndarray of datetime64[D], shape (n,)
    decided, ended : ndarray of int64, shape (n,)
        Decision and last fill, UTC nanoseconds.
    x : ndarray, shape (n, k)
        NaN where unknown.
    results : DataFrame
        ``RESULTS`` and ``exit_reason``: USD of one unit after costs (``net``), before them
        (``gross``: at mid, without fees), best and worst executable mark while it was held, and
        the combo's greeks at the exit, per share.
    """

    schema: tuple[Feature, ...]
    day: NDArray[np.datetime64]
    decided: NDArray[np.int64]
    ended: NDArray[np.int64]
    x: Floats
    results: pd.DataFrame

    def __len__(self) -> int:
        return len(self.day)

    @property
    def net(self) -> Floats:
        """Net result of one unit, USD."""
        return self.results.net.to_numpy(np.float64)

    @property
    def won(self) -> NDArray[np.bool_]:
        """Whether the rule's own trade ended above zero after costs: the label."""
        return self.net > 0.0

    @property
    def weight(self) -> Floats:
        """Weight of every case: those of a day share one, because they share its market."""
        _, place, count = np.unique(self.day, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / count[place])

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Whether every feature is known."""
        return np.asarray(np.isfinite(self.x).all(axis=1))

    def take(self, rows: NDArray[np.bool_]) -> Cases:
        """Return some of the cases."""
        return Cases(
            self.schema,
            self.day[rows],
            self.decided[rows],
            self.ended[rows],
            self.x[rows],
            self.results[rows],
        )

    def on(self, days: Sequence[date]) -> Cases:
        """Return the cases of some days."""
        return self.take(np.isin(self.day, np.array(days, "datetime64[D]")))

    def dealt(self, seed: int) -> Cases:
        """Return the cases with the results of other days: what is learned of them is worth nothing.

        The results of a day's cases stay together, as far as the other day has as many.
        """
        days, place = np.unique(self.day, return_inverse=True)
        rows = [np.flatnonzero(place == number) for number in range(len(days))]
        order = np.random.default_rng(seed).permutation(len(days))
        taken = np.empty(len(self), np.int64)
        for number, mine in enumerate(rows):
            other = rows[order[number]]
            taken[mine] = other[np.arange(len(mine)) % len(other)]
        results = self.results.iloc[taken].reset_index(drop=True)
        return Cases(self.schema, self.day, self.decided, self.ended, self.x, results)

    def known(self) -> Cases:
        """Return the cases without features that are known of none, such as volumes nobody recorded."""
        kept = np.flatnonzero(np.isfinite(self.x).any(axis=0))
        schema = tuple(self.schema[place] for place in kept.tolist())
        return Cases(schema, self.day, self.decided, self.ended, self.x[:, kept], self.results)

    def table(self) -> pd.DataFrame:
        """Return everything as one table, a row a case."""
        names = [feature.name for feature in self.schema]
        head = pd.DataFrame(
            {
                "day": self.day.astype("datetime64[ns]"),
                "decided": pd.to_datetime(self.decided, utc=True),
                "ended": pd.to_datetime(self.ended, utc=True),
            }
        )
        features = pd.DataFrame(self.x, columns=names)
        return pd.concat([head, features, self.results.reset_index(drop=True)], axis=1)
