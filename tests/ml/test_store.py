"""A model's file is used as it was made, or refused in one line."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from engine.errors import DataError
from engine.ml.features import FEATURES, SCHEMA_VERSION
from engine.ml.models import BOOSTING, LOGISTIC, exported, fit
from engine.ml.store import ABOUT, ESTIMATOR, FORMAT, About, about, load, save, versions
from scripts.cli import main

CONFIG = Path(__file__).parents[2] / "config"
USED = (FEATURES[3], FEATURES[9])
RNG = np.random.default_rng(1)
X = RNG.standard_normal((200, 2))
WON = X[:, 0] + RNG.standard_normal(200) > 0.0


def fitted(kind: str = LOGISTIC) -> Any:
    return fit(kind, X, WON, np.ones(200), (0, 0))


def told(**changes: Any) -> About:
    proof = {
        "tested": ["2016-01-04", "2018-12-31"], "cases": 100, "brier": 0.2, "base_brier": 0.21,
        "gain": [0.01, -0.01, 0.03], "slope": 0.8, "uplift_a_trade": [1.0, -2.0, 4.0], "value_trades": 10,
        "rules_trades": 50,
    }  # fmt: skip
    given: dict[str, Any] = {
        "format": FORMAT, "schema_version": SCHEMA_VERSION, "bot": "condor", "kind": LOGISTIC,
        "features": USED, "trained": (date(2014, 1, 3), date(2017, 12, 29)), "cases": 200, "win": 5.0,
        "loss": 30.0, "calibration": (0.9, 0.1), "versions": versions(), "settings_digest": "f" * 64,
        "proof": proof,
    }  # fmt: skip
    return About(**given | changes)


@pytest.mark.parametrize("kind", [LOGISTIC, BOOSTING])
def test_a_model_read_back_gives_the_same_values(kind: str, tmp_path: Path) -> None:
    model = fitted(kind)
    kept = save(tmp_path / "m.mwmodel", told(kind=kind), model)

    found, learned = load(tmp_path / "m.mwmodel", "condor")

    assert found == kept
    assert found.sha256 and learned.names == ("trend", "minutes_left")
    chance = 1.0 / (1.0 + np.exp(-(0.9 * exported(model).many(X) + 0.1)))
    np.testing.assert_allclose(learned.score.many(X), chance, rtol=1e-12)
    assert learned.value(X[0].tolist()) == pytest.approx(5.0 * chance[0] - 30.0 * (1.0 - chance[0]))
    assert not list(tmp_path.glob(".*")), "nothing half-written is left"


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as held:
        return {name: held.read(name) for name in held.namelist()}


def written(path: Path, **changed: bytes) -> None:
    held = parts(path) | changed
    with zipfile.ZipFile(path, "w") as made:
        for name, body in held.items():
            made.writestr(name, body)


def tamper_estimator(path: Path) -> None:
    body = bytearray(parts(path)[ESTIMATOR])
    body[len(body) // 2] ^= 1
    written(path, **{ESTIMATOR: bytes(body)})


def tamper_words(path: Path) -> None:
    changed = json.loads(parts(path)[ABOUT]) | {"win": 500.0}
    written(path, **{ABOUT: json.dumps(changed).encode()})


def nonsense_words(path: Path) -> None:
    changed = json.loads(parts(path)[ABOUT]) | {"trained": "yesterday"}
    written(path, **{ABOUT: json.dumps(changed).encode()})


def nothing(path: Path) -> None:
    path.unlink()


def text(path: Path) -> None:
    path.write_text("not a model")


def a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(fitted()))


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def another_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("readme.txt", "hello")


BROKEN: tuple[tuple[Callable[[Path], None], str], ...] = (
    (tamper_estimator, "was changed after it was made"),
    (tamper_words, "was changed after it was made"),
    (nonsense_words, "does not say what it is"),
    (nothing, "no such file"),
    (text, "cannot be read"),
    (a_pickle, "cannot be read"),
    (torn, "cannot be read"),
    (another_zip, "holds other parts"),
)


@pytest.mark.parametrize(("breaks", "words"), BROKEN, ids=[breaks.__name__ for breaks, _ in BROKEN])
def test_a_broken_or_foreign_file_is_refused(
    breaks: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.mwmodel"
    save(path, told(), fitted())
    breaks(path)

    for read in (about, lambda one: load(one, "condor")):
        with pytest.raises(DataError, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


OLDER = {k: "1.0" if k == "scikit-learn" else v for k, v in versions().items()}
OTHER = (
    ({"bot": "putlite"}, "is putlite's, expected condor's"),
    ({"format": 0}, "its format is 0, expected 1; train it anew"),
    ({"schema_version": 0}, "features are of schema 0, here is 1"),
    ({"versions": OLDER}, "was made with scikit-learn 1.0, here is"),
    ({"versions": {"tensorflow": "2"}}, "was made with tensorflow 2, here is none"),
    ({"features": (USED[0], replace(USED[1], name="moon"))}, "its feature 'moon' is not known here"),
    ({"features": (USED[0], replace(USED[1], unit="hours"))}, "'minutes_left' means something else here"),
)


@pytest.mark.parametrize(("changes", "words"), OTHER)
def test_an_older_or_anothers_model_is_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    save(tmp_path / "m.mwmodel", told(**changes), fitted())

    with pytest.raises(DataError, match=words):
        load(tmp_path / "m.mwmodel", "condor")


def test_types_that_are_not_allowed_are_refused_unread(tmp_path: Path) -> None:
    save(tmp_path / "m.mwmodel", told(), FunctionTransformer(np.save))

    with pytest.raises(
        DataError, match=r"asks for the type numpy\.\S*save, which is not allowed|got FunctionTransformer"
    ):
        load(tmp_path / "m.mwmodel", "condor")


def test_another_estimator_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "m.mwmodel", told(), RandomForestClassifier(n_estimators=2).fit(X, WON))

    with pytest.raises(DataError, match="not allowed|expected one made by mw train"):
        load(tmp_path / "m.mwmodel", "condor")


def test_a_model_that_never_saw_a_loss_is_refused(tmp_path: Path) -> None:
    other = fitted().fit(X, np.where(WON, 1, 2))
    save(tmp_path / "m.mwmodel", told(), other)

    with pytest.raises(DataError, match=r"knows the classes \[1, 2\]"):
        load(tmp_path / "m.mwmodel", "condor")


def test_a_backtest_with_a_refused_model_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.mwmodel"
    save(path, told(), fitted())
    tamper_estimator(path)
    monkeypatch.setenv("MW__BOTS__CONDOR__MODEL", str(path))

    code = main(
        ["backtest", "--bots", "condor", "--timerange", "20180102-20180112", "--out", str(tmp_path / "runs")]
    )

    assert code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"mw: model {path}: was changed")
    assert not (tmp_path / "runs").exists()


def test_show_and_compare_tell_the_words_of_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "old.mwmodel", told(), fitted())
    save(tmp_path / "new.mwmodel", told(kind=BOOSTING, features=FEATURES[:2]), fitted(BOOSTING))

    assert main(["model", "show", str(tmp_path / "old.mwmodel")]) == 0
    one = capsys.readouterr().out
    assert main(["model", "compare", str(tmp_path / "old.mwmodel"), str(tmp_path / "new.mwmodel")]) == 0
    both = capsys.readouterr().out

    assert "2014-01-03 to 2017-12-29" in one
    assert "logistic" in one and "boosting" not in one
    assert "logistic" in both and "boosting" in both
