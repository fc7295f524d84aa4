"""The tests, in the rooms of what they hold against the light, with the helpers that they share."""
