"""What this distribution raises. Reading never does: only settings that cannot work are refused, at the start."""


class RouterPolicyClientError(Exception):
    """The base of every error of this distribution."""


class ReaderSettingsError(RouterPolicyClientError, ValueError):
    """A setting that cannot work, whatever the database does."""


class UnreadableRowError(RouterPolicyClientError, ValueError):
    """A policy that was stored or kept in a form that is not known here."""
