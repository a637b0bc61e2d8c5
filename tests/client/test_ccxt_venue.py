"""The venue over ccxt, against an exchange on this machine that speaks the order endpoints of Binance USD-M."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext

import ccxt
import pytest

from router_policy_client.ccxt_venue import CcxtVenue
from router_policy_client.leg import Patience
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
    VenueError,
    VenueTimeoutError,
)
from tests.client.exchange_server import Exchange, served, settings_of
from tests.client.scripted import READING, TAKER, Kept, Reader

SYMBOLS = {"BTCUSDT": "BTC/USDT:USDT"}
PLACE, FETCH, CANCEL = "POST /fapi/v1/order", "GET /fapi/v1/order", "DELETE /fapi/v1/order"
BRISK = Routing(
    patience=Patience(
        maker_wait_seconds=0.1, taker_wait_seconds=0.1, poll_seconds=0.01, absence_seconds=0.1, confirm_seconds=30.0
    )
)


@pytest.fixture
def exchange() -> Iterator[tuple[Exchange, CcxtVenue]]:
    """An exchange of the test's own, and the venue that routes over it; nothing else can be reached."""
    with served() as (exchange, address):
        client = ccxt.binanceusdm(settings_of(address))
        yield exchange, CcxtVenue(client, SYMBOLS)
        client.session.close()


def route(venue: CcxtVenue, *, side: Side = Side.BUY, maker_first: bool = True, routing: Routing = BRISK) -> Outcome:
    log = Kept()
    order = Order(order_id="bot-1", symbol="BTCUSDT", side=side, quantity=Decimal("1.5"))
    outcome = route_order(order, venue, Reader(READING if maker_first else TAKER), log, routing=routing)
    assert log.outcomes == [outcome]
    return outcome


def lose(venue: CcxtVenue, server: Exchange, requests: dict[str, bool]) -> None:
    """Leave requests unanswered, carried out or not, once the markets are known; do not wait long for them."""
    venue.quote("BTCUSDT")
    venue._exchange.timeout = 300  # type: ignore[attr-defined]  # milliseconds, of ccxt's own object
    server.lose = requests


def test_the_best_prices_are_those_of_the_book(exchange: tuple[Exchange, CcxtVenue]) -> None:
    assert exchange[1].quote("BTCUSDT") == Quote(bid=Decimal("99.9"), ask=Decimal("100.1"))


@pytest.mark.parametrize(
    ("side", "price", "sent"),
    [
        (Side.BUY, "99.97", "99.9"),  # the tick is 0.1: a purchase is rounded down, a sale up
        (Side.BUY, "99.9", "99.9"),
        (Side.SELL, "100.01", "100.1"),
        (Side.SELL, "100.1", "100.1"),
    ],
)
def test_a_post_only_order_goes_out_on_a_tick_away_from_the_other_side(
    exchange: tuple[Exchange, CcxtVenue], side: Side, price: str, sent: str
) -> None:
    exchange[1].place_post_only("BTCUSDT", side, Decimal("0.25"), Decimal(price), "id1")

    method, path, parameters = exchange[0].requests[-1]
    assert f"{method} {path}" == PLACE
    wanted = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTX", "quantity": "0.25"}
    assert parameters | wanted | {"price": sent, "newClientOrderId": "id1"} == parameters


