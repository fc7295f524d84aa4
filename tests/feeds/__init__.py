"""Bars, synthetic minutes, model quotes and lines: laws, references, wrong files."""
