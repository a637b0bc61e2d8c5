"""Errors of a backtest that cannot be computed from its input."""

from policy.errors import RouterPolicyError


class BacktestError(RouterPolicyError, ValueError):
    """The candles, the log and the question do not fit together; the text says which and what to do."""


class NothingTradedError(BacktestError):
    """No symbol that has candles gets orders."""
