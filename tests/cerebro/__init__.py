"""The fast loop against Backtrader's own, event by event."""
