"""The settings: pydantic models of ``config/`` and of the environment.

Precedence, strongest first: the caller's overrides (the command line), variables named
``MW__SECTION__KEY``, ``config/profiles/<name>.yaml``, ``config/strategy.yaml``, the defaults below.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.errors import ConfigError
from engine.journal.settings import AlertSettings, JournalSettings
from engine.risk.blackouts import Kind
from engine.risk.limits import ALL_HALTS, Budget, Limits
from engine.settings_bots import BotsSettings
from engine.settings_files import Layer, complaint, environment, merge, profile_path, read_yaml
from engine.settings_ibkr import IbkrSettings
from engine.settings_services import DashboardSettings, ServeSettings
from engine.settings_session import SessionSettings
from engine.settings_types import (
    Amount,
    Count,
    Halts,
    Minute,
    Positive,
    Real,
    Section,
    Share,
    Symbols,
    Whole,
    clock,
    comma_list,
)

CONFIG_DIR = Path(__file__).resolve().parent.parent / "config"
ENVIRONMENT = "MW__"
_ASIDE = {"delayed", "journal", "alerts", "serve", "dashboard"}


class AccountSettings(Section):
    """The account a backtest starts with, USD."""

    cash: Positive = 150_000.0


class RegimeSettings(Section):
    """Filters every bot can have beside its own; null switches one off."""

    range_max: Positive | None = None
    breadth_min: Annotated[Amount, Field(le=1)] | None = None
    breadth_max: Annotated[Amount, Field(le=1)] | None = None
    crowding_max: Annotated[Positive, Field(le=100)] | None = None
    spike: Positive | None = None
    lean: Annotated[Amount, Field(le=50)] = 10.0
    harvest: Share | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if (
            self.breadth_min is not None
            and self.breadth_max is not None
            and self.breadth_max <= self.breadth_min
        ):
            raise ValueError(
                f"breadth_max is {self.breadth_max}, expected above breadth_min {self.breadth_min}"
            )
        return self

    @property
    def needs_flow(self) -> bool:
        """Whether a filter asks for what was traded of the options."""
        return self.crowding_max is not None or self.spike is not None

    @property
    def needs_breadth(self) -> bool:
        """Whether a filter asks for the universe's breadth."""
        return self.breadth_min is not None or self.breadth_max is not None


class CommonSettings(Section):
    """What all bots share: how often they look, what a credit must earn, when they leave."""

    decide_every: Count = 5
    min_credit_to_cost: Amount = 3.0
    time_stop: Minute = 915
    regime: RegimeSettings = RegimeSettings()


class BudgetSettings(Section):
    """A bot's own pot of risk, USD."""

    planned_loss: Positive
    structural_loss: Positive
    day_cap: Positive


