"""A venue over ccxt, for the exchanges that place, fetch and cancel orders by client order id."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Protocol, TypeVar

try:
    import ccxt
except ImportError as error:
    raise ImportError(f"{error}; a venue over ccxt needs router-policy-client[ccxt]") from error

from router_policy_client.ccxt_answers import (
    STATUSES,
    NotFoundError,
    average_price_of,
    fees_of,
    is_maker_of,
    least_of,
    to_amount,
    to_decimal,
    to_price,
    translate_error,
)
from router_policy_client.order import EXACT, Side
from router_policy_client.venue import OrderState, OrderStatus, Quote, VenueError, VenueTimeoutError

_log = logging.getLogger("router_policy_client")
# The exchanges for which ccxt passes the client order id in all three requests, with the parameter that selects the
# trades of one order. For others it drops the id, or asks without one and gets another order or all of them.
_TRADES_OF_ORDER = {
    "binance": "orderId",
    "binanceusdm": "orderId",
    "okx": "ordId",
    "okxus": "ordId",
    "myokx": "ordId",
}
_RETRIES = ("maxRetriesOnFailure", "defaultMaxRetriesOnFailure")
_RETRIES_ERROR = "set maxRetriesOnFailure to 0 in its options: a repeated request can place an order twice"
_LONGEST_WINDOW_MILLISECONDS = 30_000
_TRADES_TRIES = 4
_TRADES_PAUSE_MILLISECONDS = 250
_Answer = TypeVar("_Answer")


class _Exchange(Protocol):
    """The part of ccxt's unified, synchronous interface that is used here."""

    id: str
    options: dict[str, object]
    precisionMode: int  # noqa: N815 - ccxt's name

    def load_markets(self) -> object: ...
    def sleep(self, milliseconds: int, /) -> object: ...
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
    """Routes over one synchronous exchange of ccxt, which the bot creates and configures: keys, sandbox, timeout.

    The exchange is binance, binanceusdm, okx, okxus or myokx. `symbols` maps the policies' symbols to ccxt's, as in
    {"BTCUSDT": "BTC/USDT:USDT"}; other symbols are passed unchanged. Quantities are in units of the traded asset, also
    if the exchange counts contracts; contracts that are not linear are refused. Fees and the liquidity flag come from
    the order's trades, fetched once it has ended, and for one more second if they are incomplete.
    Raises ValueError for an exchange that cannot find orders by client order id, for one that repeats failed requests,
    which could place orders twice (if set later, every order is refused), and for one that accepts a request more than
    30 seconds late.
    """

    def __init__(self, exchange: _Exchange, symbols: Mapping[str, str] | None = None) -> None:
        if exchange.id not in _TRADES_OF_ORDER:
            raise ValueError(
                f"ccxt's {exchange.id} does not place, fetch and cancel orders by client order id, so a request "
                f"without an answer could be sent twice; use one of {', '.join(_TRADES_OF_ORDER)}, "
                "or write a Venue of your own"
            )
        if _repeats_requests(exchange.options):
            raise ValueError(f"{exchange.id}: {_RETRIES_ERROR}")
        window = exchange.options.get("recvWindow")
        if isinstance(window, int | float) and window > _LONGEST_WINDOW_MILLISECONDS:
            raise ValueError(
                f"{exchange.id}: with a recvWindow of {window} ms an order may arrive after it counts as absent; "
                f"set it to {_LONGEST_WINDOW_MILLISECONDS} at most"
            )
        self._exchange = exchange
        self._symbols = dict(symbols or {})

    def quote(self, symbol: str) -> Quote:
        """Return the best prices of the order book. Raises VenueError if a side is empty."""
        book = self._request(lambda: self._exchange.fetch_order_book(self._name(symbol), 5))
        if not book["bids"] or not book["asks"]:
            raise VenueError(f"{symbol}: the order book has no {'asks' if book['bids'] else 'bids'}")
        return Quote(bid=to_decimal(book["bids"][0][0]), ask=to_decimal(book["asks"][0][0]))

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place a limit order with ccxt's `postOnly`."""
        on_tick = self.on_tick(symbol, side, price)
        self._place(symbol, "limit", side, quantity, on_tick, {"clientOrderId": client_order_id, "postOnly": True})

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Place a market order, sized in units of the asset whatever the exchange's setting."""
        params: dict[str, object] = {"clientOrderId": client_order_id}
        if "okx" in self._exchange.id and self._request(lambda: self._market(symbol)).get("spot"):
            params["tgtCcy"] = "base_ccy"
        self._place(symbol, "market", side, quantity, None, params)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Request the cancellation of an order."""
        self._request(lambda: self._exchange.cancel_order("", self._name(symbol), {"clientOrderId": client_order_id}))

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None if the exchange does not know the id.

        Raises VenueError if the answer is another order.
        """
        name = self._name(symbol)
        try:
            order = self._request(lambda: self._exchange.fetch_order("", name, {"clientOrderId": client_order_id}))
        except NotFoundError:
            return None
        if order.get("clientOrderId") != client_order_id:
            raise VenueError(f"{symbol}: fetched {client_order_id}, got {order.get('clientOrderId')!r}")
        return self._state(symbol, order)

    def tradable(self, symbol: str, quantity: Decimal, price: Decimal | None = None) -> Decimal:
        """Return a quantity rounded down to whole lot steps; 0 below the exchange's smallest order.

        That is its first step and its least amount, and with a price its least notional too. An order between two steps
        is refused. Raises VenueError if the exchange does not answer.
        """
        with localcontext(EXACT):
            return self._request(lambda: self._accepted(symbol, quantity, price))

    def on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Return a price rounded to the exchange's tick, away from the other side.

        Raises VenueError if the exchange does not answer.
        """
        return self._request(lambda: self._on_tick(symbol, side, price))

    def _accepted(self, symbol: str, quantity: Decimal, price: Decimal | None) -> Decimal:
        on_step, market = self._on_step(symbol, quantity), self._market(symbol)
        least_amount, least_notional = least_of(market, "amount"), least_of(market, "cost")
        is_too_small = on_step < least_amount * self._contract_size(symbol)
        if price is not None:
            is_too_small = is_too_small or on_step * price < least_notional
        return Decimal(0) if is_too_small else on_step

    def _on_step(self, symbol: str, quantity: Decimal) -> Decimal:
        size = self._contract_size(symbol)
        try:
            return to_amount(self._exchange.amount_to_precision(self._name(symbol), float(quantity / size))) * size
        except ccxt.InvalidOrder:  # ccxt's error below the first step
            return Decimal(0)

    def _name(self, symbol: str) -> str:
        return self._symbols.get(symbol, symbol)

    def _market(self, symbol: str) -> dict[str, object]:
        self._exchange.load_markets()  # cached by ccxt after the first call
        market = self._exchange.market(self._name(symbol))
        if market.get("contract") and not market.get("linear"):
            raise ccxt.NotSupported(f"{symbol} is not a linear contract: its size is not in units of the asset")
        return market

    def _contract_size(self, symbol: str) -> Decimal:
        market = self._market(symbol)
        return to_decimal(market["contractSize"]) if market.get("contract") else Decimal(1)

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
                    f"{quantity} of {symbol} is between two lot steps and could never fill whole; order what the "
                    f"venue's tradable() returns instead, {on_step}"
                )
            amount = float(quantity / self._contract_size(symbol))
            limit = None if price is None else float(price)
            if _repeats_requests(self._exchange.options):
                raise ccxt.NotSupported(_RETRIES_ERROR)
            return self._exchange.create_order(self._name(symbol), kind, side.lower(), amount, limit, params)

        self._request(send)

    def _on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Round to the exchange's tick, away from the other side."""
        mode = self._exchange.precisionMode
        precision = self._market(symbol)["precision"]
        assert isinstance(precision, dict)
        if mode == ccxt.TICK_SIZE:
            tick = to_decimal(precision["price"])
        elif mode == ccxt.DECIMAL_PLACES:
            tick = Decimal(1).scaleb(-int(precision["price"]))
        else:
            tick = Decimal(1).scaleb(price.adjusted() + 1 - int(precision["price"]))  # significant digits
        steps = price // tick
        is_between = steps * tick != price
        return (steps + (1 if is_between and side is Side.SELL else 0)) * tick

    def _state(self, symbol: str, order: Mapping[str, object]) -> OrderState:
        status = STATUSES.get(str(order["status"]))
        if status is None:
            raise VenueError(f"{symbol}: an order with the unknown status {order['status']!r}")
        size = self._contract_size(symbol)
        if order["filled"] is None and status is not OrderStatus.REJECTED:
            raise VenueError(f"{symbol}: an order with the status {order['status']} and no filled amount")
        filled = to_amount(order["filled"] or 0) * size
        average = order.get("average") or order.get("price")
        if not filled:
            return OrderState(status=status, filled=filled)
        if status is OrderStatus.OPEN:
            return OrderState(status=status, filled=filled, average_price=to_price(average))
        known = OrderState(status=status, filled=filled, average_price=to_price(order.get("average")))
        try:
            trades = self._trades(symbol, order, filled / size)
            return replace(
                known,
                average_price=known.average_price or average_price_of(trades),
                fees=fees_of(trades, str(self._market(symbol)["quote"])),
                is_maker=is_maker_of(trades),
            )
        except Exception:  # noqa: BLE001 - the known fill matters more than the details of its trades
            _log.warning("%s: cannot read the trades of order %s", symbol, order["id"], exc_info=True)
            return known

    def _trades(self, symbol: str, order: Mapping[str, object], amount: Decimal) -> list[dict[str, object]]:
        """Return the order's trades; an empty list if after some attempts they do not add up to the filled amount."""
        params: dict[str, object] = {_TRADES_OF_ORDER[self._exchange.id]: order["id"]}
        for number in range(_TRADES_TRIES):
            if number:
                self._exchange.sleep(_TRADES_PAUSE_MILLISECONDS)
            try:
                trades = self._exchange.fetch_my_trades(self._name(symbol), None, None, params)
            except ccxt.NetworkError:
                continue
            own = [trade for trade in trades if trade.get("order") == order["id"]]
            if to_amount(sum((to_decimal(trade["amount"]) for trade in own), Decimal(0))) == amount:
                return own
        return []

    @staticmethod
    def _request(request: Callable[[], _Answer]) -> _Answer:
        """Make a request; translate ccxt's errors into the venue's."""
        try:
            return request()
        except ccxt.OrderNotFound as error:
            raise NotFoundError(str(error)) from error
        except ccxt.ExchangeError as error:
            raise translate_error(error) from error
        except ccxt.BaseError as error:
            raise VenueTimeoutError(f"{type(error).__name__}: {error}") from error


def _repeats_requests(options: Mapping[str, object]) -> bool:
    """Return whether ccxt repeats a failed request; the option may be general or of one path."""
    sections = [options, *(section for section in options.values() if isinstance(section, dict))]
    return any(section.get(name) for section in sections for name in _RETRIES)
