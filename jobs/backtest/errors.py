"""An evaluation that cannot be made from what it was given."""

from policy.errors import RouterPolicyError


class BacktestError(RouterPolicyError, ValueError):
    """The candles, the log and the question do not fit together; the text says which and what to do."""
