"""Settings or arguments that cannot be used."""

from policy.errors import RouterPolicyError


class SettingsError(RouterPolicyError, ValueError):
    """A setting is missing, unknown or wrong; the text names it. The command ends with exit code 2."""
