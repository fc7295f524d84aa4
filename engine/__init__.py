"""What trades are made of and held to: quotes, risk, orders, brokers, journal, gate. Knows no bot."""
