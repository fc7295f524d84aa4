"""Models: the same numbers with and without scikit-learn, honest chances, and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from engine.errors import ConfigError, DataError
from engine.ml.models import BOOSTING, LOGISTIC, Linear, Score, calibrate, exported, fit, need_extra

KINDS = (LOGISTIC, BOOSTING)


def drawn(size: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((size, 4)) * (1.0, 10.0, 0.1, 1.0) + (0.0, 50.0, 0.0, 0.0)
    won = x[:, 0] - 0.1 * (x[:, 1] - 50.0) + rng.standard_normal(size) > 0.0
    return x, won, np.full(size, 0.5)


@pytest.fixture(scope="module", params=KINDS)
def fitted(request: pytest.FixtureRequest) -> Any:
    x, won, weight = drawn()
    return fit(request.param, x, won, weight, (1, -1, 0, 0))


def test_exported_model_gives_scikit_learns_log_odds(fitted: Any) -> None:
    x = np.vstack([drawn(seed=2)[0], drawn()[0]])
    raw = exported(fitted)
    expected = fitted.decision_function(x)

    np.testing.assert_allclose(raw.many(x), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        [raw.one(row) for row in x[:50].tolist()], expected[:50], rtol=1e-9, atol=1e-12
    )


def test_a_case_on_a_threshold_falls_to_the_same_side(fitted: Any) -> None:
    if not hasattr(fitted, "_predictors"):
        pytest.skip("a linear model has no thresholds")
    nodes = [node for (tree,) in fitted._predictors for node in tree.nodes if not node["is_leaf"]]
    x = np.tile(np.median(drawn()[0], axis=0), (len(nodes), 1))
    for row, node in zip(x, nodes, strict=True):
        row[node["feature_idx"]] = node["num_threshold"]
    np.testing.assert_allclose(exported(fitted).many(x), fitted.decision_function(x), rtol=1e-9, atol=1e-12)


def test_an_unknown_feature_gives_no_chance(fitted: Any) -> None:
    score = Score(exported(fitted))
    row = drawn()[0][0].copy()
    row[2] = np.nan
    assert math.isnan(score.one(row.tolist()))
    assert np.isnan(score.many(row[None])).all()


def test_boosting_keeps_to_the_signs() -> None:
    x, won, weight = drawn(seed=4)
    raw = exported(fit(BOOSTING, x, won, weight, (1, -1, 0, 0)))
    line = np.linspace(-3.0, 3.0, 200)
    for row in x[:20]:
        for column, sign, scale, middle in ((0, 1, 1.0, 0.0), (1, -1, 10.0, 50.0)):
            moved = np.tile(row, (200, 1))
            moved[:, column] = middle + scale * line
            assert (sign * np.diff(raw.many(moved)) >= -1e-12).all()


def test_both_kinds_learn_what_was_put_in() -> None:
    x, won, weight = drawn(2000)
    new, truth, _ = drawn(2000, seed=9)
    for kind in KINDS:
        chance = Score(exported(fit(kind, x, won, weight, (1, -1, 0, 0)))).many(new)
        assert ((chance - truth) ** 2).mean() < 0.17 < ((won.mean() - truth) ** 2).mean()


def test_calibration_takes_back_what_is_too_sure() -> None:
    x, won, weight = drawn(3000)
    honest = exported(fit(LOGISTIC, x, won, weight, (0,) * 4))
    assert isinstance(honest, Linear)
    sure = Linear([3.0 * one for one in honest.weights], 3.0 * honest.shift + 2.0)

    found = calibrate(sure, *drawn(3000, seed=5))

    new, truth, _ = drawn(3000, seed=6)
    missed, too_sure = (((score.many(new) - truth) ** 2).mean() for score in (found, Score(sure)))
    assert 0.25 < found.slope < 0.5, "three times too sure, less what the penalty had held back"
    assert missed < too_sure - 0.01


def test_a_model_that_points_the_wrong_way_is_taken_for_no_knowledge() -> None:
    x, won, weight = drawn()
    wrong = Linear([-1.0, 0.0, 0.0, 0.0], 0.0)

    found = calibrate(wrong, x, won, weight)

    np.testing.assert_allclose(found.many(x), won.mean(), rtol=1e-9)


def test_calibration_on_one_class_changes_nothing() -> None:
    x, won, weight = drawn()
    raw = Linear([1.0, 0.0, 0.0, 0.0], 0.0)
    assert calibrate(raw, x, np.ones_like(won), weight) == Score(raw)


@pytest.mark.parametrize(("value", "word"), [(True, "won"), (False, "lost")])
def test_a_class_never_seen_is_refused_in_one_line(value: bool, word: str) -> None:
    x, won, weight = drawn()
    with pytest.raises(DataError, match=f"all 600 cases {word}, expected wins and losses"):
        fit(LOGISTIC, x, np.full_like(won, value), weight, (0,) * 4)


def test_too_few_cases_are_refused() -> None:
    x, won, weight = drawn(30)
    with pytest.raises(DataError, match="got 30 cases, expected 40 or more"):
        fit(LOGISTIC, x, won, weight, (0,) * 4)


def test_other_estimators_and_other_classes_are_refused() -> None:
    x, won, weight = drawn()
    with pytest.raises(DataError, match="got RandomForestClassifier, expected one made by mw train"):
        exported(RandomForestClassifier(n_estimators=2).fit(x, won))
    other = fit(LOGISTIC, x, won, weight, (0,) * 4).fit(x, np.where(won, 2, 0))
    with pytest.raises(DataError, match=r"knows the classes \[0, 2\], expected lost and won"):
        exported(other)


def test_without_the_extra_one_line_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.ml.models.find_spec", lambda name: None if name == "skops" else object())
    with pytest.raises(ConfigError, match="skops is not installed, expected the extra ml"):
        need_extra()
