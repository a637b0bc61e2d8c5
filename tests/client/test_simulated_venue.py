"""The simulated venue and its clock: each fault is the one that was asked for, and the same seed gives the same day."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import pytest

from router_policy_client.clock import SimulatedClock, SystemClock
from router_policy_client.order import Side
from router_policy_client.simulated import Conditions, Fees, Fill, SimulatedVenue
from router_policy_client.simulated_prices import RandomWalk
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
    VenueError,
    VenueTimeoutError,
)
from tests.client.scripted import START

BID, ASK = Decimal("99.90"), Decimal("100.10")
TWO = Decimal(2)


class Standing:
    """Prices that do not move."""

    def quote(self, symbol: str, at: datetime) -> Quote:  # noqa: ARG002
        return Quote(bid=BID, ask=ASK)

    def tick(self, symbol: str) -> Decimal:  # noqa: ARG002
        return Decimal("0.10")


def test_a_venue_with_lot_steps_refuses_what_is_between_two_or_too_small_and_fills_whole_steps() -> None:
    clock, fills = SimulatedClock(START), list[Fill]()
    venue = SimulatedVenue(
        Standing(),
        lambda *_: Conditions(partial_chance=1.0),
        clock,
        Random(1),
        on_fill=fills.append,
        lot_step=Decimal("0.25"),
        smallest_notional=Decimal(50),
    )

    def sizes(*quantities: str) -> list[Decimal]:
        return [venue.tradable("BTCUSDT", Decimal(quantity), BID) for quantity in quantities]

    assert sizes("2", "0.76", "0.75", "0.74", "0.5") == [Decimal(size) for size in ("2", "0.75", "0.75", "0", "0")]
    for number, quantity in enumerate(("0.8", "0.25")):
        with pytest.raises(OrderRejectedError, match="between two lot steps, or below the smallest order"):
            venue.place_market("BTCUSDT", Side.BUY, Decimal(quantity), f"t{number}")
    for number in range(20):
        venue.place_market("BTCUSDT", Side.BUY, TWO, f"f{number}")
    assert fills
    assert {fill.quantity % Decimal("0.25") for fill in fills} == {0}


@pytest.mark.parametrize(("side", "on_tick"), [(Side.BUY, "99.90"), (Side.SELL, "100.00")])
def test_a_price_between_two_ticks_rests_away_from_the_other_side(side: Side, on_tick: str) -> None:
    stage = Stage()

    assert stage.venue.on_tick("BTCUSDT", side, Decimal("99.97")) == Decimal(on_tick)


class Stage:
    """A venue under one set of conditions, with what happened on it."""

    def __init__(self, *, seed: int = 1, **conditions: float) -> None:
        self.clock = SimulatedClock(START)
        self.fills: list[Fill] = []
        how = Conditions(**({"fill_chance": 1.0} | conditions))
        self.venue = SimulatedVenue(
            Standing(),
            lambda *_: how,
            self.clock,
            Random(seed),
            fees=Fees(maker_bps=Decimal(1), taker_bps=Decimal(4)),
            on_fill=self.fills.append,
        )

    def rest(self, price: Decimal = BID, name: str = "m1", side: Side = Side.BUY) -> None:
        self.venue.place_post_only("BTCUSDT", side, TWO, price, name)

    def state(self, name: str = "m1", *, after_seconds: float = 0.0) -> OrderState | None:
        self.clock.sleep(after_seconds)
        return self.venue.fetch_order("BTCUSDT", name)


def test_a_resting_order_is_filled_at_its_price_within_the_time() -> None:
    stage = Stage(fill_seconds=3.0)
    stage.rest()

    before = stage.state()
    after = stage.state(after_seconds=3.0)

    assert before == OrderState(status=OrderStatus.OPEN, filled=Decimal(0))
    assert after == OrderState(
        status=OrderStatus.FILLED,
        filled=TWO,
        average_price=BID,
        fees=Decimal("0.01998"),  # 1 bp of 2 * 99.90
        is_maker=True,
    )
    (fill,) = stage.fills
    assert START <= fill.at <= START + timedelta(seconds=3)
    assert (fill.quantity, fill.price, fill.is_maker, fill.client_order_id) == (2, BID, True, "m1")


@pytest.mark.parametrize(
    ("side", "price", "on_tick"), [(Side.BUY, "99.97", "99.9"), (Side.SELL, "100.01", "100.1"), (Side.BUY, "99", "99")]
)
def test_prices_are_put_on_a_tick_away_from_the_other_side(side: Side, price: str, on_tick: str) -> None:
    stage = Stage()
    stage.rest(Decimal(price), side=side)

    state = stage.state(after_seconds=4.0)

    assert state is not None
    assert state.average_price == Decimal(on_tick)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, ASK), (Side.SELL, BID)])
def test_an_order_that_would_cross_is_refused_to_rest(side: Side, price: Decimal) -> None:
    with pytest.raises(PostOnlyRejectedError):
        Stage().rest(price, side=side)


@pytest.mark.parametrize(
    ("chance", "error"),
    [
        ("reject_chance", PostOnlyRejectedError),
        ("refuse_chance", OrderRejectedError),
        ("timeout_chance", VenueTimeoutError),
    ],
)
def test_a_fault_that_always_happens_is_raised(chance: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Stage(seed=1, **{chance: 1.0}).rest()


def test_an_outage_of_maker_fills_leaves_an_order_open_until_it_is_cancelled() -> None:
    stage = Stage(fill_chance=0.0)
    stage.rest()
    assert stage.state(after_seconds=3600.0) == OrderState(status=OrderStatus.OPEN, filled=Decimal(0))
    assert stage.venue.open_order_ids() == ("m1",)

    stage.venue.cancel_order("BTCUSDT", "m1")

    assert stage.state() == OrderState(status=OrderStatus.CANCELED, filled=Decimal(0))
    assert (stage.venue.open_order_ids(), stage.fills) == ((), [])


def test_an_order_may_be_accepted_and_expire_at_once() -> None:
    stage = Stage(expire_chance=1.0)
    stage.rest()

    assert stage.state(after_seconds=10.0) == OrderState(status=OrderStatus.EXPIRED, filled=Decimal(0))


def test_a_cancellation_may_lose_the_race_against_a_fill() -> None:
    stage = Stage(fill_chance=0.0, race_chance=1.0)
    stage.rest()

    stage.venue.cancel_order("BTCUSDT", "m1")

    state = stage.state()
    assert state is not None
    assert (state.status, state.filled) == (OrderStatus.FILLED, 2)
    assert [fill.quantity for fill in stage.fills] == [2]


def test_crossing_pays_the_other_sides_price_and_the_impact_in_whole_ticks() -> None:
    still, moved = Stage(), Stage(impact_bps=500.0)
    for stage in (still, moved):
        stage.venue.place_market("BTCUSDT", Side.BUY, TWO, "t1")
        stage.venue.place_market("BTCUSDT", Side.SELL, TWO, "t2")

    assert [(fill.price, fill.is_maker) for fill in still.fills] == [(ASK, False), (BID, False)]
    bought, sold = (fill.price for fill in moved.fills)
    assert bought > ASK
    assert sold < BID
    assert (bought % Decimal("0.10"), sold % Decimal("0.10")) == (0, 0)
    state = still.state("t1")
    assert state is not None
    assert state.fees == Decimal("0.08008")  # 4 bps of 2 * 100.10


def test_what_crosses_only_in_part_ends_and_leaves_nothing_open() -> None:
    stage = Stage(partial_chance=1.0)
    stage.venue.place_market("BTCUSDT", Side.BUY, TWO, "t1")

    state = stage.state("t1")

    assert state is not None
    assert (state.status, stage.venue.open_order_ids()) == (OrderStatus.EXPIRED, ())
    assert 0 <= state.filled < 2
    assert state.filled == sum(fill.quantity for fill in stage.fills)


def test_of_requests_without_an_answer_half_are_carried_out_and_some_of_them_late() -> None:
    arrived_at_once, arrived_late = 0, 0
    for seed in range(200):
        stage = Stage(seed=seed, timeout_chance=1.0, late_seconds=8.0, fill_chance=0.0)
        with pytest.raises(VenueTimeoutError):
            stage.rest()
        on_its_way = stage.venue.open_order_ids()
        stage.clock.sleep(4.0)
        stage.venue._conditions = lambda *_: Conditions()
        if on_its_way:
            arrived_at_once += stage.state() is not None
            arrived_late += stage.state() is None and stage.state(after_seconds=4.0) is not None

    assert 70 < arrived_at_once + arrived_late < 130
    assert arrived_at_once > 20
    assert arrived_late > 20


def test_an_id_that_has_been_used_is_not_placed_again() -> None:
    stage = Stage()
    stage.rest()

    with pytest.raises(VenueError, match="used before") as raised:
        stage.rest()

    assert not isinstance(raised.value, (OrderRejectedError, PostOnlyRejectedError))


def test_a_fill_may_be_told_without_its_price() -> None:
    stage = Stage(unpriced_chance=1.0)
    stage.rest()

    state = stage.state(after_seconds=4.0)

    assert state is not None
    assert (state.filled, state.average_price) == (2, None)


def test_requests_take_their_time_on_the_clock() -> None:
    stage = Stage(latency_seconds=0.2)

    stage.rest()

    assert 0.1 <= stage.clock.monotonic_seconds() <= 0.3


def test_the_same_seed_gives_the_same_day() -> None:
    def day(seed: int) -> list[Fill]:
        stage = Stage(seed=seed, fill_chance=0.5, partial_chance=0.5, impact_bps=2.0)
        for number in range(50):
            stage.rest(name=f"m{number}")
            stage.venue.place_market("BTCUSDT", Side.SELL, TWO, f"t{number}")
            stage.clock.sleep(1.0)
        stage.venue.open_order_ids()
        return stage.fills

    assert day(1) == day(1)
    assert day(1) != day(2)


def test_the_books_do_not_grow_for_ever_and_forget_only_what_ended_long_ago() -> None:
    stage = Stage(fill_chance=0.0)
    stage.rest(name="open")
    for number in range(3000):
        stage.venue.place_market("BTCUSDT", Side.BUY, TWO, f"t{number}")

    assert stage.state("open") is not None
    assert stage.state("t0") is None
    assert all(stage.state(f"t{number}") is not None for number in range(2500, 3000))


def test_a_random_walk_quotes_whole_ticks_and_does_not_depend_on_what_was_asked_before() -> None:
    def walk() -> RandomWalk:
        return RandomWalk(Random(5), START, price=50.0, tick=Decimal("0.05"), spread_bps=40.0, volatility_bps=5.0)

    asked, fresh = walk(), walk()
    moments = [START + timedelta(seconds=after) for after in (0.0, 500.5, 9.9, 3600.0)]
    for at in reversed(moments):
        asked.quote("X", at)

    quotes = [fresh.quote("X", at) for at in moments]
    assert [asked.quote("X", at) for at in moments] == quotes
    assert all(quote.bid % Decimal("0.05") == 0 == quote.ask % Decimal("0.05") for quote in quotes)
    assert all(quote.ask - quote.bid >= Decimal("0.05") for quote in quotes)
    assert len({quote.mid for quote in quotes}) > 2
    assert quotes[0] == Quote(bid=Decimal("49.90"), ask=Decimal("50.10"))  # 40 bps of 50 is 0.20


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("2", "1"), ("-1", "1")])
def test_prices_that_are_none_make_no_quote(bid: str, ask: str) -> None:
    with pytest.raises(ValueError, match="0 < bid <= ask"):
        Quote(bid=Decimal(bid), ask=Decimal(ask))


def test_simulated_time_passes_only_by_sleeping_and_setting_and_never_goes_back() -> None:
    clock = SimulatedClock(START.astimezone(timezone(timedelta(hours=5))))
    assert (clock.now(), clock.now().tzinfo) == (START, UTC)

    clock.sleep(1.5)
    clock.sleep(-1.0)
    assert (clock.now(), clock.monotonic_seconds()) == (START + timedelta(seconds=1.5), 1.5)
    clock.set(START + timedelta(seconds=10))
    clock.set(START)
    assert clock.now() == START + timedelta(seconds=10)


def test_a_simulated_clock_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SimulatedClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_systems_clock_is_aware_and_sleeps() -> None:
    clock = SystemClock()
    before, began = clock.now(), clock.monotonic_seconds()

    clock.sleep(0.01)

    assert before.utcoffset() == timedelta(0)
    assert clock.monotonic_seconds() - began >= 0.01
