"""Fills, fees, margin, settlement and the ledger's cents: laws and cases by hand."""
