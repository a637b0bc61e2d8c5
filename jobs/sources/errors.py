"""A source that cannot be used at all: the run stops, and nothing is published."""

from policy.errors import RouterPolicyError


class SourceError(RouterPolicyError, ValueError):
    """A source is missing, empty or unreadable, or its columns do not fit; the text names it and the remedy."""
