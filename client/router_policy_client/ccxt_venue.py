"""A venue behind ccxt: those of its exchanges that place, find and cancel orders by the client's own id."""

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
    meaning_of,
    to_amount,
    to_decimal,
    to_price,
)
from router_policy_client.order import EXACT, Side
from router_policy_client.venue import OrderState, OrderStatus, Quote, VenueError, VenueTimeoutError

_log = logging.getLogger("router_policy_client")
# Where ccxt carries the client's id through all three requests, and how it asks for the trades of one order there. On
# others it drops the id, or asks for the order without an id, which is then some other order or all of them.
_TRADES_OF_ORDER = {
    "binance": "orderId",
    "binanceusdm": "orderId",
    "okx": "ordId",
    "okxus": "ordId",
    "myokx": "ordId",
}
_RETRIES = ("maxRetriesOnFailure", "defaultMaxRetriesOnFailure")
_REPEATED = "set maxRetriesOnFailure to 0 in its options, since a repeated request can place an order twice"
_LONGEST_WINDOW_MILLISECONDS = 30_000
_TRADES_TRIES = 4
_TRADES_PAUSE_MILLISECONDS = 250
_Answer = TypeVar("_Answer")


class _Exchange(Protocol):
    """The part of ccxt's unified interface that is used here, of its synchronous exchanges."""

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
    """Routes over one exchange of ccxt (the synchronous kind), made and configured by the bot: keys, sandbox, timeout.

    It is one of binance, binanceusdm, okx, okxus and myokx. `symbols` names the policies' symbols as ccxt does, as in
    {"BTCUSDT": "BTC/USDT:USDT"}; what is not in it is taken as it is. Quantities are in units of the traded asset, also
    where the exchange counts contracts; contracts that are not linear are refused. Fees and the liquidity flag come
    from the order's trades, asked for once it has ended, and for a second more where they are not complete yet.
    Raises ValueError for an exchange on which orders cannot be found by the client's id, and where it is set to repeat
    failed requests, which would place orders twice (set to that later, it refuses every order), or to let a request
    arrive more than 30 seconds late.
    """

    def __init__(self, exchange: _Exchange, symbols: Mapping[str, str] | None = None) -> None:
        if exchange.id not in _TRADES_OF_ORDER:
            raise ValueError(
                f"ccxt's {exchange.id} does not place, find and cancel orders by the client's own id, without which a "
                f"request that is not answered could be sent twice; there are {', '.join(_TRADES_OF_ORDER)}; for "
                "another write a Venue of your own"
            )
        if _repeats_requests(exchange.options):
            raise ValueError(f"{exchange.id}: {_REPEATED}")
        window = exchange.options.get("recvWindow")
        if isinstance(window, int | float) and window > _LONGEST_WINDOW_MILLISECONDS:
            raise ValueError(
                f"{exchange.id}: with a recvWindow of {window} ms an order may arrive when it counts as never sent; "
                f"set it to {_LONGEST_WINDOW_MILLISECONDS} at most"
            )
        self._exchange = exchange
        self._symbols = dict(symbols or {})

    def quote(self, symbol: str) -> Quote:
        """Return the best prices of the order book. Raises VenueError where a side of it is empty."""
        book = self._ask(lambda: self._exchange.fetch_order_book(self._name(symbol), 5))
        if not book["bids"] or not book["asks"]:
            raise VenueError(f"{symbol}: the order book has no {'asks' if book['bids'] else 'bids'}")
        return Quote(bid=to_decimal(book["bids"][0][0]), ask=to_decimal(book["asks"][0][0]))

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        """Place a limit order with ccxt's `postOnly`."""
        on_tick = self._ask(lambda: self._on_tick(symbol, side, price))
        self._place(symbol, "limit", side, quantity, on_tick, {"clientOrderId": client_order_id, "postOnly": True})

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        """Place a market order, its size in units of the asset whatever the exchange is set to."""
        params: dict[str, object] = {"clientOrderId": client_order_id}
        if "okx" in self._exchange.id and self._ask(lambda: self._market(symbol)).get("spot"):
            params["tgtCcy"] = "base_ccy"
        self._place(symbol, "market", side, quantity, None, params)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        self._ask(lambda: self._exchange.cancel_order("", self._name(symbol), {"clientOrderId": client_order_id}))

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Return an order's state, None where the exchange knows none of this id.

        Raises VenueError for an answer that is about another order.
        """
        name = self._name(symbol)
        try:
            order = self._ask(lambda: self._exchange.fetch_order("", name, {"clientOrderId": client_order_id}))
        except NotFoundError:
            return None
        if order.get("clientOrderId") != client_order_id:
            raise VenueError(f"{symbol}: asked for {client_order_id}, told of {order.get('clientOrderId')!r}")
        return self._state(symbol, order)

    def tradable(self, symbol: str, quantity: Decimal) -> Decimal:
        """Return the most of a quantity that the exchange trades: whole lot steps, 0 below the first.

        An order for anything between two steps is refused. Raises VenueError where the exchange does not say.
        """
        with localcontext(EXACT):
            return self._ask(lambda: self._on_step(symbol, quantity))

    def _on_step(self, symbol: str, quantity: Decimal) -> Decimal:
        size = self._contract_size(symbol)
        try:
            return to_amount(self._exchange.amount_to_precision(self._name(symbol), float(quantity / size))) * size
        except ccxt.InvalidOrder:  # what ccxt raises for less than the first step
            return Decimal(0)

    def _name(self, symbol: str) -> str:
        return self._symbols.get(symbol, symbol)

    def _market(self, symbol: str) -> dict[str, object]:
        self._exchange.load_markets()  # kept by ccxt after the first time
        market = self._exchange.market(self._name(symbol))
        if market.get("contract") and not market.get("linear"):
            raise ccxt.NotSupported(f"{symbol} is no linear contract: its size is not in units of the asset")
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
                    f"{quantity} of {symbol} is between two lot steps, so that a part of it could never be filled; "
                    f"the venue's tradable() gives what to order instead, {on_step}"
                )
            amount = float(quantity / self._contract_size(symbol))
            shown = None if price is None else float(price)
            if _repeats_requests(self._exchange.options):
                raise ccxt.NotSupported(_REPEATED)
            return self._exchange.create_order(self._name(symbol), kind, side.lower(), amount, shown, params)

        self._ask(send)

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
            raise VenueError(f"{symbol}: an order with the status {order['status']!r}, which is unknown here")
        size = self._contract_size(symbol)
        if order["filled"] is None and status is not OrderStatus.REJECTED:
            raise VenueError(f"{symbol}: an order that is {order['status']}, without how much of it was filled")
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
        except Exception:  # noqa: BLE001 - what the trades would tell is worth less than the fill that is known
            _log.warning("%s: the trades of order %s cannot be read", symbol, order["id"], exc_info=True)
            return known

    def _trades(self, symbol: str, order: Mapping[str, object], amount: Decimal) -> list[dict[str, object]]:
        """Return the order's trades, none where they do not sum up to what was filled after some looks."""
        only = {_TRADES_OF_ORDER[self._exchange.id]: order["id"]}
        for number in range(_TRADES_TRIES):
            if number:
                self._exchange.sleep(_TRADES_PAUSE_MILLISECONDS)
            try:
                trades = self._exchange.fetch_my_trades(self._name(symbol), None, None, only)
            except ccxt.NetworkError:
                continue
            own = [trade for trade in trades if trade.get("order") == order["id"]]
            if to_amount(sum((to_decimal(trade["amount"]) for trade in own), Decimal(0))) == amount:
                return own
        return []

    @staticmethod
    def _ask(request: Callable[[], _Answer]) -> _Answer:
        """Make a request and say in a router's words what became of it."""
        try:
            return request()
        except ccxt.OrderNotFound as error:
            raise NotFoundError(str(error)) from error
        except ccxt.ExchangeError as error:
            raise meaning_of(error) from error
        except ccxt.BaseError as error:
            raise VenueTimeoutError(f"{type(error).__name__}: {error}") from error


def _repeats_requests(options: Mapping[str, object]) -> bool:
    """Tell whether ccxt sends a request again that failed; it looks among all options and those of one path."""
    places = [options, *(one for one in options.values() if isinstance(one, dict))]
    return any(place.get(name) for place in places for name in _RETRIES)
