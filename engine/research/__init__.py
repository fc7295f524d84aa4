"""Statistics of searches: intervals, overfitting, spaces of settings."""
