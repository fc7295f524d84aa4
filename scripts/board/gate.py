"""The part of the sessions page that shows how far each bot has come."""
