"""Minute bars from Interactive Brokers' history: asked for day by day under the pacing rules."""
