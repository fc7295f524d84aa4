"""Limits, halts, blackouts and the governor: laws over drawn days, cases by hand."""
