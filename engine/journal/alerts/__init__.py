"""Alerts: what matters of a journal, told by Telegram, Discord and whatever else Apprise reaches."""
