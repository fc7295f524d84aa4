"""Contracts, prices, volatilities, greeks, chains and the combos made of them."""
