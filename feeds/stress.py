"""Days that hurt sellers of options, hung on a calm stretch of real days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError
from engine.sessions import session_dates
from feeds.synthetic.daily import embedded

BEFORE = 270  # sessions, so that averages and the rank over a year know something
RAMP = 10  # sessions in which VIX climbs to where it stood the day before
CALM = date(2018, 1, 26)  # the stretch ends here


class Shape(BaseModel):
    """A day's prices over the close before, and VIX at both closes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: date
    name: str
    open: float = Field(gt=0.5, lt=1.5)
    high: float = Field(gt=0.5, lt=1.5)
    low: float = Field(gt=0.5, lt=1.5)
    close: float = Field(gt=0.5, lt=1.5)
    vix_before: float = Field(gt=0)
    vix: float = Field(gt=0)


def load_shapes(path: Path) -> tuple[Shape, ...]:
    """Return the shapes of a file.

    Raises
    ------
    ConfigError
        The file cannot be read, or a shape is none.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise TypeError(f"holds {type(rows).__name__}")
        return tuple(Shape.model_validate(row) for row in rows)
    except (OSError, yaml.YAMLError, TypeError) as error:
        said = " ".join(str(error).split())[:160]
        raise ConfigError(f"{path}: cannot be read ({said}), expected a list of days") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "a day"
        got = repr(first["input"])[:80]
        raise ConfigError(f"{path}: {place} is {got}: {first['msg']}") from None


def daily_rows(shape: Shape) -> pd.DataFrame:
    """Return daily rows of SPX and VIX that end with a shape on its own date.

    The sessions before it have the returns of a calm stretch of real days, so that no past
    warns of it but VIX, which climbs over ten sessions to where it stood the day before.
    """
    dates = session_dates(shape.date - timedelta(days=2 * BEFORE), shape.date)[-BEFORE - 1 :]
    held = embedded()
    stop = held.dates.index(CALM) + 1
    part = slice(stop - BEFORE, stop)
    columns = {name: getattr(held, name)[part] for name in ("open", "high", "low", "close")}
    last = float(columns["close"][-1])
    prices = {name: [*values, last * getattr(shape, name)] for name, values in columns.items()}
    vix = held.vix_close[part].copy()
    vix[-RAMP:] += (shape.vix_before - vix[-1]) * np.linspace(1.0 / RAMP, 1.0, RAMP)
    index = pd.DataFrame({"date": dates, "symbol": "SPX", **prices})
    fear = pd.DataFrame({"date": dates, "symbol": "VIX", "close": [*vix, shape.vix]})
    return pd.concat([index, fear], ignore_index=True)


def write_daily(shapes: Sequence[Shape], folder: Path) -> dict[date, Path]:
    """Write one file of daily rows a shape and return them by date."""
    made = {}
    for shape in shapes:
        made[shape.date] = folder / f"{shape.date}.csv"
        daily_rows(shape).to_csv(made[shape.date], index=False)
    return made
