"""What an experiment measures: orders of which chance decided which way they went."""
