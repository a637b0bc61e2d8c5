"""Runs: one slot computed and published, the schedule of slots, and backfill."""
