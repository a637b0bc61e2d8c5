"""The errors of this distribution. Reading never raises; only invalid settings do, when the reader is made."""


class RouterPolicyClientError(Exception):
    """The base of every error of this distribution."""


class ReaderSettingsError(RouterPolicyClientError, ValueError):
    """A setting that cannot work with any database."""


class UnreadableRowError(RouterPolicyClientError, ValueError):
    """A stored or saved policy in a form that this version does not know."""
