"""The errors of this distribution. A router's reading never raises; invalid settings do, and an analyst's query."""


class RouterPolicyClientError(Exception):
    """The base of every error of this distribution."""


class ReaderSettingsError(RouterPolicyClientError, ValueError):
    """A setting that cannot work with any database."""


class UnreadableRowError(RouterPolicyClientError, ValueError):
    """A stored or saved policy in a form that this version does not know."""


class StoreReadError(RouterPolicyClientError):
    """A query of the store for analysis failed: the database cannot be reached, or holds what cannot be read."""


class UnknownScopeError(RouterPolicyClientError, LookupError):
    """The store has other scopes, and nothing of the one that was asked for."""
