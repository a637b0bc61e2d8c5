"""The execution algorithm for NautilusTrader at the edges: what is not its own to route, and what ends elsewhere."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ExecAlgorithmId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from router_policy_client.bots.nautilus import RouterPolicyExecAlgorithm, RouterPolicyExecAlgorithmConfig
from router_policy_client.bots.nautilus.routed_order import RoutedOrder
from router_policy_client.gate import decide
from router_policy_client.policy import Reading
from tests.bots.nautilus_bot import MARKETS, FarAway, engine_of, quotes
from tests.client.scripted import READING

START = datetime(2026, 5, 6, tzinfo=UTC)
MARKET, SILENT = MARKETS[:2]  # the second has no quotes
ALGORITHM = ExecAlgorithmId("ROUTER-POLICY")
Play = Callable[["Scripted", int], None]


class Scripted(Strategy):
    """A strategy that plays what a test says, at every quote by its number."""

    def __init__(self, play: Play) -> None:
        super().__init__()
        self._play = play
        self._count = 0
        self.sent: list[Order] = []

    def on_start(self) -> None:
        """Subscribe to the quotes."""
        self.subscribe_quote_ticks(MARKET.id)

    def on_quote_tick(self, _: QuoteTick) -> None:
        """Play the next number."""
        self._count += 1
        self._play(self, self._count)

    def buy(self, market: CryptoPerpetual = MARKET, *, reduce_only: bool = False) -> None:
        """Send a market order to the algorithm."""
        self._send(
            self.order_factory.market(
                *(market.id, OrderSide.BUY, market.make_qty(1)), reduce_only=reduce_only, exec_algorithm_id=ALGORITHM
            )
        )

    def buy_at(self, price: float) -> None:
        """Send a limit order to the algorithm."""
        self._send(
            self.order_factory.limit(
                *(MARKET.id, OrderSide.BUY, MARKET.make_qty(1), MARKET.make_price(price)), exec_algorithm_id=ALGORITHM
            )
        )

    def _send(self, order: Order) -> None:
        self.sent.append(order)
        self.submit_order(order)


def run(
    folder: Path, play: Play, algorithm: type[RouterPolicyExecAlgorithm] = RouterPolicyExecAlgorithm, **settings: Any
) -> tuple[dict[str, Order], list[dict[str, Any]]]:
    """Run ten minutes of quotes; return the orders by their ids, and the lines of the log."""
    engine = engine_of([MARKET, SILENT], START)
    engine.add_data(quotes(MARKET, START, timedelta(minutes=10)))
    engine.add_strategy(Scripted(play))
    log = folder / "orders.jsonl"
    config = {"store_url": f"sqlite:///{folder}/policy.db", "full_wait_seconds": 120.0, "order_log_path": str(log)}
    engine.add_exec_algorithm(algorithm(RouterPolicyExecAlgorithmConfig(**config | settings)))
    engine.run()
    orders = {str(order.client_order_id): order for order in engine.kernel.cache.orders()}
    engine.dispose()
    return orders, [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def at(number: int, act: Callable[[Scripted], None]) -> Play:
    """Play one act at one quote."""
    return lambda strategy, count: act(strategy) if count == number else None


def outcome(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a line says of an order."""
    return row["maker_start"], row["is_maker_final"], row["used_fallback"], row["prices"]["avg_fill"] is not None


def test_the_maker_order_waits_as_long_as_the_policy_grants_and_the_rest_crosses(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, Scripted.buy), FarAway)

    primary, maker, taker = orders.values()
    assert [order.status_string() for order in (primary, maker, taker)] == ["INITIALIZED", "CANCELED", "FILLED"]
    assert maker.is_post_only
    assert (taker.ts_init - maker.ts_init) / 1e9 == pytest.approx(65, abs=5)  # half of the wait, and a quote
    assert [outcome(row) for row in rows] == [(True, False, True, True)]


class FourPosts(RouterPolicyExecAlgorithm):
    """The same with a policy of four posts in the whole wait, each at a price that is `away` ticks from the best."""

    away = 5000

    def on_start(self) -> None:
        """Read that policy, whatever the store says."""
        super().on_start()
        self.on_stop()
        self._reader = FixedReader()  # type: ignore[assignment]  # all of a reader that is used

    def maker_price(self, side: OrderSide, quote: QuoteTick) -> Price:  # noqa: ARG002 - it only buys
        """Return a price that follows the market."""
        return self.cache.instrument(quote.instrument_id).make_price(quote.bid_price.as_double() - self.away * 0.1)


class FixedReader:
    """A reader of one policy."""

    def get(self, symbol: str) -> Reading:
        return replace(READING, symbol=symbol, maker_posts=4)

    def close(self) -> None:
        """Nothing is open."""


def makers_of(orders: dict[str, Order]) -> list[Order]:
    return [order for order in orders.values() if order.is_post_only]


def seconds_between(orders: list[Order]) -> list[float]:
    return [(second.ts_init - first.ts_init) / 1e9 for first, second in pairwise(orders)]


