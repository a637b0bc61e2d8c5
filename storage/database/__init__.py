"""Connections to SQLite and Postgres, and transactions on them."""
