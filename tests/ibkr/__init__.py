"""The broker's side of a live session against the gateway simulator: orders, books, faults."""
