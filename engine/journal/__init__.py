"""What happened and why, in SQLite or PostgreSQL: records, tables, queries, export, logs."""
