"""Vendors' files into the quote store: every preset, every kind of damage."""
