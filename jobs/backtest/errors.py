"""Errors of a backtest that cannot be computed from its input."""

from policy.errors import RouterPolicyError


class BacktestError(RouterPolicyError, ValueError):
    """The candles, the log and the request do not fit together; the text names what does not, and the remedy."""


class NothingTradedError(BacktestError):
    """No symbol that has candles gets orders."""
