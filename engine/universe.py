"""The universe: every underlying there is, with the facts of its options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError
from engine.options.contract import Product, Settlement, Style, TickRule
from engine.settings_files import did_you_mean

Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Tick(_Strict):
    threshold: Amount
    below: Positive
    above: Positive
    combo: Positive


class _Row(_Strict):
    name: str
    style: Style
    settlement: Settlement
    multiplier: Annotated[int, Field(gt=0)]
    strike_step: Positive
    tick: str
    expiries: Literal["daily", "mwf", "weekly"]
    trading_class: Annotated[str, Field(min_length=1)]
    price: Positive
    beta: float
    idiosyncratic: Amount
    dividend_yield: Annotated[Amount, Field(lt=1)]
    source: str


class _File(_Strict):
    version: Literal[1]
    about: str
    sources: dict[str, str]
    level: Positive
    ticks: dict[str, _Tick]
    symbols: Annotated[dict[str, _Row], Field(min_length=1)]


def load_universe(path: Path) -> dict[str, Product]:
    """Read and check ``config/universe.json``.

    Returns
    -------
    dict of symbol to Product
        ``scale`` is the symbol's price over the SPX level the prices belong to.

    Raises
    ------
    ConfigError
        One line naming file, place, value and what was expected.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file, expected the universe there") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not readable as JSON: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from None
    try:
        told = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        text = first["msg"].replace("Input should be", "expected")
        raise ConfigError(f"{path}: {place}: got {str(first['input'])[:60]!r}, {text}") from None
    return {symbol: _product(path, symbol, row, told) for symbol, row in told.symbols.items()}


def single_stocks(universe: Mapping[str, Product]) -> dict[str, Product]:
    """Return the underlyings with returns of their own: whose breadth is counted."""
    return {symbol: product for symbol, product in universe.items() if product.idiosyncratic > 0.0}


def _product(path: Path, symbol: str, row: _Row, told: _File) -> Product:
    tick = told.ticks.get(row.tick)
    if tick is None:
        hint = did_you_mean(row.tick, told.ticks)
        raise ConfigError(
            f"{path}: symbols.{symbol}.tick: got {row.tick!r}, expected one of {list(told.ticks)}{hint}"
        )
    if row.style is Style.EUROPEAN and row.settlement is Settlement.PHYSICAL:
        raise ConfigError(
            f"{path}: symbols.{symbol}.settlement: got 'physical', expected cash for a european style"
        )
    if row.style is Style.AMERICAN and row.settlement is not Settlement.PHYSICAL:
        raise ConfigError(
            f"{path}: symbols.{symbol}.settlement: got {row.settlement.value!r}, "
            "expected physical for american style"
        )
    return Product(
        symbol=symbol,
        style=row.style,
        settlement=row.settlement,
        multiplier=row.multiplier,
        strike_step=row.strike_step,
        tick=TickRule(tick.threshold, tick.below, tick.above, tick.combo),
        expiries=row.expiries,
        trading_class=row.trading_class,
        scale=row.price / told.level,
        beta=row.beta,
        idiosyncratic=row.idiosyncratic,
        dividend_yield=row.dividend_yield,
        name=row.name,
    )
