"""Backtrader indicators on minute bars, vectorised for backtests and equal bar by bar live."""
