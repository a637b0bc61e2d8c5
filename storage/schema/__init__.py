"""The schema: tables, column types, roles, and how a database is brought up to it."""
