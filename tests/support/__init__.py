"""What tests share: servers, made data, oracles, and helpers that are not tests themselves."""
