"""Models on disk: a file that says what it is, and is refused when it is not."""

from __future__ import annotations

import hashlib
import json
import platform
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.errors import DataError
from engine.ml.advice import Learned
from engine.ml.features import FEATURES, SCHEMA_VERSION, Feature
from engine.ml.models import Score, exported, need_extra

FORMAT = 1
ABOUT, ESTIMATOR = "about.json", "estimator.skops"
LIMIT = 20_000_000  # bytes of either part: a model of ours has less than one million
# Beside what skops trusts by itself. Whatever else a file asks for is refused unread.
ALLOWED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
EXPECTED = "expected a model made by mw train"


@dataclass(frozen=True, slots=True)
class About:
    """What a model's file says of itself.

    Parameters
    ----------
    format, schema_version : int
    bot, kind : str
    features : tuple of Feature
        In the model's order.
    trained : tuple of date
        First and last session of training and calibration.
    cases : int
    win, loss : float
        USD a unit: mean net result of a win, and of a loss (positive).
    calibration : tuple of float
        Slope and shift of the log odds.
    versions : mapping
        Of Python and of the libraries that made it.
    settings_digest : str
        Of the settings it was trained under.
    proof : mapping
        Figures of its walk-forward, for `mw model show`.
    sha256 : str
        Of everything else in the file.
    """

    format: int
    schema_version: int
    bot: str
    kind: str
    features: tuple[Feature, ...]
    trained: tuple[date, date]
    cases: int
    win: float
    loss: float
    calibration: tuple[float, float]
    versions: Mapping[str, str]
    settings_digest: str
    proof: Mapping[str, Any]
    sha256: str = ""

    def text(self) -> str:
        """Return this as JSON."""
        return json.dumps(asdict(self), indent=1, default=str, sort_keys=True)

    @classmethod
    def of(cls, text: str) -> About:
        """Return what a text tells; ValueError, KeyError or TypeError when it does not."""
        told = json.loads(text)
        return cls(
            **told
            | {
                "features": tuple(Feature(**feature) for feature in told["features"]),
                "trained": tuple(date.fromisoformat(day) for day in told["trained"]),
                "calibration": tuple(float(number) for number in told["calibration"]),
            }
        )


def versions() -> dict[str, str]:
    """Return what a model is made with; a model is used under the same only."""
    import numpy
    import sklearn
    import skops

    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": _minor(numpy.__version__),
        "scikit-learn": _minor(sklearn.__version__),
        "skops": _minor(skops.__version__),
    }


def save(path: Path, about: About, estimator: Any) -> About:
    """Write a model and return what it says of itself, digest and all.

    The file is whole or not there.
    """
    import skops.io

    body = skops.io.dumps(estimator)
    told = replace(about, sha256=_digest(about, body))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as made:
            made.writestr(zipfile.ZipInfo(ABOUT), told.text())
            made.writestr(zipfile.ZipInfo(ESTIMATOR), body)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return told


def about(path: Path) -> About:
    """Return what a model's file says of itself, digest checked, without loading the model.

    Raises
    ------
    DataError
        One line: no such file, no model, tampered with, of another format.
    """
    return _parts(path)[0]


def load(path: Path, bot: str) -> tuple[About, Learned]:
    """Return a model ready to be asked.

    Raises
    ------
    DataError
        One line saying why the file is refused: missing, no model, tampered with, of another
        format, schema, bot or library version, asking for types that are not allowed, or fitted
        to other classes.
    """
    need_extra()
    told, body = _parts(path)
    if told.bot != bot:
        raise DataError(f"model {path}: is {told.bot}'s, expected {bot}'s")
    _same_schema(path, told)
    now = versions()
    for name, version in told.versions.items():
        if now.get(name) != version:
            here = now.get(name, "none")
            raise DataError(f"model {path}: was made with {name} {version}, here is {here}; train it anew")
    raw = exported(_unpacked(path, body))
    score = Score(raw, *told.calibration)
    return told, Learned(score, tuple(feature.name for feature in told.features), told.win, told.loss)


def _same_schema(path: Path, told: About) -> None:
    """Refuse a model whose features mean something else here than where it was trained."""
    if told.schema_version != SCHEMA_VERSION:
        raise DataError(
            f"model {path}: its features are of schema {told.schema_version}, here is {SCHEMA_VERSION}; "
            "train it anew"
        )
    known = {feature.name: feature for feature in FEATURES}
    for feature in told.features:
        if known.get(feature.name) != feature:
            what = "is not known here" if feature.name not in known else "means something else here"
            raise DataError(f"model {path}: its feature {feature.name!r} {what}; train it anew")


def _unpacked(path: Path, body: bytes) -> Any:
    import skops.io

    try:
        asked = skops.io.get_untrusted_types(data=body)
        strange = [name for name in asked if name not in ALLOWED]
        if strange:
            raise DataError(f"model {path}: asks for the type {strange[0]}, which is not allowed")
        return skops.io.loads(body, trusted=list(asked))
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a made-up file makes the reader stumble over
        raise DataError(f"model {path}: cannot be read ({type(error).__name__}), {EXPECTED}") from None


def _parts(path: Path) -> tuple[About, bytes]:
    try:
        with zipfile.ZipFile(path) as held:
            if sorted(held.namelist()) != sorted((ABOUT, ESTIMATOR)):
                raise DataError(f"model {path}: holds other parts, {EXPECTED}")
            if any(part.file_size > LIMIT for part in held.infolist()):
                raise DataError(f"model {path}: is larger than {LIMIT} bytes, {EXPECTED}")
            text, body = held.read(ABOUT).decode(), held.read(ESTIMATOR)
    except FileNotFoundError:
        raise DataError(f"model {path}: no such file, {EXPECTED}") from None
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise DataError(f"model {path}: cannot be read ({type(error).__name__}), {EXPECTED}") from None
    try:
        number = json.loads(text)["format"]
        if number != FORMAT:
            raise DataError(f"model {path}: its format is {number!r}, expected {FORMAT}; train it anew")
        told = About.of(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"model {path}: does not say what it is, {EXPECTED}") from None
    if _digest(replace(told, sha256=""), body) != told.sha256:
        raise DataError(f"model {path}: was changed after it was made (its sha256 differs); train it anew")
    return told, body


def _digest(told: About, body: bytes) -> str:
    return hashlib.sha256(told.text().encode() + b"\0" + body).hexdigest()


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
