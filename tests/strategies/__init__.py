"""The bots' decisions: by table, one by one, and what is kept of an open trade."""
