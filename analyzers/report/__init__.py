"""Reports: tables and charts for the terminal, for self-contained pages and as pictures."""
