"""The validation against recorded data, on files made for it."""
