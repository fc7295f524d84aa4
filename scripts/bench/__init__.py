"""``make bench``: how fast the backtest is, beside Backtrader's own loop in the same run."""