def test_a_maker_order_is_posted_anew_where_the_market_is_and_crosses_after_the_same_wait(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, Scripted.buy), FourPosts)

    makers, taker = makers_of(orders), list(orders.values())[-1]
    assert [order.status_string() for order in makers] == ["CANCELED"] * 4
    assert len({order.price for order in makers}) == 4
    assert seconds_between([*makers, taker]) == pytest.approx([30.0] * 4, abs=10.0)  # and a quote
    assert (taker.ts_init - makers[0].ts_init) / 1e9 == pytest.approx(125, abs=5)
    assert (taker.status_string(), [outcome(row) for row in rows]) == ("FILLED", [(True, False, True, True)])
    (row,) = rows
    last = makers[-1]
    assert (row["posts"], row["maker_price"]) == (4, last.price.as_double())
    assert (row["maker_from"], row["maker_until"]) == pytest.approx((last.ts_accepted / 1e9, last.ts_closed / 1e9))
    assert "went_through" not in row
    assert row["arrival_quote_bps"] == pytest.approx(0.05 / row["prices"]["mark"] * 10_000)  # one tick is 0.1


def test_a_maker_order_whose_price_is_still_the_policys_is_not_posted_anew(tmp_path: Path) -> None:
    class Steady(FourPosts):
        def maker_price(self, side: OrderSide, quote: QuoteTick) -> Price:  # noqa: ARG002 - it stays
            return MARKET.make_price(50_000.0)

    orders, rows = run(tmp_path, at(1, Scripted.buy), Steady)

    assert len(makers_of(orders)) == 1
    assert [row["posts"] for row in rows] == [1]


def test_a_maker_order_that_is_cancelled_from_elsewhere_is_not_posted_anew(tmp_path: Path) -> None:
    def play(strategy: Scripted, count: int) -> None:
        if count == 1:
            strategy.buy()
        if count == 10:  # in its second post, from 60 s on
            (leg,) = strategy.cache.orders_open()
            strategy.cancel_order(leg)

    orders, rows = run(tmp_path, play, FourPosts, full_wait_seconds=240.0)

    assert [order.status_string() for order in makers_of(orders)] == ["CANCELED", "CANCELED"]
    assert [outcome(row) for row in rows] == [(True, False, False, False)]


@pytest.mark.parametrize(("ask", "went_through"), [(49_999.9, True), (50_000.0, False)])
@pytest.mark.parametrize("is_resting", [True, False])
def test_the_market_went_through_a_resting_order_if_it_was_seen_beyond_its_price(
    ask: float, went_through: bool, is_resting: bool
) -> None:
    leg = SimpleNamespace(is_post_only=True, is_open=is_resting, side=OrderSide.BUY, price=MARKET.make_price(50_000.0))
    intent = RoutedOrder(
        primary=None,
        gate=decide(READING),
        quote=None,
        decided_at=START,
        ends_at=START,
        post_time=timedelta(seconds=1),
        leg=leg,
    )
    size = MARKET.make_qty(1)

    intent.look_through(QuoteTick(MARKET.id, MARKET.make_price(ask - 0.1), MARKET.make_price(ask), size, size, 0, 0))

    assert intent.was_gone_through is (went_through and is_resting)


def test_an_order_of_a_market_without_quotes_crosses_without_a_mid_and_is_logged_if_refused(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, lambda strategy: strategy.buy(SILENT)))

    primary, taker = orders.values()
    assert (primary.status_string(), taker.status_string()) == ("INITIALIZED", "REJECTED")
    assert [tag for tag in taker.tags if tag.startswith("rp_mid")] == []
    assert [outcome(row) for row in rows] == [(False, False, False, False)]


def test_an_order_of_another_type_is_submitted_unchanged(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, lambda strategy: strategy.buy_at(50_000)))

    (limit,) = orders.values()
    assert (limit.status_string(), limit.is_post_only) == ("ACCEPTED", False)
    assert rows == []


def test_a_strategy_that_cancels_its_order_ends_the_maker_order_and_nothing_crosses(tmp_path: Path) -> None:
    def play(strategy: Scripted, count: int) -> None:
        if count == 1:
            strategy.buy()
        if count == 3:
            strategy.cancel_order(strategy.sent[0])

    orders, rows = run(tmp_path, play, FarAway)

    assert [order.status_string() for order in orders.values()] == ["CANCELED", "CANCELED"]
    assert [outcome(row) for row in rows] == [(True, False, False, False)]


def test_a_maker_order_that_is_cancelled_from_elsewhere_does_not_cross(tmp_path: Path) -> None:
    def play(strategy: Scripted, count: int) -> None:
        if count == 1:
            strategy.buy()
        if count == 3:
            (leg,) = strategy.cache.orders_open()
            strategy.cancel_order(leg)

    orders, rows = run(tmp_path, play, FarAway)

    assert [order.status_string() for order in orders.values()] == ["INITIALIZED", "CANCELED"]
    assert [outcome(row) for row in rows] == [(True, False, False, False)]


def test_an_order_that_is_refused_for_another_reason_is_given_up_and_logged(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, lambda strategy: strategy.buy(reduce_only=True)), FarAway)

    statuses = [order.status_string() for order in orders.values()]
    assert statuses == ["INITIALIZED", "REJECTED"]  # there is no position to reduce
    assert [outcome(row) for row in rows] == [(True, False, False, False)]


def test_without_a_log_the_orders_go_out_all_the_same(tmp_path: Path) -> None:
    orders, rows = run(tmp_path, at(1, Scripted.buy), order_log_path=None)

    assert len(orders) >= 2
    assert rows == []
