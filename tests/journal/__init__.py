"""The journal's database, alerts, secrets and commands on real SQLite and PostgreSQL."""
