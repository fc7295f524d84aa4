"""Minute bars fetched from a TWS played on this machine."""
