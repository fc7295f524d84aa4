"""A quote book over recorded option quotes, read from a store by day."""
