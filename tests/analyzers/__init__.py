"""Figures, statistics and reports: against hand-made runs, laws and independent formulas."""
