"""What a run is worth: metrics, benchmarks, walk-forward, learning, and the reports that show it."""
