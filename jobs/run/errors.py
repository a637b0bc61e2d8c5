"""Errors of a run."""

from policy.errors import RouterPolicyError


class RunFailedError(RouterPolicyError):
    """A run published nothing; the text gives the reason."""
