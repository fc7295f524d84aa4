"""Backtests on recorded quotes, against the model that recorded them."""
