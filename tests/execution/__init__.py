"""How orders are worked: limits, concessions, time-outs, on a market made for it."""
