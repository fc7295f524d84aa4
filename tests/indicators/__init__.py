"""Every indicator bar by bar and whole, against independent formulas."""
