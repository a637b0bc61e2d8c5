"""What exchanges of ccxt answer, read as a router's words: errors, statuses, amounts, trades."""

from decimal import Context, Decimal

import ccxt

from router_policy_client.venue import (
    OrderRejectedError,
    OrderStatus,
    PostOnlyRejectedError,
    VenueError,
)

STATUSES = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "canceling": OrderStatus.OPEN,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
# What ccxt raises where the exchange has answered that nothing was placed. A bare ExchangeError leaves that open: among
# the codes that ccxt raises it for are some that mean "execution status unknown".
_REFUSALS = (
    ccxt.InvalidOrder,
    ccxt.InsufficientFunds,
    ccxt.BadRequest,
    ccxt.AuthenticationError,
    ccxt.ArgumentsRequired,
    ccxt.OperationRejected,
    ccxt.NotSupported,
)
_WOULD_CROSS = (ccxt.OrderImmediatelyFillable, ccxt.OrderNotFillable)
_CROSSING_WORDS = ("post only", "postonly", "immediately match", "as maker")
_USED_BEFORE_WORDS = ("duplicat", "already exist")
_TIMEOUT_WORDS = ("timeout", "timed out", "time out")


class NotFoundError(VenueError):
    """The exchange knows no such order."""


def meaning_of(error: ccxt.ExchangeError) -> VenueError:
    """Tell what an exchange has answered: by ccxt's class, and by the text where that says no more than "error"."""
    said = str(error).lower().replace("-", " ").replace("_", " ")
    if isinstance(error, ccxt.DuplicateOrderId) or any(words in said for words in _USED_BEFORE_WORDS):
        return VenueError(f"this id has been used before, so the order may be there: {error}")
    if any(words in said for words in _TIMEOUT_WORDS):
        return VenueError(f"it may have been carried out: {error}")
    if isinstance(error, _WOULD_CROSS) or any(words in said for words in _CROSSING_WORDS):
        return PostOnlyRejectedError(str(error))
    if isinstance(error, _REFUSALS) or "insufficient" in said:
        return OrderRejectedError(str(error))
    return VenueError(f"an answer that does not say whether the request was carried out: {error}")


def to_decimal(number: object) -> Decimal:
    """Read a number of ccxt's, a float or a text, by its shortest digits."""
    return Decimal(str(number))


def to_amount(number: object) -> Decimal:
    """Read an amount, without what adding floats up leaves in the sixteenth digit: no lot step is as fine."""
    return Context(prec=15).create_decimal(str(number)).normalize() + 0


def to_price(number: object) -> Decimal | None:
    """Read a price, None for none or 0."""
    return to_decimal(number) if number else None


def average_price_of(trades: list[dict[str, object]]) -> Decimal | None:
    """Return the mean price of the trades, None without any."""
    if not trades:
        return None
    paid = sum((to_decimal(trade["price"]) * to_decimal(trade["amount"]) for trade in trades), Decimal(0))
    return paid / sum((to_decimal(trade["amount"]) for trade in trades), Decimal(0))


def fees_of(trades: list[dict[str, object]], currency: str) -> Decimal | None:
    """Sum the fees up, None where one is unknown or was taken in another currency."""
    total = Decimal(0)
    for trade in trades:
        fee = trade.get("fee")
        if not isinstance(fee, dict) or fee.get("cost") is None or fee.get("currency") != currency:
            return None
        total += to_decimal(fee["cost"])
    return total if trades else None


def is_maker_of(trades: list[dict[str, object]]) -> bool | None:
    """Tell whether all trades were maker's, None where one does not say, and without any."""
    flags = {trade.get("takerOrMaker") for trade in trades}
    if not flags or None in flags:
        return None
    return flags == {"maker"}
