"""Pricing, clocks, ticks and combos: published values, laws, independent libraries."""
