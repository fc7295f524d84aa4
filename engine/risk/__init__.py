"""The governor that no order gets past: limits, halts, calendar, vetoes, the state of a day."""
