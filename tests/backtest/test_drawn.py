"""Whatever the settings and the bars: the fast loop leaves the journal that the stock loop leaves.

The stock loop is called on every bar and looks at every chain; it knows nothing beforehand.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.broker.fees import FeeSchedule
from engine.risk.blackouts import EventCalendar
from engine.settings import Settings
from engine.universe import load_universe
from scripts.backtest import compare
from scripts.market import market
from scripts.session import Setup, play
from tests.backtest.conftest import CONFIG

UNIVERSE, FEES = load_universe(CONFIG / "universe.json"), FeeSchedule.load(CONFIG / "fees.yaml")
CALENDAR = EventCalendar.load(CONFIG / "events.json", ())
# five weeks with a half day in them, and five with an expiry moved by a holiday
SPANS = [(date(2018, 6, 1), date(2018, 7, 6)), (date(2015, 3, 2), date(2015, 4, 6))]

symbols = st.sampled_from([["XSP"], ["SPX"], ["SPY"], ["XSP", "SPX"], ["SPY", "XSP"], ["AAPL", "XSP"]])
every_bot = {
    "symbols": symbols,
    "expiry_days": st.sampled_from([0, 0, 0, 1]),
    "quantity": st.integers(1, 2),
    "entries_per_day": st.integers(1, 3),
    "planned_loss": st.sampled_from([25.0, 50.0, 150.0, 150.0]),
    "profit_target": st.sampled_from([0.1, 0.5, 0.9]),
}
bots = st.fixed_dictionaries(
    {
        "putlite": st.fixed_dictionaries(
            every_bot
            | {
                "structure": st.sampled_from(["spread", "spread", "cash_secured"]),
                "short_by": st.sampled_from(["delta", "move"]),
                "short_delta": st.sampled_from([0.1, 0.18, 0.35]),
                "convention": st.sampled_from(["ratio", "straddle", "sigma"]),
                "width": st.sampled_from([1.0, 5.0, 10.0]),
                "compression_max": st.sampled_from([0.9, 1.0, 3.0]),
            }
        ),
        "buywrite": st.fixed_dictionaries(
            every_bot
            | {
                "collar": st.booleans(),
                "iv_rank_min": st.sampled_from([0.0, 0.0, 25.0]),
                "trend_max": st.sampled_from([1.0, 9.0]),
            }
        ),
        "condor": st.fixed_dictionaries(
            every_bot
            | {
                "convention": st.sampled_from(["ratio", "straddle", "sigma"]),
                "short_move": st.sampled_from([1.0, 1.2, 1.8]),
                "width": st.sampled_from([1.0, 5.0]),
                "calm_max": st.sampled_from([0.5, 0.75, 2.0]),
            }
        ),
    }
)
risk = st.fixed_dictionaries(
    {
        "planned_loss": st.sampled_from([50.0, 300.0, 300.0]),
        "structural_loss": st.sampled_from([100.0, 450.0, 1500.0, 9000.0]),
        "day_cap": st.sampled_from([150.0, 2000.0, 9000.0]),
        "day_r": st.sampled_from([1.0, 3.0, 9.0]),
        "window_first": st.sampled_from(["09:45", "10:30"]),
        "window_last": st.sampled_from(["13:30", "15:00"]),
        "half_days": st.booleans(),
        "halt_move": st.sampled_from([None, 0.3, 1.25]),
        "halt_vix": st.sampled_from([None, 0.5, 3.0]),
        "halt_range": st.sampled_from([None, 0.4, 1.0]),
        "close_on": st.sampled_from([[], ["halt_move", "halt_day_loss"], None]),
        "budgets": st.sampled_from([{}, None]),
        "cash_fraction": st.sampled_from([0.1, 1.0, 1.0]),
        "calendar_required": st.just([]),
    }
)
drawn = st.fixed_dictionaries(
    {
        "bots": bots,
        "risk": risk.map(lambda told: {name: value for name, value in told.items() if value is not None}),
        "common": st.fixed_dictionaries(
            {
                "decide_every": st.sampled_from([1, 5, 7]),
                "min_credit_to_cost": st.sampled_from([0.0, 0.5, 1.5]),
                "time_stop": st.sampled_from(["15:10", "15:25"]),
            }
        ),
        "execution": st.fixed_dictionaries(
            {
                "steps": st.integers(1, 4),
                "requote_minutes": st.integers(1, 3),
                "entry_timeout_minutes": st.sampled_from([1, 6]),
                "fill_fraction": st.sampled_from([0.5, 1.0]),
                "slippage_ticks": st.integers(0, 1),
            }
        ),
        "account": st.fixed_dictionaries({"cash": st.sampled_from([10_000.0, 150_000.0, 1e6])}),
        "quotes": st.fixed_dictionaries({"premium": st.sampled_from([0.0, 0.3, 0.6])}),
    }
)


def setup_of(told: dict[str, Any], span: tuple[date, date], seed: int) -> Setup:
    data = {"generator": "simulated", "start": span[0], "end": span[1], "seed": seed}
    chosen = Settings.load(CONFIG, overrides=told | {"data": data})
    names = ("putlite", "buywrite", "condor")
    held = dict.fromkeys(symbol for name in names for symbol in getattr(chosen.bots, name).symbols)
    bars, book = market(chosen, UNIVERSE, held)
    return Setup(chosen, names, {symbol: UNIVERSE[symbol] for symbol in held}, bars, book, CALENDAR, FEES)


@given(drawn, st.sampled_from(SPANS), st.integers(1, 4))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_loops_leave_the_same_journal_whatever_is_set(
    told: dict[str, Any], span: tuple[date, date], seed: int
) -> None:
    setup = setup_of(told, span, seed)
    compare(play(setup)[0], play(setup, stock_loop=True)[0])