def test_an_order_is_told_with_its_fills_fees_and_liquidity(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    server.fill_maker = 0.25
    venue.place_post_only("BTCUSDT", Side.BUY, Decimal("1.5"), Decimal("99.9"), "id1")

    resting = venue.fetch_order("BTCUSDT", "id1")
    venue.cancel_order("BTCUSDT", "id1")
    ended = venue.fetch_order("BTCUSDT", "id1")

    quarter, price = Decimal("0.25"), Decimal("99.9")
    assert resting == OrderState(status=OrderStatus.OPEN, filled=quarter, average_price=price)
    assert ended == OrderState(
        status=OrderStatus.CANCELED,
        filled=quarter,
        average_price=price,
        fees=Decimal("0.004995"),  # 2 bps of 0.25 * 99.9
        is_maker=True,
    )


def test_fees_are_unknown_until_every_trade_of_the_order_is_known(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    venue.place_market("BTCUSDT", Side.BUY, Decimal("1.5"), "id1")
    (trade,) = server.trades
    trade["qty"] = "0.500"  # the rest is not reported yet

    late = venue.fetch_order("BTCUSDT", "id1")
    trade["qty"], trade["commissionAsset"] = "1.500", "BNB"
    other = venue.fetch_order("BTCUSDT", "id1")

    assert late is not None
    assert other is not None
    assert (late.filled, late.fees, late.is_maker) == (Decimal("1.5"), None, None)
    assert (other.filled, other.fees, other.is_maker) == (Decimal("1.5"), None, False)


def test_an_order_that_is_not_there_is_none(exchange: tuple[Exchange, CcxtVenue]) -> None:
    assert exchange[1].fetch_order("BTCUSDT", "id1") is None


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected.",
         PostOnlyRejectedError),
        (-2010, "Order would immediately match and take.", PostOnlyRejectedError),
        (-2019, "Margin is insufficient.", OrderRejectedError),
        (-1111, "Precision is over the maximum defined for this asset.", OrderRejectedError),
        (-1007, "Timeout waiting for response from backend server. Send status unknown.", VenueTimeoutError),
        (-1006, "An unexpected response was received from the message bus. Execution status unknown.", VenueError),
        (-4116, "ClientOrderId is duplicated.", VenueError),
    ],
)  # fmt: skip
def test_errors_of_the_exchange_are_translated_into_those_of_a_venue(
    exchange: tuple[Exchange, CcxtVenue], code: int, text: str, error: type[VenueError]
) -> None:
    server, venue = exchange
    server.refusals = {"GTX": (code, text)}

    with pytest.raises(VenueError) as raised:
        venue.place_post_only("BTCUSDT", Side.BUY, Decimal(1), Decimal(99), "id1")

    certain = (PostOnlyRejectedError, OrderRejectedError)
    assert isinstance(raised.value, error)
    assert isinstance(raised.value, certain) is (error in certain)


