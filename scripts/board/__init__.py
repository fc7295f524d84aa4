"""The dashboard: what a journal holds, read, drawn and laid out; it can neither write nor order."""
