"""The two kinds of models, fitted by scikit-learn and asked without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError, DataError
from engine.kernels import njit

Floats = NDArray[np.float64]
LOGISTIC, BOOSTING = "logistic", "boosting"
LEAST_CASES = 40
# Strong shrinkage: some hundred independent days, fifteen features, results mostly noise.
PENALTY = 0.1
TREES, DEPTH, RATE, LEAST_LEAF, RIDGE = 80, 2, 0.05, 40, 5.0


def need_extra() -> None:
    """Raise ConfigError where what models are made with is not installed."""
    for name in ("sklearn", "skops", "threadpoolctl"):
        if find_spec(name) is None:
            raise ConfigError(f"models: {name} is not installed, expected the extra ml")


class Raw(Protocol):
    """A model's uncalibrated log odds."""

    def one(self, values: Sequence[float]) -> float: ...

    def many(self, x: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Score:
    """A calibrated chance of a win: 1 / (1 + exp(-(slope x raw + shift))), Platt (1999)."""

    raw: Raw
    slope: float = 1.0
    shift: float = 0.0

    def one(self, values: Sequence[float]) -> float:
        """Return the chance of one case; NaN when a feature is unknown."""
        log_odds = self.slope * self.raw.one(values) + self.shift
        if log_odds != log_odds:
            return math.nan
        return 1.0 / (1.0 + math.exp(-min(max(log_odds, -50.0), 50.0)))

    def many(self, x: Floats) -> Floats:
        """Return the chances of many cases, rows of ``x``."""
        log_odds = np.clip(self.slope * self.raw.many(x) + self.shift, -50.0, 50.0)
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


class Linear:
    """Log odds of a logistic regression on scaled features, as plain numbers."""

    def __init__(self, weights: Sequence[float], shift: float) -> None:
        self.weights, self.shift = [float(weight) for weight in weights], float(shift)

    def one(self, values: Sequence[float]) -> float:
        total = self.shift
        for weight, value in zip(self.weights, values, strict=True):
            total += weight * value
        return total

    def many(self, x: Floats) -> Floats:
        return np.asarray(x @ np.array(self.weights) + self.shift)


@njit(cache=True)
def _walk(x: Any, nodes: Any, roots: Any, shift: float) -> float:
    """Sum the leaves one case falls into; a node is feature, threshold, left, right, value."""
    total = shift
    for root in roots:
        at = root
        while nodes[at, 0] >= 0.0:
            here = x[int(nodes[at, 0])]
            at = int(nodes[at, 2] if here <= nodes[at, 1] else nodes[at, 3])
        total += nodes[at, 4]
    return total


@njit(cache=True)
def _walk_many(x: Any, nodes: Any, roots: Any, shift: float) -> Any:
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = _walk(x[i], nodes, roots, shift)
    return out


class Trees:
    """Log odds of boosted trees, in one compiled walk; NaN when any feature is."""

    def __init__(self, nodes: Floats, roots: NDArray[np.int64], shift: float) -> None:
        self.nodes, self.roots, self.shift = nodes, roots, shift

    def one(self, values: Sequence[float]) -> float:
        x = np.array(values, np.float64)
        return math.nan if np.isnan(x).any() else float(_walk(x, self.nodes, self.roots, self.shift))

    def many(self, x: Floats) -> Floats:
        out = _walk_many(np.ascontiguousarray(x, np.float64), self.nodes, self.roots, self.shift)
        return np.where(np.isnan(x).any(axis=1), np.nan, out)


def fit(kind: str, x: Floats, won: NDArray[np.bool_], weight: Floats, signs: Sequence[int]) -> Any:
    """Return a fitted scikit-learn model of the chance of a win.

    Parameters
    ----------
    kind : str
        ``logistic``: L2-regularised, features scaled; ``boosting``: shallow trees that keep to
        ``signs``.
    x : ndarray, shape (n, k)
        Finite.
    won : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
        Of every case; cases of one day share its weight.
    signs : sequence of int, length k

    Raises
    ------
    DataError
        Too few cases, or all of one class.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    if len(won) < LEAST_CASES:
        raise DataError(f"training: got {len(won)} cases, expected {LEAST_CASES} or more")
    if won.all() or not won.any():
        raise DataError(
            f"training: all {len(won)} cases {'won' if won.all() else 'lost'}, expected wins and losses"
        )
    y = won.astype(np.int64)
    with threadpool_limits(1):  # a few thousand rows: threads cost more than they bring
        if kind == LOGISTIC:
            model: Any = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
            return model.fit(x, y, logisticregression__sample_weight=weight)
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_depth=DEPTH,
            learning_rate=RATE,
            min_samples_leaf=LEAST_LEAF,
            l2_regularization=RIDGE,
            monotonic_cst=list(signs),
            early_stopping=False,
            random_state=0,
        )
        return model.fit(x, y, sample_weight=weight)


def calibrate(raw: Raw, x: Floats, won: NDArray[np.bool_], weight: Floats) -> Score:
    """Return the score whose log odds were bent to fit later cases (Platt scaling).

    A slope below zero would turn the model's order around and is taken for no knowledge at
    all: every case then has the later cases' share of wins. Without both classes there is
    nothing to fit to, and the score stays as it is.
    """
    from sklearn.linear_model import LogisticRegression

    if won.all() or not won.any():
        return Score(raw)
    found = LogisticRegression(C=1.0, max_iter=1000).fit(raw.many(x)[:, None], won, sample_weight=weight)
    slope, shift = float(found.coef_[0, 0]), float(found.intercept_[0])
    if slope > 0.0:
        return Score(raw, slope, shift)
    share = float(np.average(won, weights=weight))
    return Score(raw, 0.0, math.log(share / (1.0 - share)))


def exported(model: Any) -> Raw:
    """Return the log odds of a fitted model without scikit-learn.

    Raises
    ------
    DataError
        The model is of another kind, or knows other classes than lost and won.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline | HistGradientBoostingClassifier):
        raise DataError(f"model: got {type(model).__name__}, expected one made by mw train")
    classes = np.asarray(model.classes_).tolist()
    if classes != [0, 1]:
        raise DataError(f"model: knows the classes {classes}, expected lost and won (0, 1)")
    if isinstance(model, Pipeline):
        scaler, linear = model[0], model[-1]
        weights = linear.coef_[0] / scaler.scale_
        return Linear(weights.tolist(), float(linear.intercept_[0] - weights @ scaler.mean_))
    return _trees(model)


def _trees(model: Any) -> Trees:
    parts, roots, start = [], [], 0
    for (tree,) in model._predictors:
        nodes = tree.nodes
        leaf = nodes["is_leaf"].astype(bool)
        rows = np.zeros((len(nodes), 5))
        rows[:, 0] = np.where(leaf, -1, nodes["feature_idx"])
        rows[:, 1] = nodes["num_threshold"]
        rows[:, 2], rows[:, 3] = nodes["left"] + start, nodes["right"] + start
        rows[:, 4] = np.where(leaf, nodes["value"], 0.0)
        parts.append(rows)
        roots.append(start)
        start += len(nodes)
    return Trees(np.vstack(parts), np.array(roots, np.int64), float(model._baseline_prediction[0, 0]))
