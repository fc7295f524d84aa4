"""Learned filters: they may keep a bot from a trade its rules allow, and nothing else."""
