"""What is written: leases, runs, overrides, and prunes; each function works in the caller's transaction."""
