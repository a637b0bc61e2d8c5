"""Errors of settings and options."""

from policy.errors import RouterPolicyError


class SettingsError(RouterPolicyError, ValueError):
    """A setting or an option is missing, unknown or wrong; the text names it. The command ends with exit code 2."""
