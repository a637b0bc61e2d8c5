"""The snapshot store: runs and snapshots in SQLite or Postgres, written once, read by routers and analysts."""
