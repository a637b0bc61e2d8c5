"""Notifications: what changed between two looks at the store, told to people, and to logs with keys."""
