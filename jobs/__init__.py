"""What runs: sources, engines, the recompute of one slot, the schedule of slots, backfill, and the demo."""
