"""The base of every error that this project raises on purpose."""


class RouterPolicyError(Exception):
    """Something a person can mend; the text says what was asked, where, what it was and what to do."""
