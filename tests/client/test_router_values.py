"""What the router's values accept: states, prices, orders, ids and waits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import Status
from router_policy_client.leg import Patience, client_order_id_of
from router_policy_client.order import Order, Side
from router_policy_client.routing import Routing
from router_policy_client.venue import (
    OrderState,
    OrderStatus,
    Quote,
)
from tests.client.routing import route, scripted
from tests.client.scripted import READING, START, ScriptedVenue, order


@pytest.mark.parametrize("word", ["open", "filled", "canceled"])
def test_a_status_that_is_a_text_is_the_word_that_it_says(word: str) -> None:
    state = OrderState(status=word, filled=Decimal(1))  # type: ignore[arg-type]  # the fault

    assert state.status is OrderStatus(word)
    assert state.has_ended is (word != "open")


@pytest.mark.parametrize("status", ["OPEN", "new", None])
def test_a_status_that_is_no_word_of_ours_is_no_answer(status: object) -> None:
    with pytest.raises(ValueError, match="is not a valid OrderStatus"):
        OrderState(status=status, filled=Decimal(1))  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize("amount", [100.0, Decimal("NaN"), Decimal("Infinity"), "100"])
def test_a_price_or_fee_that_is_no_finite_decimal_tells_nothing_and_costs_no_line(amount: Any) -> None:
    class Floating(ScriptedVenue):
        def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
            state = super().fetch_order(symbol, client_order_id)
            assert state is not None
            return OrderState(status=state.status, filled=state.filled, average_price=amount, fees=amount)

    clock = SimulatedClock(START)
    outcome = route(Floating(clock), clock)

    assert (outcome.filled, outcome.average_price, outcome.fees, outcome.slippage_bps) == (2, None, None, None)


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_price_of_nothing_is_none(price: str) -> None:
    assert OrderState(status=OrderStatus.OPEN, filled=Decimal(0), average_price=Decimal(price)).average_price is None


@pytest.mark.parametrize("bid", [99.9, Decimal("NaN"), Decimal(0), Decimal("100.2")])
def test_prices_that_are_none_are_refused(bid: Any) -> None:
    with pytest.raises(ValueError, match="finite Decimals, 0 < bid <= ask"):
        Quote(bid=bid, ask=Decimal("100.10"))


def test_an_order_is_absent_only_after_the_time_that_ccxt_gives_binance_to_take_it() -> None:
    receive_window_seconds = ccxt.binanceusdm().options["recvWindow"] / 1000

    assert Patience().absence_seconds > receive_window_seconds + 1.0  # and the venue's clock may be behind


@pytest.mark.parametrize("filled", [0.5, Decimal("NaN"), Decimal(-1), None])
def test_a_fill_that_is_no_quantity_is_no_answer(filled: object) -> None:
    with pytest.raises(ValueError, match="not a finite Decimal of 0 or more"):
        OrderState(status=OrderStatus.FILLED, filled=filled)  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize("name", [7, b"7", None, ""])
def test_an_order_needs_texts_for_names(name: object) -> None:
    with pytest.raises(ValueError, match="both must be strings"):
        Order(order_id=name, symbol="BTCUSDT", side=Side.BUY, quantity=Decimal(1))  # type: ignore[arg-type]  # the fault
    with pytest.raises(ValueError, match="both must be strings"):
        Order(order_id="7", symbol=name, side=Side.BUY, quantity=Decimal(1))  # type: ignore[arg-type]  # the fault


def test_a_side_that_is_a_text_is_the_word_that_it_says() -> None:
    given = Order(order_id="7", symbol="BTCUSDT", side="SELL", quantity=Decimal(1))  # type: ignore[arg-type]  # the fault

    assert given.side is Side.SELL
    with pytest.raises(ValueError, match="sell"):
        Order(order_id="7", symbol="BTCUSDT", side="sell", quantity=Decimal(1))  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize("order_id", ["1", "sig_00000000ff", "an id with spaces, ümläuts and \U0001f600", "x" * 500])
def test_the_ids_that_a_venue_sees_are_short_plain_and_the_same_every_time(order_id: str) -> None:
    name = client_order_id_of(order_id, "m1")

    assert name == client_order_id_of(order_id, "m1")
    assert name.isascii()
    assert name.isalnum()
    assert len(name) <= 24
    assert name not in (client_order_id_of(order_id, "t1"), client_order_id_of(f"{order_id}0", "m1"))


@pytest.mark.parametrize("names", [("half \ud800", "BTCUSDT"), ("1", "half \udfff")])
def test_names_that_no_log_can_hold_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        Order(order_id=names[0], symbol=names[1], side=Side.BUY, quantity=Decimal(1))


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_an_order_of_nothing_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="not a finite Decimal above 0"):
        order(quantity=quantity)


def test_an_order_of_floats_is_refused() -> None:
    with pytest.raises(ValueError, match=r'write it as Decimal\("0.5"\)'):
        Order(order_id="1", symbol="BTCUSDT", side=Side.BUY, quantity=0.5)  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maker_wait_seconds": -1.0}, "at least 0"),
        ({"poll_seconds": 0.0}, "above 0"),
        ({"absence_seconds": 0.0}, "above 0"),
        ({"absence_seconds": 60.0}, "must be above absence_seconds"),
    ],
)
def test_waits_that_do_not_fit_together_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Patience(**changes)


def test_a_count_of_no_tries_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Routing(taker_tries=0)


def test_a_reading_that_has_expired_is_kept_in_the_outcome() -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, replace(READING, status=Status.EXPIRED))

    assert (outcome.gate.reading.status, outcome.gate.reading.run_id) == (Status.EXPIRED, 7)
