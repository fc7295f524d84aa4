"""Whole backtests through `mw backtest`'s own path: equal loops, seeds, errors, files."""
