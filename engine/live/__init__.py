"""What only a session on the clock needs: locks, plans, pace, patience, clean files."""
