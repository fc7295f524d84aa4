"""Delayed chains from a server on this machine: caches, politeness, wrong answers."""
