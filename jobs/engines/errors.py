"""The error of an engine that cannot do its work."""

from policy.errors import RouterPolicyError


class EngineError(RouterPolicyError, RuntimeError):
    """The engine cannot be reached or fails at a query; the text names the remedy."""
