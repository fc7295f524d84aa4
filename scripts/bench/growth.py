"""How time and memory grow with years and symbols: one point a process, a straight line through them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from scripts.bench.clock import answer, peak, timed

FIRST_YEAR = 2005
YEARS = (1, 2, 5, 10, 20)
SYMBOLS = (1, 6, 12, 23)  # all there are
ONE, SYMBOL_YEARS = "XSP", 1


@dataclass(frozen=True)
class Line:
    """A fit ``base + slope * size``; ``explained`` is R squared."""

    base: float
    slope: float
    explained: float

    @classmethod
    def through(cls, size: Sequence[float], value: Sequence[float]) -> Line:
        """Fit by least squares."""
        x, y = np.asarray(size, float), np.asarray(value, float)
        slope, base = np.polyfit(x, y, 1)
        rest, spread = ((y - base - slope * x) ** 2).sum(), ((y - y.mean()) ** 2).sum()
        return cls(float(base), float(slope), 1.0 - float(rest / spread) if spread > 0.0 else 1.0)


def points(
    years: Sequence[int] = YEARS, symbols: Sequence[int] = SYMBOLS
) -> dict[str, list[dict[str, float]]]:
    """Measure bot putlite on simulated minutes, a process a point."""
    here = "scripts.bench.growth"
    return {
        "years": [answer(["-m", here, str(count), "1"]) for count in years],
        "symbols": [answer(["-m", here, str(SYMBOL_YEARS), str(count)]) for count in symbols],
    }


def one(years: int, count: int) -> dict[str, float]:
    """Return what one run took: bars of all symbols, seconds, megabytes."""
    from engine.broker.fees import FeeSchedule
    from engine.risk.blackouts import EventCalendar
    from engine.settings import CONFIG_DIR, Settings
    from engine.universe import load_universe
    from scripts.bench.fresh import fresh
    from scripts.market import market
    from scripts.session import Setup, play

    universe = load_universe(CONFIG_DIR / "universe.json")
    symbols = [ONE, *(name for name in universe if name != ONE)][:count]
    span = {"start": date(FIRST_YEAR, 1, 1), "end": date(FIRST_YEAR + years - 1, 12, 31)}
    settings = Settings.load(
        CONFIG_DIR,
        overrides={
            "bots": {"putlite": {"symbols": symbols}},
            "data": {"generator": "simulated", **span},
            "risk": {"calendar_required": []},
        },
    )
    fees, calendar = (
        FeeSchedule.load(CONFIG_DIR / "fees.yaml"),
        EventCalendar.load(CONFIG_DIR / "events.json", ()),
    )
    loaded = timed(lambda: market(settings, universe, symbols))
    bars, book = loaded.done
    products = {symbol: universe[symbol] for symbol in symbols}
    setup = Setup(settings, ("putlite",), products, bars, book, calendar, fees)
    first = timed(lambda: play(fresh(setup)))
    again = timed(lambda: play(fresh(setup)), 3)
    return {
        "years": years,
        "symbols": len(symbols),
        "bars": len(bars[ONE]) * len(symbols),
        "trades": len(again.done[0].journal.trades),
        "load": loaded.cpu,
        "first": first.cpu,
        "loop": again.cpu,
        "memory": peak(),
    }


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]), int(sys.argv[2]))))
