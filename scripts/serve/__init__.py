"""``mw serve``: health, status and metrics of a journal, and TradingView's alerts as vetoes and notes."""