def test_less_than_the_exchange_trades_is_refused_before_it_is_sent(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange

    with pytest.raises(OrderRejectedError, match="instead, 0"):
        venue.place_market("BTCUSDT", Side.BUY, Decimal("0.0004"), "id1")

    assert server.orders == {}


@pytest.mark.parametrize(("asked", "tradable"), [("1.5", "1.5"), ("0.0015", "0.001"), ("0.0004", "0")])
def test_a_quantity_between_two_lot_steps_is_refused_whole_and_what_would_fit_is_told(
    exchange: tuple[Exchange, CcxtVenue], asked: str, tradable: str
) -> None:
    server, venue = exchange

    assert venue.tradable("BTCUSDT", Decimal(asked)) == Decimal(tradable)  # the step is 0.001
    if asked == tradable:
        return
    with pytest.raises(OrderRejectedError, match="between two lot steps"):
        venue.place_post_only("BTCUSDT", Side.BUY, Decimal(asked), Decimal(99), "id1")
    assert server.orders == {}


class Telling:
    """An exchange of ccxt's that tells orders and trades as a test says."""

    id = "binanceusdm"
    options: Mapping[str, object] = {}
    order: Mapping[str, object] = {}
    trades: Sequence[object] | Exception = ()

    def __init__(self) -> None:
        self.slept_milliseconds: list[int] = []

    def sleep(self, milliseconds: int) -> None:
        self.slept_milliseconds.append(milliseconds)

    def load_markets(self) -> None: ...

    def market(self, *_: object) -> dict[str, object]:
        return {"quote": "USDT"}

    def fetch_order(self, *_: object) -> Mapping[str, object]:
        return {"id": "1", "clientOrderId": "id1", "average": 100.0, **self.order}

    def fetch_my_trades(self, *_: object) -> Sequence[object]:
        if isinstance(self.trades, Exception):
            raise self.trades
        return self.trades


def telling(order: Mapping[str, object], trades: Sequence[object] | Exception = ()) -> CcxtVenue:
    exchange = Telling()
    exchange.order, exchange.trades = order, trades
    return CcxtVenue(exchange)  # type: ignore[arg-type]  # only what looking at an order takes


@pytest.mark.parametrize("status", ["open", "closed", "canceled", "expired"])
def test_an_order_of_which_it_is_not_told_how_much_was_filled_has_not_been_told(status: str) -> None:
    with pytest.raises(VenueError, match="and no filled amount"):
        telling({"status": status, "filled": None}).fetch_order("BTCUSDT", "id1")


def test_an_order_that_was_rejected_was_not_filled() -> None:
    state = telling({"status": "rejected", "filled": None}).fetch_order("BTCUSDT", "id1")

    assert state == OrderState(status=OrderStatus.REJECTED, filled=Decimal(0))


@pytest.mark.parametrize(
    ("reported", "filled"),
    [(0.7999999999999999, "0.8"), (0.30000000000000004, "0.3"), ("123456789.12", "123456789.12")],
)
def test_a_filled_amount_has_no_rounding_error_of_floats(reported: object, filled: str) -> None:
    state = telling({"status": "closed", "filled": reported}).fetch_order("BTCUSDT", "id1")

    assert state is not None
    assert state.filled == Decimal(filled)


TRADE = {
    "order": "1",
    "amount": 2.0,
    "price": 100.0,
    "takerOrMaker": "maker",
    "fee": {"cost": 0.04, "currency": "USDT"},
}


@pytest.mark.parametrize(
    "trades",
    [
        KeyError("symbol"),
        [{**TRADE, "amount": None}],
        [{**TRADE, "fee": {"cost": "x", "currency": "USDT"}}],
        [None],
    ],
)
def test_trades_that_cannot_be_read_hide_no_fill(trades: Sequence[object] | Exception) -> None:
    state = telling({"status": "closed", "filled": 2.0}, trades).fetch_order("BTCUSDT", "id1")

    assert state == OrderState(status=OrderStatus.FILLED, filled=Decimal(2), average_price=Decimal("100.0"))


def test_trades_that_can_be_read_tell_fees_and_liquidity() -> None:
    state = telling({"status": "closed", "filled": 2.0}, [TRADE]).fetch_order("BTCUSDT", "id1")

    assert state is not None
    assert (state.fees, state.is_maker) == (Decimal("0.04"), True)


def test_an_order_is_filled_as_maker_over_a_real_connection(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    server.fill_maker = 1.5

    outcome = route(venue)

    assert (outcome.maker_filled, outcome.filled, outcome.average_price) == (True, Decimal("1.5"), Decimal("99.9"))
    assert outcome.slippage_bps == pytest.approx(-10.0)
    assert outcome.fees == Decimal("0.02997")  # 2 bps of 1.5 * 99.9
    assert set(server.orders) == set(outcome.client_order_ids)


def test_a_part_rests_and_the_remainder_crosses(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    server.fill_maker, server.on_cancel = 0.5, 0.25

    outcome = route(venue, side=Side.SELL)

    assert [order["origQty"] for order in server.orders.values()] == ["1.500", "0.750"]
    assert [order["status"] for order in server.orders.values()] == ["CANCELED", "FILLED"]
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used) == (Decimal("1.5"), False, True)


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_a_placing_that_is_not_answered_is_cleared_up(
    exchange: tuple[Exchange, CcxtVenue], is_carried_out: bool
) -> None:
    server, venue = exchange
    server.fill_maker = 1.5
    lose(venue, server, {PLACE: is_carried_out})

    outcome = route(venue)

    traded = sum(float(trade["qty"]) for trade in server.trades)
    placed = [parameters for method, path, parameters in server.requests if f"{method} {path}" == PLACE]
    assert float(outcome.filled) == traded == (1.5 if is_carried_out else 0.0)
    assert outcome.unfilled_reason is (None if is_carried_out else UnfilledReason.NOT_PLACED)
    assert len({parameters["newClientOrderId"] for parameters in placed}) == len(placed)  # none was sent twice


def test_an_exchange_that_does_not_say_how_an_order_ended_leaves_it_unconfirmed(
    exchange: tuple[Exchange, CcxtVenue],
) -> None:
    server, venue = exchange
    lose(venue, server, {FETCH: True, CANCEL: False})

    outcome = route(venue, routing=replace(BRISK, patience=replace(BRISK.patience, confirm_seconds=0.2)))

    assert outcome.unfilled_reason is UnfilledReason.UNCONFIRMED
    assert outcome.unresolved_ids == tuple(server.orders)
    assert len(server.orders) == 1


def test_straight_to_taker_over_a_real_connection(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange

    outcome = route(venue, maker_first=False)

    assert (outcome.maker_started, outcome.filled, outcome.fallback_used) == (False, Decimal("1.5"), False)
    assert [order["type"] for order in server.orders.values()] == ["MARKET"]


def test_sizes_in_contracts_are_told_in_units_of_the_asset(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    venue.quote("BTCUSDT")
    venue._exchange.market("BTC/USDT:USDT")["contractSize"] = 0.01

    venue.place_market("BTCUSDT", Side.BUY, Decimal("1.5"), "id1")

    assert server.orders["id1"]["origQty"] == "150.000"
    state = venue.fetch_order("BTCUSDT", "id1")
    assert state is not None
    assert state.filled == Decimal("1.5")


def test_contracts_whose_size_is_not_in_the_asset_are_refused(exchange: tuple[Exchange, CcxtVenue]) -> None:
    _, venue = exchange
    venue.quote("BTCUSDT")
    venue._exchange.market("BTC/USDT:USDT")["linear"] = False

    with pytest.raises(OrderRejectedError, match="not a linear contract"):
        venue.place_market("BTCUSDT", Side.BUY, Decimal("1.5"), "id1")


def capturing(name: str, kind: str) -> tuple[CcxtVenue, str, list[tuple[str, str]]]:
    """An exchange of ccxt's with one market, what it is called there, and what would leave: URLs and bodies."""
    exchange = getattr(ccxt, name)(
        {"apiKey": "key", "secret": "c2VjcmV0", "password": "word", "enableRateLimit": False}
    )
    is_spot = kind == "spot"
    market = {
        "id": "BTCUSDT",
        "symbol": "BTC/USDT" if is_spot else "BTC/USDT:USDT",
        "type": kind,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "settle": None if is_spot else "USDT",
        "settleId": None if is_spot else "USDT",
        "spot": is_spot,
        "swap": not is_spot,
        "contract": not is_spot,
        "margin": False,
        "active": True,
        "linear": None if is_spot else True,
        "inverse": None if is_spot else False,
        "contractSize": None if is_spot else 1.0,
        "precision": {"amount": 0.001, "price": 0.1},
        "info": {"orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"]},
    }
    exchange.set_markets([exchange.safe_market_structure(market)])
    sent: list[tuple[str, str]] = []

    def fetch(url: str, method: str = "GET", headers: object = None, body: object = None) -> None:
        sent.append((f"{method} {url}", str(body or "")))
        raise ccxt.NetworkError("nothing leaves this machine")

    exchange.fetch = fetch
    return CcxtVenue(exchange), str(market["symbol"]), sent


MARKETS = [
    *((name, kind) for name in ("binance", "okx", "okxus", "myokx") for kind in ("spot", "swap")),
    ("binanceusdm", "swap"),
]


@pytest.mark.parametrize(("name", "kind"), MARKETS)
def test_every_request_about_an_order_names_it_by_the_id_that_the_router_gave_it(name: str, kind: str) -> None:
    venue, symbol, sent = capturing(name, kind)
    given = "rp0123456789abcdef01m1"
    words = {"newClientOrderId", "origClientOrderId"} if name.startswith("binance") else {"clOrdId"}

    requests: tuple[Callable[[], object], ...] = (
        lambda: venue.place_post_only(symbol, Side.BUY, Decimal(1), Decimal(100), given),
        lambda: venue.place_market(symbol, Side.BUY, Decimal(1), given),
        lambda: venue.fetch_order(symbol, given),
        lambda: venue.cancel_order(symbol, given),
    )
    for ask in requests:
        sent.clear()
        with pytest.raises(VenueTimeoutError):
            ask()
        url, body = sent[-1]
        assert [word for word in words if f"{word}={given}" in url + body or f'"{word}":"{given}"' in body], (url, body)


@pytest.mark.parametrize(
    "options",
    [{"maxRetriesOnFailure": 3}, {"defaultMaxRetriesOnFailure": 3}, {"order": {"maxRetriesOnFailure": 3}}],
)
def test_an_exchange_that_repeats_requests_by_itself_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="place an order twice"):
        CcxtVenue(ccxt.binanceusdm({"options": options}))
    venue, symbol, sent = capturing("binanceusdm", "swap")
    venue._exchange.options.update(options)

    with pytest.raises(OrderRejectedError, match="place an order twice"):
        venue.place_market(symbol, Side.BUY, Decimal(1), "id1")

    assert sent == []


@pytest.mark.parametrize(("name", "kind"), MARKETS)
def test_an_order_that_is_not_answered_is_sent_once(name: str, kind: str) -> None:
    venue, symbol, sent = capturing(name, kind)

    with pytest.raises(VenueTimeoutError):
        venue.place_market(symbol, Side.BUY, Decimal(1), "id1")

    assert len(sent) == 1


def test_a_market_order_on_a_spot_market_is_never_one_of_so_much_money() -> None:
    venue, symbol, sent = capturing("okx", "spot")
    venue._exchange.options |= {"createMarketBuyOrderRequiresPrice": False, "tgtCcy": "quote_ccy"}

    with pytest.raises(VenueTimeoutError):
        venue.place_market(symbol, Side.BUY, Decimal(2), "id1")

    ((_, body),) = sent
    assert '"sz":"2"' in body
    assert '"tgtCcy":"base_ccy"' in body


def test_an_exchange_that_takes_orders_longer_than_the_router_waits_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="with a recvWindow of 60000 ms"):
        CcxtVenue(ccxt.binanceusdm({"options": {"recvWindow": 60_000}}))


@pytest.mark.parametrize("name", ["kraken", "bybit", "gate", "coinbase", "kucoin", "alpaca", "binancecoinm"])
def test_an_exchange_on_which_orders_cannot_be_found_by_their_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="does not place, fetch and cancel orders by client order id"):
        CcxtVenue(getattr(ccxt, name)())


