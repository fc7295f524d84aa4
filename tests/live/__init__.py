"""Whole sessions: rehearsals, lockstep, kills, the guard, what the owner does by hand."""
