"""Sessions on the clock: rehearse, paper, live, and what watches, ends and reconciles them."""
