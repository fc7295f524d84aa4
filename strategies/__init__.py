"""The three bots, and what they have in common: look, open, manage, close."""
