"""Sources: a bot's own logs and candles, read where they lie, as canonical rows with a reason where one is not used."""