@pytest.mark.parametrize("named", ["id2", "", None])
def test_an_answer_about_another_order_is_none(named: str | None) -> None:
    with pytest.raises(VenueError, match="fetched id1, got"):
        telling({"status": "closed", "filled": 2.0, "clientOrderId": named}).fetch_order("BTCUSDT", "id1")


@pytest.mark.parametrize("error", [ccxt.InvalidOrder, ccxt.BadRequest, ccxt.OperationRejected])
@pytest.mark.parametrize(
    "text",
    ["Order creation timeout", "Network timeout.", "the request timed out", "Client order ID already exists."],
)
def test_a_refusal_that_may_mean_that_the_order_is_there_is_none(
    exchange: tuple[Exchange, CcxtVenue], monkeypatch: pytest.MonkeyPatch, error: type[Exception], text: str
) -> None:
    def refuse(*_: object) -> None:
        raise error(text)

    exchange[1].quote("BTCUSDT")
    monkeypatch.setattr(exchange[1]._exchange, "create_order", refuse)

    with pytest.raises(VenueError) as raised:
        exchange[1].place_market("BTCUSDT", Side.BUY, Decimal(1), "id1")

    assert not isinstance(raised.value, (OrderRejectedError, PostOnlyRejectedError))


def test_trades_that_come_late_are_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Telling()
    exchange.order = {"status": "closed", "filled": 2.0}
    monkeypatch.setattr(exchange, "sleep", lambda _: setattr(exchange, "trades", [TRADE]))

    state = CcxtVenue(exchange).fetch_order("BTCUSDT", "id1")  # type: ignore[arg-type]  # as above

    assert state is not None
    assert (state.fees, state.is_maker) == (Decimal("0.04"), True)


