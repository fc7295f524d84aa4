"""What a search file says: which keys, which values, how they are chosen and judged."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from engine.errors import ConfigError
from engine.research.space import Axis, Changes, drawn, grid
from engine.settings import Settings
from engine.settings_files import Layer, check_key, complaint, read_yaml
from engine.settings_types import Count, Section, Whole
from scripts.requests import BacktestRequest
from scripts.variants import Variant

Metric = Literal["sharpe", "net", "per_trade", "net_over_drawdown"]
MOST = 100_000  # variants of a grid
SPAN = ("data.start", "data.end")  # all variants are judged on the same days


class WalkForwardSpec(Section):
    """How the days are cut; all counts are sessions.

    ``train`` days choose, ``embargo`` days are left out, ``test`` days judge; ``rolling`` forgets
    the oldest days as it goes, ``anchored`` keeps them all.
    """

    mode: Literal["rolling", "anchored"] = "rolling"
    train: int = Field(252, ge=20)
    test: int = Field(63, ge=5)
    embargo: Whole = 5
    least_trades: Count = 30


class SearchSpec(Section):
    """A search file. ``keys`` is for grid, random and tpe, ``variants`` for list.

    ``signals`` are the bots' own filters or ``open`` ones, see `scripts.signals`.
    """

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]+$")
    family: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]+$")
    bots: tuple[str, ...] | None = None
    timerange: str | None = None
    profile: str | None = None
    fixed: dict[str, Any] = {}
    signals: Literal["own", "open"] = "own"
    search: Literal["grid", "list", "random", "tpe"] = "grid"
    keys: dict[str, Any] = {}
    variants: tuple[dict[str, Any], ...] = ()
    trials: Count = 100
    batch: Count = 8
    seed: Whole = 1
    metric: Metric = "sharpe"
    walkforward: WalkForwardSpec = WalkForwardSpec()

    @model_validator(mode="after")
    def _has_variants(self) -> Self:
        if self.search == "list" and (self.keys or not self.variants):
            raise ValueError("search is list, expected variants and no keys")
        if self.search != "list" and (self.variants or not self.keys):
            raise ValueError(f"search is {self.search}, expected keys and no variants")
        return self


@dataclass(frozen=True)
class Search:
    """A checked search file.

    Parameters
    ----------
    path : Path
    spec : SearchSpec
    axes : tuple of Axis
        Of ``keys``; for a list, the keys any variant names with the values they have there.
    """

    path: Path
    spec: SearchSpec
    axes: tuple[Axis, ...]

    @classmethod
    def load(cls, path: Path, most: int = MOST) -> Search:
        """Read and check a search file whose grid makes at most ``most`` variants.

        Raises
        ------
        ConfigError
            One line: an unknown word or key with the one that was probably meant, a value that
            cannot be.
        """
        layers = [Layer(str(path), read_yaml(path))]
        try:
            spec = SearchSpec(**layers[0].values)
        except ValidationError as error:
            raise complaint(error, layers, SearchSpec, "") from None
        told = [*spec.fixed, *spec.keys, *(key for variant in spec.variants for key in variant)]
        for key in dict.fromkeys(told):
            check_key(Settings, key, str(path))
            if key in SPAN:
                raise ConfigError(
                    f"{path}: {key}: got it as a key, expected timerange for all variants alike"
                )
        both = next((key for key in spec.fixed if key in told[len(spec.fixed) :]), None)
        if both is not None:
            raise ConfigError(f"{path}: {both}: is fixed and searched over, expected one of them")
        try:
            axes = tuple(Axis.of(key, value) for key, value in spec.keys.items())
            if spec.search == "list":
                axes = _axes_of(spec.variants)
            if spec.search == "grid":
                _check_size(axes, most)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        return cls(path, spec, axes)

    @property
    def name(self) -> str:
        """What the search is called."""
        return self.spec.name or self.path.stem

    @property
    def digest(self) -> str:
        """Return a digest of everything the file says that decides which variants are run."""
        told = self.spec.model_dump(mode="json", exclude={"walkforward", "metric", "family", "name"})
        if self.spec.search == "tpe":
            told["metric"] = self.spec.metric
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    def request(self, config: Path, out: Path) -> BacktestRequest:
        """Return the backtest all variants are variants of."""
        return BacktestRequest(
            config=config,
            out=out,
            bots=self.spec.bots,
            timerange=self.spec.timerange,
            profile=self.spec.profile,
        )

    def changes(self) -> list[Changes]:
        """Return the searched keys of every variant, without the fixed ones; not for tpe."""
        if self.spec.search == "grid":
            return grid(self.axes)
        if self.spec.search == "list":
            return [dict(variant) for variant in self.spec.variants]
        return drawn(self.axes, self.spec.trials, self.spec.seed)

    def variant(self, changes: Changes) -> Variant:
        """Return a variant with the fixed keys laid under its own."""
        return Variant({**self.spec.fixed, **changes}, self.spec.signals)


def _check_size(axes: Sequence[Axis], most: int) -> None:
    grid([Axis(axis.key, axis.values[:1]) for axis in axes])
    size = math.prod(len(axis.values) for axis in axes)
    if size > most:
        more = "; mw screen takes more" if most == MOST else ""
        raise ConfigError(f"keys: make {size:,} variants, expected at most {most:,}{more}")


def _axes_of(variants: tuple[dict[str, Any], ...]) -> tuple[Axis, ...]:
    values: dict[str, dict[str, Any]] = {}
    for variant in variants:
        for key, value in variant.items():
            values.setdefault(key, {}).setdefault(repr(value), value)
    return tuple(Axis(key, tuple(held.values())) for key, held in values.items())
