"""Named reasons: the same word in code, log, database, report and documentation."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an entry was not taken, an order ended, or a position was closed."""

    # entries not taken: the bot's own filters
    OUTSIDE_WINDOW = "outside_window"
    HALF_DAY = "half_day"
    NO_EXPIRY = "no_expiry"
    WARMING_UP = "warming_up"
    IV_BELOW_REALIZED = "iv_below_realized"
    NOT_COMPRESSED = "not_compressed"
    IV_RANK_LOW = "iv_rank_low"
    TREND = "trend"
    OUTSIDE_MORNING_RANGE = "outside_morning_range"
    NOT_CALM = "not_calm"
    RANGE_BEYOND_IMPLIED = "range_beyond_implied"
    BREADTH = "breadth"
    CROWDED = "crowded"
    WRONG_SIDE = "wrong_side"
    IV_NOT_COLLAPSED = "iv_not_collapsed"
    NO_STRIKE = "no_strike"
    NO_QUOTE = "no_quote"
    CREDIT_BELOW_COST = "credit_below_cost"
    MODEL_VETO = "model_veto"
    POSITION_OPEN = "position_open"
    ENTRIES_USED = "entries_used"
    # entries denied: the governor
    EVENT_BLACKOUT = "event_blackout"
    CALENDAR_UNCOVERED = "calendar_uncovered"
    HALT_MOVE = "halt_move"
    HALT_VIX = "halt_vix"
    HALT_RANGE = "halt_range"
    HALT_DAY_LOSS = "halt_day_loss"
    PLANNED_LOSS_CAP = "planned_loss_cap"
    STRUCTURAL_LOSS_CAP = "structural_loss_cap"
    DAY_CAP = "day_cap"
    MARGIN = "margin"
    ONE_COMBO_PER_BOT = "one_combo_per_bot"
    UNDEFINED_RISK = "undefined_risk"
    VETOED = "vetoed"
    # entries denied while a session runs, until the cause is gone
    DISCONNECTED = "disconnected"
    UNRECONCILED = "unreconciled"
    KILLED = "killed"
    JOURNAL_DOWN = "journal_down"
    # entries taken
    ENTERED = "entered"
    # how an order ended
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    # why a position was closed
    PROFIT_TARGET = "profit_target"
    PREMIUM_KEPT = "premium_kept"
    PLANNED_LOSS = "planned_loss"
    TIME_STOP = "time_stop"
    FLAT_BY_CLOSE = "flat_by_close"
    SETTLED = "settled"
    ASSIGNED = "assigned"
    PROTECTIVE_STOP = "protective_stop"
    UNMARKED = "unmarked"
    SESSION_END = "session_end"
    TAKEN_OVER = "taken_over"

    __hash__ = str.__hash__  # an enumeration's own is written in Python


REASONS = list(Reason)
CODE = {reason: code for code, reason in enumerate(REASONS)}  # reasons as columns of numbers
PASSED = -1  # in such a column: nothing