def test_a_look_at_trades_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Telling()
    exchange.order = {"status": "closed", "filled": 2.0}
    exchange.trades = ccxt.NetworkError("no answer")
    monkeypatch.setattr(exchange, "sleep", lambda _: setattr(exchange, "trades", [TRADE]))

    state = CcxtVenue(exchange).fetch_order("BTCUSDT", "id1")  # type: ignore[arg-type]  # as above

    assert state is not None
    assert (state.fees, state.is_maker) == (Decimal("0.04"), True)


def test_trades_that_never_come_are_waited_for_less_than_a_second() -> None:
    exchange = Telling()
    exchange.order = {"status": "closed", "filled": 2.0}

    state = CcxtVenue(exchange).fetch_order("BTCUSDT", "id1")  # type: ignore[arg-type]  # as above

    assert state == OrderState(status=OrderStatus.FILLED, filled=Decimal(2), average_price=Decimal("100.0"))
    assert exchange.slept_milliseconds == [250, 250, 250]


@pytest.mark.parametrize(
    ("quantity", "price", "tradable"),
    [
        ("0.0519", "100", "0.051"),
        ("0.0509", "100", "0.050"),  # worth 5, which is the exchange's least notional
        ("0.0499", "100", "0"),
        ("0.0499", None, "0.049"),
    ],
)
def test_what_is_tradable_at_a_price_is_not_below_the_least_notional(
    exchange: tuple[Exchange, CcxtVenue], quantity: str, price: str | None, tradable: str
) -> None:
    at = None if price is None else Decimal(price)

    assert exchange[1].tradable("BTCUSDT", Decimal(quantity), at) == Decimal(tradable)


