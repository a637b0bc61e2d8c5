"""The settings: read from TOML and the environment, checked, and parsed."""
