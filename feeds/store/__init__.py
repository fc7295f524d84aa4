"""Recorded option quotes on disk: one Parquet file a symbol and day, read by day."""
