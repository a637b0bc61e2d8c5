"""A venue behind ccxt: any of its exchanges that take post-only orders and look orders up by the client's id."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Context, Decimal
from typing import Protocol, TypeVar

import ccxt

from router_policy_client.order import Side
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
    VenueError,
    VenueTimeoutError,
)

_log = logging.getLogger("router_policy_client")
_STATUSES = {
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
_Answer = TypeVar("_Answer")


class _Exchange(Protocol):
    """The part of ccxt's unified interface that is used here, of its synchronous exchanges."""

    options: dict[str, object]
    precisionMode: int  # noqa: N815 - ccxt's name

    def load_markets(self) -> object: ...
    def market(self, symbol: str, /) -> dict[str, object]: ...
    def fetch_order_book(self, symbol: str, limit: int, /) -> dict[str, list[list[float]]]: ...
    def amount_to_precision(self, symbol: str, amount: float, /) -> str: ...
    def create_order(
        self, symbol: str, kind: str, side: str, amount: float, price: float | None, params: dict[str, object], /
    ) -> object: ...
    def cancel_order(self, order_id: str, symbol: str, params: dict[str, object], /) -> object: ...
    def fetch_order(self, order_id: str, symbol: str, params: dict[str, object], /) -> dict[str, object]: ...
    def fetch_my_trades(
        self, symbol: str, since: int | None, limit: int | None, params: dict[str, object], /
    ) -> list[dict[str, object]]: ...


class CcxtVenue:
    """Routes over one exchange of ccxt (the synchronous kind), made and configured by the bot: keys, sandbox, timeout.

    `symbols` names the policies' symbols as ccxt does, as in {"BTCUSDT": "BTC/USDT:USDT"}; what is not in it is taken
    as it is. Quantities are in units of the traded asset, also where the exchange counts contracts; inverse contracts
    are refused. Fees and the liquidity flag come from the order's trades, asked for once it has ended.
    Raises ValueError where the exchange is set to repeat failed requests, which would place orders twice.
    """

    def __init__(self, exchange: _Exchange, symbols: Mapping[str, str] | None = None) -> None:
        retries = exchange.options.get("maxRetriesOnFailure")
        if retries:
            raise ValueError(
                f"options['maxRetriesOnFailure'] of {exchange} is {retries}: "
                "set it to 0, since a repeated request can place an order twice"
            )
        self._exchange = exchange
        self._symbols = dict(symbols or {})

    def quote(self, symbol: str) -> Quote:
        """Return the best prices of the order book. Raises VenueError where a side of it is empty."""
        book = self._ask(lambda: self._exchange.fetch_order_book(self._name(symbol), 5))
        if not book["bids"] or not book["asks"]:
            raise VenueError(f"{symbol}: the order book has no {'asks' if book['bids'] else 'bids'}")
        return Quote(bid=_decimal(book["bids"][0][0]), ask=_decimal(book["asks"][0][0]))

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place a limit order with ccxt's `postOnly`."""
        on_tick = self._ask(lambda: self._on_tick(symbol, side, price))
        self._place(symbol, "limit", side, quantity, on_tick, {"clientOrderId": client_order_id, "postOnly": True})

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Place a market order."""
        self._place(symbol, "market", side, quantity, None, {"clientOrderId": client_order_id})

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        self._ask(lambda: self._exchange.cancel_order("", self._name(symbol), {"clientOrderId": client_order_id}))

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None where the exchange knows none of this id."""
        name = self._name(symbol)
        try:
            order = self._ask(lambda: self._exchange.fetch_order("", name, {"clientOrderId": client_order_id}))
        except _NotFoundError:
            return None
        return self._state(symbol, order)

    def tradable(self, symbol: str, quantity: Decimal) -> Decimal:
        """Return the most of a quantity that the exchange trades: whole lot steps, 0 below the first.

        An order for anything between two steps is refused. Raises VenueError where the exchange does not say.
        """
        return self._ask(lambda: self._on_step(symbol, quantity))

    def _on_step(self, symbol: str, quantity: Decimal) -> Decimal:
        size = self._contract_size(symbol)
        try:
            return _amount(self._exchange.amount_to_precision(self._name(symbol), float(quantity / size))) * size
        except ccxt.InvalidOrder:  # what ccxt raises for less than the first step
            return Decimal(0)

    def _name(self, symbol: str) -> str:
        return self._symbols.get(symbol, symbol)

    def _market(self, symbol: str) -> dict[str, object]:
        self._exchange.load_markets()  # kept by ccxt after the first time
        market = self._exchange.market(self._name(symbol))
        if market.get("inverse"):
            raise ccxt.NotSupported(f"{symbol} is an inverse contract, whose size is not in units of the asset")
        return market

    def _contract_size(self, symbol: str) -> Decimal:
        market = self._market(symbol)
        return _decimal(market["contractSize"]) if market.get("contract") else Decimal(1)

    def _place(
        self,
        symbol: str,
        kind: str,
        side: Side,
        quantity: Decimal,
        price: Decimal | None,
        params: dict[str, object],
    ) -> None:
        def send() -> object:
            on_step = self._on_step(symbol, quantity)
            if on_step != quantity:
                raise ccxt.InvalidOrder(
                    f"{quantity} of {symbol} is between two lot steps, so that a part of it could never be filled; "
                    f"the venue's tradable() gives what to order instead, {on_step}"
                )
            amount = float(quantity / self._contract_size(symbol))
            shown = None if price is None else float(price)
            return self._exchange.create_order(self._name(symbol), kind, side.lower(), amount, shown, params)

        self._ask(send)

    def _on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Round to the exchange's tick, away from the other side."""
        mode = self._exchange.precisionMode
        precision = self._market(symbol)["precision"]
        assert isinstance(precision, dict)
        if mode == ccxt.TICK_SIZE:
            tick = _decimal(precision["price"])
        elif mode == ccxt.DECIMAL_PLACES:
            tick = Decimal(1).scaleb(-int(precision["price"]))
        else:
            tick = Decimal(1).scaleb(price.adjusted() + 1 - int(precision["price"]))  # significant digits
        steps = price // tick
        is_between = steps * tick != price
        return (steps + (1 if is_between and side is Side.SELL else 0)) * tick

    def _state(self, symbol: str, order: Mapping[str, object]) -> OrderState:
        status = _STATUSES.get(str(order["status"]))
        if status is None:
            raise VenueError(f"{symbol}: an order with the status {order['status']!r}, which is unknown here")
        size = self._contract_size(symbol)
        if order["filled"] is None and status is not OrderStatus.REJECTED:
            raise VenueError(f"{symbol}: an order that is {order['status']}, without how much of it was filled")
        filled = _amount(order["filled"] or 0) * size
        average = order.get("average") or order.get("price")
        if not filled:
            return OrderState(status=status, filled=filled)
        if status is OrderStatus.OPEN:
            return OrderState(status=status, filled=filled, average_price=_positive(average))
        known = OrderState(status=status, filled=filled, average_price=_positive(order.get("average")))
        try:
            trades = self._trades(symbol, order, filled / size)
            return replace(
                known,
                average_price=known.average_price or _average(trades),
                fees=_fees(trades, str(self._market(symbol)["quote"])),
                is_maker=_is_maker(trades),
            )
        except Exception:  # noqa: BLE001 - what the trades would tell is worth less than the fill that is known
            _log.warning("%s: the trades of order %s cannot be read", symbol, order["id"], exc_info=True)
            return known

    def _trades(self, symbol: str, order: Mapping[str, object], amount: Decimal) -> list[dict[str, object]]:
        """Return the order's trades, none where they do not (yet) sum up to what was filled."""
        trades = self._exchange.fetch_my_trades(self._name(symbol), None, None, {"orderId": order["id"]})
        own = [trade for trade in trades if trade.get("order") == order["id"]]
        return own if _amount(sum((_decimal(trade["amount"]) for trade in own), Decimal(0))) == amount else []

    @staticmethod
    def _ask(request: Callable[[], _Answer]) -> _Answer:
        """Make a request and say in a router's words what became of it."""
        try:
            return request()
        except ccxt.OrderNotFound as error:
            raise _NotFoundError(str(error)) from error
        except ccxt.ExchangeError as error:
            raise _meaning(error) from error
        except ccxt.BaseError as error:
            raise VenueTimeoutError(f"{type(error).__name__}: {error}") from error


