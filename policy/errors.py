"""The base of every error that this project raises on purpose."""


class RouterPolicyError(Exception):
    """An error that a person can mend; the text names the setting or value, its place, and the remedy."""
