"""Features, splits, training and models: no look-ahead, honest proofs, safe files."""
