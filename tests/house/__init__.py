"""The habits of the house: command line, documentation, settings, structure, screens."""
