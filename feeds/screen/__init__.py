"""All combinations of an option bot at once: paths priced once, every target and stop read off them."""
