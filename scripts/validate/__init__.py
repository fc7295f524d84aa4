"""What the model of the market is worth: checks of it against recorded data."""
