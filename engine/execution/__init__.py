"""How an order works its price: steps of concession, time-outs, fills against quotes."""
