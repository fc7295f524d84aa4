"""What the gate asks for: ``config/gate.yaml``, and no variable of the environment.

A gate that a variable can open is opened by a variable one day; a change of the file is recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.settings_files import Layer, complaint, merge, read_yaml
from engine.settings_types import Amount, Count, Minute, Positive, Real, Section, Share, Whole


class Stage(StrEnum):
    """The steps of the ramp, lowest first."""

    RESEARCH = "research"
    PAPER = "paper"
    SMALL = "small"
    SCALED = "scaled"


class Item(StrEnum):
    """What a session is judged by; each can fail."""

    DATA = "data"
    GOVERNED = "governed"
    LIMITS = "limits"
    WINDOW = "window"
    BLACKOUT = "blackout"
    HALTS = "halts"
    FLAT = "flat"
    BROKER = "broker"
    FEES = "fees"
    OVERRIDE = "override"
    ERRORS = "errors"
    CONFIG = "config"
    CLOCK = "clock"
    RECORD = "record"


class Demotion(StrEnum):
    """Where a breach leads: down to a stage, or nowhere but to the start of the count."""

    RESEARCH = "research"
    PAPER = "paper"
    STAY = "stay"


class ResearchCriteria(Section):
    """What a backtest must show."""

    years: Amount = 2.0
    deflated_sharpe: Annotated[Share, Field(lt=1)] = 0.95
    costs: Annotated[Real, Field(ge=1)] = 1.5
    expectancy_above: Amount = 0.0


class PaperCriteria(Section):
    """What paper sessions must show."""

    sessions: Count = 20
    weeks: Amount = 4.0
    fills: Count = 40
    sharpe_above: Amount = 1.0
    slippage_over: Amount = 0.25
    compliant: Count = 20
    recorded_backtest: bool = True


class SmallCriteria(Section):
    """What one lot must show."""

    compliant: Count = 20


class ScaledCriteria(Section):
    """What every lot more must show, and how many there are."""

    compliant: Count = 30
    lots: Annotated[Count, Field(ge=2)] = 5


class RunCriteria(Section):
    """What counts as sessions in a row."""

    idle_share: Annotated[Amount, Field(lt=1)] = 0.3333333333
    missed: Whole = 2


class SessionCriteria(Section):
    """What makes a session compliant."""

    halt_seconds: Positive = 90.0
    flat_by: Minute = 930
    fee_tolerance: Amount = 0.05
    data_share: Share = 0.95
    silent_seconds: Positive = 180.0


_DEMOTE = {
    Item.GOVERNED: Demotion.RESEARCH,
    Item.CONFIG: Demotion.RESEARCH,
    **dict.fromkeys((Item.DATA, Item.FEES, Item.ERRORS, Item.RECORD), Demotion.STAY),
}


class GateSettings(BaseSettings):
    """Everything the gate asks for. Made by `load`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    research: ResearchCriteria = ResearchCriteria()
    paper: PaperCriteria = PaperCriteria()
    small: SmallCriteria = SmallCriteria()
    scaled: ScaledCriteria = ScaledCriteria()
    run: RunCriteria = RunCriteria()
    session: SessionCriteria = SessionCriteria()
    demote: dict[Item, Demotion] = {item: _DEMOTE.get(item, Demotion.PAPER) for item in Item}

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` has merged."""
        return (init_settings,)

    @model_validator(mode="after")
    def _every_item(self) -> Self:
        missing = [item.value for item in Item if item not in self.demote]
        if missing:
            raise ValueError(f"demote says nothing of {', '.join(missing)}, expected research, paper or stay")
        return self

    @classmethod
    def load(cls, config_dir: Path, overrides: Mapping[str, Any] | None = None) -> GateSettings:
        """Read ``gate.yaml``.

        Raises
        ------
        ConfigError
            One line naming the place, the key, the value and what was expected.
        """
        path = config_dir / "gate.yaml"
        layers = [
            Layer(str(path), read_yaml(path)),
            Layer("command line", dict(overrides or {})),
        ]
        try:
            return cls(**merge(layers))
        except ValidationError as error:
            raise complaint(error, layers, cls, "") from None

    @property
    def digest(self) -> str:
        """Return the sha256 of all values, so that a loosened gate is seen."""
        told = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()
