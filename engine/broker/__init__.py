"""The simulated broker: fills, fees, margin, settlement, and a ledger that balances to the cent."""