def test_what_is_below_the_least_amount_of_a_market_is_not_tradable(exchange: tuple[Exchange, CcxtVenue]) -> None:
    _, venue = exchange
    venue.quote("BTCUSDT")
    market = venue._exchange.market("BTC/USDT:USDT")
    market["limits"] = {"amount": {"min": 0.01, "max": None}, "cost": {"min": None}}

    assert [venue.tradable("BTCUSDT", Decimal(quantity)) for quantity in ("0.01", "0.009")] == [Decimal("0.01"), 0]
    market["limits"] = None
    assert venue.tradable("BTCUSDT", Decimal("0.009"), Decimal(1)) == Decimal("0.009")


@pytest.mark.parametrize(("side", "on_tick"), [(Side.BUY, "99.9"), (Side.SELL, "100.0")])
def test_the_price_at_which_an_order_rests_is_known_before_it_is_sent(
    exchange: tuple[Exchange, CcxtVenue], side: Side, on_tick: str
) -> None:
    assert exchange[1].on_tick("BTCUSDT", side, Decimal("99.95")) == Decimal(on_tick)


def test_a_sliver_rests_at_the_exchange_while_the_rest_crosses(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    order = Order(order_id="bot-1", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("1.5"))

    outcome = route_order(order, venue, Reader(replace(TAKER, probe_share=0.05)), log := Kept(), routing=BRISK)

    assert log.outcomes == [outcome]
    assert [(sent["type"], sent["origQty"]) for sent in server.orders.values()] == [
        ("MARKET", "1.425"),
        ("LIMIT", "0.075"),
        ("MARKET", "0.075"),
    ]
    assert (outcome.filled, outcome.maker_filled, outcome.maker_share) == (Decimal("1.5"), False, 0.05)


def test_an_order_stays_at_the_exchange_while_its_price_is_the_policys(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange
    order = Order(order_id="bot-1", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("1.5"))

    outcome = route_order(order, venue, Reader(replace(READING, maker_posts=4)), Kept(), routing=BRISK)

    assert [sent["type"] for sent in server.orders.values()] == ["LIMIT", "MARKET"]
    assert outcome.rest is not None
    assert (outcome.rest.posts, outcome.rest.maker_price) == (1, Decimal("99.9"))  # 99.95 down to the tick
    assert outcome.arrival_quote_bps == pytest.approx(10.0)


def test_an_order_is_posted_anew_at_the_exchange_when_its_market_moves(exchange: tuple[Exchange, CcxtVenue]) -> None:
    server, venue = exchange

    def quote(symbol: str) -> Quote:
        server.fill_maker = 1.5 if server.orders else 0.0  # only what is posted anew fills
        return Quote(bid=Decimal(101 if server.orders else 100), ask=Decimal(200))

    venue.quote = quote  # type: ignore[method-assign]  # a market that moves
    order = Order(order_id="bot-1", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("1.5"))
    reading = replace(READING, maker_posts=9, maker_offset_bps=None)
    patience = replace(BRISK.patience, maker_wait_seconds=4.5)  # it takes one post of it, unless the machine is slow

    outcome = route_order(order, venue, Reader(reading), Kept(), routing=Routing(patience=patience))

    assert [(sent["type"], sent["price"], sent["status"]) for sent in server.orders.values()] == [
        ("LIMIT", "100", "CANCELED"),
        ("LIMIT", "101", "FILLED"),
    ]
    assert (outcome.filled, outcome.maker_filled) == (Decimal("1.5"), True)


@pytest.mark.parametrize("digits", [4, 7])
def test_what_is_tradable_does_not_depend_on_the_digits_that_the_bots_own_context_keeps(
    exchange: tuple[Exchange, CcxtVenue], digits: int
) -> None:
    with localcontext(prec=digits):
        assert exchange[1].tradable("BTCUSDT", Decimal("1234.5678")) == Decimal("1234.567")
