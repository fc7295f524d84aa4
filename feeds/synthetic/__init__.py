"""Minutes hung on real days, or simulated from nothing, with the cache that keeps them."""
