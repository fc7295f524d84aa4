"""The settings of the bots; those of plugins are added to them.

A package adds a bot with two entry points of one name: in the group ``market_watch.settings`` its
settings, a subclass of `BotSettings`, and in ``market_watch.bots`` the bot, a subclass of
``strategies.base.Bot``. docs/examples/callfade is one.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from engine.errors import ConfigError
from engine.options.expected_move import Convention
from engine.settings_types import Amount, Count, Delta, Positive, Real, Section, Share, Symbols, Whole

FURTHEST = 2.0  # expected moves to a short strike of a condor
SETTINGS, BOTS = "market_watch.settings", "market_watch.bots"


class BotSettings(Section):
    """What every bot has: where it trades, how much, when it leaves."""

    enabled: bool = True
    symbols: Symbols
    expiry_days: Annotated[Whole, Field(le=1)] = 0
    quantity: Count = 1
    entries_per_day: Count = 1
    planned_loss: Positive
    profit_target: Share
    model: Path | None = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError(f"symbols are {list(self.symbols)}, expected each only once")
        return self


class PutliteSettings(BotSettings):
    """Bot A: the bull put spread."""

    symbols: Symbols = ("XSP",)
    planned_loss: Positive = 50.0
    profit_target: Share = 0.55
    structure: Literal["spread", "cash_secured"] = "spread"
    short_by: Literal["delta", "move"] = "delta"
    short_delta: Delta = 0.18
    short_move: Positive = 1.2
    convention: Convention = Convention.RATIO
    ratio: Positive = 0.85
    width: Positive = 1.0
    compression_max: Positive = 1.0


class BuywriteSettings(BotSettings):
    """Bot B: shares with calls against a part of them, and a put under all of them."""

    symbols: Symbols = ("SPY",)
    planned_loss: Positive = 150.0
    profit_target: Share = 0.5
    shares: Count = 200
    calls: Count = 1
    call_delta: Delta = 0.30
    collar: bool = True
    put_delta: Delta = 0.20
    iv_rank_min: Annotated[Amount, Field(le=100)] = 25.0
    trend_max: Positive = 1.0

    @model_validator(mode="after")
    def _covered(self) -> Self:
        covered = self.calls * 100 / self.shares
        if not 0.25 <= covered <= 0.5:
            raise ValueError(
                f"{self.calls} calls against {self.shares} shares cover {covered:.0%}, expected 25 to 50 %"
            )
        if self.shares % 100:
            raise ValueError(f"shares is {self.shares}, expected whole hundreds: a put covers 100 shares")
        return self


class CondorSettings(BotSettings):
    """Bot C: the iron condor after the morning range."""

    symbols: Symbols = ("XSP",)
    planned_loss: Positive = 50.0
    profit_target: Share = 0.5
    convention: Convention = Convention.RATIO
    ratio: Positive = 0.85
    short_move: Annotated[Real, Field(ge=1, le=FURTHEST)] = 1.2
    width: Positive = 1.0
    range_minutes: Annotated[Count, Field(ge=5, le=240)] = 60
    calm_max: Positive = 0.75
    lean_move: Amount = 0.0

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.short_move + self.lean_move > FURTHEST:
            raise ValueError(
                f"short_move {self.short_move:g} and lean_move {self.lean_move:g} make "
                f"{self.short_move + self.lean_move:g} expected moves, expected at most {FURTHEST:g}"
            )
        return self


class CoreBots(Section):
    """The three bots of the house."""

    putlite: PutliteSettings = PutliteSettings()
    buywrite: BuywriteSettings = BuywriteSettings()
    condor: CondorSettings = CondorSettings()


def plugins(group: str) -> dict[str, Any]:
    """Return what the installed packages offer in a group, by name.

    Raises
    ------
    ConfigError
        One of them cannot be imported, or has the name of a bot of the house.
    """
    found = {}
    for point in entry_points(group=group):
        if point.name in CoreBots.model_fields:
            raise ConfigError(f"plugin {point.value}: is named {point.name}, expected a name of its own")
        try:
            found[point.name] = point.load()
        except Exception as error:  # noqa: BLE001 - the boundary to code that is not ours
            text = f"plugin {point.value}: cannot be imported ({type(error).__name__}: {error})"
            raise ConfigError(text) from None
    return found


def _with_plugins() -> type[CoreBots]:
    added: dict[str, Any] = {}
    for name, kind in plugins(SETTINGS).items():
        if not (isinstance(kind, type) and issubclass(kind, BotSettings)):
            raise ConfigError(f"plugin {name}: its settings are {kind!r}, expected a subclass of BotSettings")
        added[name] = (kind, Field(default_factory=kind))
    return create_model("BotsSettings", __base__=CoreBots, **added) if added else CoreBots


if TYPE_CHECKING:  # the bots of plugins are known when it runs
    BotsSettings = CoreBots
else:
    BotsSettings = _with_plugins()
