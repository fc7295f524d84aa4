"""The gateway simulator as its clients see it over TCP."""
