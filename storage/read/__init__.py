"""What is read: each function works on the caller's connection, in one snapshot of the database."""
