"""Searches over the settings: sweep, walk-forward, and the ledger of everything ever tried."""
