"""Sweeps, walk-forwards, screens, controls and the statistics they are judged by."""
