"""Wires rooms together into the commands of ``mw``; nothing else imports it."""