class RiskSettings(Section):
    """What the governor enforces; see `engine.risk.limits.Limits` for the meaning of each."""

    planned_loss: Positive = 50.0
    structural_loss: Positive = 100.0
    day_cap: Positive = 150.0
    day_r: Positive = 3.0
    window_first: Minute = 630
    window_last: Minute = 810
    flat_by: Minute = 925
    cash_fraction: Share = 1.0
    half_days: bool = False
    halt_move: Positive | None = 1.25
    halt_vix: Positive | None = 3.0
    halt_range: Positive | None = 1.0
    close_on: Halts = ALL_HALTS
    budgets: dict[str, BudgetSettings] = {
        "buywrite": BudgetSettings(planned_loss=150.0, structural_loss=1500.0, day_cap=1500.0)
    }
    calendar_required: Annotated[tuple[Kind, ...], BeforeValidator(comma_list)] = (
        Kind.CPI,
        Kind.FOMC,
        Kind.JOBS,
        Kind.EARNINGS,
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.limits()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def limits(self) -> Limits:
        """Return the limits as the governor takes them."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        del values["calendar_required"]
        budgets = {name: Budget(**dict(budget)) for name, budget in self.budgets.items()}
        return Limits(**(values | {"budgets": budgets}))


class LearningSettings(Section):
    """How models are trained, and what they may do; docs/learning.md."""

    kind: Literal["logistic", "boosting"] = "logistic"
    slot_minutes: Annotated[Count, Field(ge=5, le=180)] = 30
    folds: Annotated[Count, Field(ge=2, le=20)] = 5
    embargo_days: Whole = 5
    least_value: Real = 0.0
    shrink: bool = False
    max_age_days: Count = 400


class ExecutionSection(Section):
    """How orders are worked and filled; `engine.execution.settings` explains the model."""

    entry_fraction_start: Annotated[Amount, Field(le=1)] = 0.0
    steps: Count = 4
    requote_minutes: Count = 1
    entry_timeout_minutes: Count = 6
    exit_steps: Count = 3
    fill_fraction: Annotated[Amount, Field(le=1)] = 1.0
    slippage_ticks: Whole = 0


class QuotesSettings(Section):
    """The model quotes: premium over the fair volatility, factor on the spreads. Age of recorded ones."""

    premium: Annotated[Real, Field(gt=-0.9, le=2)] = 0.08
    spread_scale: Amount = 1.0
    max_age_seconds: Positive = 60.0


class DataSettings(Section):
    """What the synthetic bars are made of."""

    generator: Literal["conditioned", "simulated"] = "conditioned"
    seed: Whole = 7
    level: Positive | None = 6000.0
    start: date | None = None
    end: date | None = None
    daily: Path | None = None


class DelayedSettings(Section):
    """Where delayed chains are fetched, to look at and never to trade on."""

    sources: Symbols = ("cboe", "barchart")
    cboe_url: str = "https://cdn.cboe.com/api/global/delayed_quotes/options/{symbol}.json"
    barchart_url: str = "https://ondemand.websol.barchart.com/getEquityOptions.json"
    timeout_seconds: Positive = 10.0
    retries: Whole = 3
    cache_seconds: Amount = 60.0


class Settings(BaseSettings):
    """Everything that can be set. Made by `load`, never by hand outside tests."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, env_prefix=ENVIRONMENT, env_nested_delimiter="__"
    )

    account: AccountSettings = AccountSettings()
    common: CommonSettings = CommonSettings()
    risk: RiskSettings = RiskSettings()
    bots: BotsSettings = BotsSettings()
    learning: LearningSettings = LearningSettings()
    execution: ExecutionSection = ExecutionSection()
    quotes: QuotesSettings = QuotesSettings()
    data: DataSettings = DataSettings()
    delayed: DelayedSettings = DelayedSettings()
    ibkr: IbkrSettings = IbkrSettings()
    session: SessionSettings = SessionSettings()
    journal: JournalSettings = JournalSettings()
    alerts: AlertSettings = AlertSettings()
    serve: ServeSettings = ServeSettings()
    dashboard: DashboardSettings = DashboardSettings()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` has merged, so that every value has a known place."""
        return (init_settings,)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.risk.window_last < self.common.time_stop <= self.risk.flat_by:
            raise ValueError(
                f"common.time_stop is {clock(self.common.time_stop)}, expected after risk.window_last "
                f"{clock(self.risk.window_last)} and not after risk.flat_by {clock(self.risk.flat_by)}"
            )
        return self

    @classmethod
    def load(
        cls,
        config_dir: Path | None = None,
        profile: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Settings:
        """Read, merge and check the settings.

        Parameters
        ----------
        config_dir : Path, optional
            Folder with ``strategy.yaml`` and ``profiles/``; by default the project's ``config/``.
        profile : str, optional
            Name of a file in ``profiles/``, laid over ``strategy.yaml``.
        overrides : mapping, optional
            Nested, laid over everything else.

        Raises
        ------
        ConfigError
            One line naming the place, the key, the value and what was expected.
        """
        layers = cls.layers(config_dir, profile, overrides)
        try:
            return cls(**merge(layers))
        except ValidationError as error:
            raise complaint(error, layers, cls, ENVIRONMENT) from None

    @classmethod
    def layers(
        cls,
        config_dir: Path | None = None,
        profile: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> list[Layer]:
        """Return what each source says, the weakest first; arguments and errors as of `load`."""
        folder = Path(config_dir) if config_dir is not None else CONFIG_DIR
        strategy = folder / "strategy.yaml"
        layers = [Layer(str(strategy), read_yaml(strategy))]
        if profile is not None:
            path = profile_path(folder, profile)
            layers.append(Layer(str(path), read_yaml(path)))
        layers.append(Layer("environment", environment(cls, ENVIRONMENT)))
        layers.append(Layer("command line", dict(overrides or {})))
        return layers

    def to_yaml(self) -> str:
        """Return all values as ``strategy.yaml`` would hold them."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)

    @property
    def needs_flow(self) -> bool:
        """Whether a filter or a model asks for what was traded of the options."""
        asked = any(getattr(self.bots, bot).model for bot in BotsSettings.model_fields)
        return asked or self.common.regime.needs_flow

    @property
    def digest(self) -> str:
        """Return the sha256 of all values a result can depend on: not of where it is kept and shown."""
        told = json.dumps(self.model_dump(mode="json", exclude=_ASIDE), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()
