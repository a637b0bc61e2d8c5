"""The orders of an experiment, read from the log, and what they say."""