class _NotFoundError(VenueError):
    """The exchange knows no such order."""


def _meaning(error: ccxt.ExchangeError) -> VenueError:
    """Tell what an exchange has answered: by ccxt's class, and by the text where that says no more than "error"."""
    said = str(error).lower().replace("-", " ").replace("_", " ")
    if isinstance(error, ccxt.DuplicateOrderId) or "duplicat" in said:
        return VenueError(f"this id has been used before, so the order may be there: {error}")
    if isinstance(error, _WOULD_CROSS) or any(words in said for words in _CROSSING_WORDS):
        return PostOnlyRejectedError(str(error))
    if isinstance(error, _REFUSALS) or "insufficient" in said:
        return OrderRejectedError(str(error))
    return VenueError(f"an answer that does not say whether the request was carried out: {error}")


def _decimal(number: object) -> Decimal:
    """Read a number of ccxt's, a float or a text, by its shortest digits."""
    return Decimal(str(number))


def _amount(number: object) -> Decimal:
    """Read an amount, without what adding floats up leaves in the sixteenth digit: no lot step is as fine."""
    return Context(prec=15).create_decimal(str(number)).normalize() + 0


def _positive(number: object) -> Decimal | None:
    return _decimal(number) if number else None


def _average(trades: list[dict[str, object]]) -> Decimal | None:
    if not trades:
        return None
    paid = sum((_decimal(trade["price"]) * _decimal(trade["amount"]) for trade in trades), Decimal(0))
    return paid / sum((_decimal(trade["amount"]) for trade in trades), Decimal(0))


def _fees(trades: list[dict[str, object]], currency: str) -> Decimal | None:
    """Sum the fees up, None where one is unknown or was taken in another currency."""
    total = Decimal(0)
    for trade in trades:
        fee = trade.get("fee")
        if not isinstance(fee, dict) or fee.get("cost") is None or fee.get("currency") != currency:
            return None
        total += _decimal(fee["cost"])
    return total if trades else None


def _is_maker(trades: list[dict[str, object]]) -> bool | None:
    flags = {trade.get("takerOrMaker") for trade in trades}
    if not flags or None in flags:
        return None
    return flags == {"maker"}
