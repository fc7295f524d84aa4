"""Compliance, ramp, ledger and permission: facts by hand, rehearsed sessions, faults."""
