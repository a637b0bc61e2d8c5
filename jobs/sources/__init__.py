"""Sources: a bot's own logs and candles, read in place as canonical rows, each rejected row with its reason."""
