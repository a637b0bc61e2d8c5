"""The router, case by case: each venue behaviour ends in the one outcome that it should, worked out by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import TakerBias
from router_policy_client.leg import client_order_id_of
from router_policy_client.order import Side, UnfilledReason
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
)
from tests.client.routing import NEVER_FILLED, NO_ANSWER, route, scripted
from tests.client.scripted import READING, START, TAKER, Script, ScriptedVenue


@pytest.mark.parametrize(
    ("side", "offset_bps", "price"),
    [
        (Side.BUY, 5.0, "99.95"),  # the mid is 100.00
        (Side.SELL, 5.0, "100.05"),
        (Side.BUY, None, "99.9"),  # no offset: the best of the own side
        (Side.SELL, None, "100.1"),
    ],
)
def test_the_maker_leg_rests_at_the_policys_offset_from_the_mid(
    side: Side, offset_bps: float | None, price: str
) -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, replace(READING, maker_offset_bps=offset_bps), side)

    assert venue.of("post-only") == [("post-only", "BTCUSDT", side, "2", price, client_order_id_of("bot-1", "m1"))]
    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (True, True, False)
    assert (outcome.filled, outcome.unfilled, outcome.unfilled_reason) == (2, 0, None)
    assert (venue.of("market"), venue.of("cancel")) == ([], [])


@pytest.mark.parametrize(
    ("bias", "waited_seconds"),
    [(TakerBias.PREFER_MAKER, 4.0), (TakerBias.BALANCED, 2.0), (TakerBias.PREFER_TAKER, 1.0)],
)
def test_an_unfilled_maker_leg_waits_as_long_as_the_bias_says_and_then_crosses(
    bias: TakerBias, waited_seconds: float
) -> None:
    venue, clock = scripted(m1=NEVER_FILLED)

    outcome = route(venue, clock, replace(READING, taker_bias=bias))

    assert outcome.duration_seconds == pytest.approx(waited_seconds)
    assert outcome.done_at == START + timedelta(seconds=waited_seconds)
    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (True, False, True)
    assert outcome.average_price == Decimal("100.10")
    assert outcome.slippage_bps == pytest.approx(10.0)  # bought 0.10 above a mid of 100
    assert outcome.fees == Decimal("0.1001")  # 5 bps of 2 * 100.10


def test_the_gate_sends_an_order_straight_to_taker() -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, TAKER)

    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (False, False, False)
    assert (outcome.filled, len(venue.of("market")), venue.of("post-only")) == (2, 1, [])


def test_the_bots_own_wish_for_taker_is_kept_where_the_policy_says_maker() -> None:
    venue, clock = scripted()

    assert route(venue, clock, maker_first=False).maker_started is False


def test_a_probe_goes_out_as_maker_with_half_the_wait_and_says_so() -> None:
    venue, clock = scripted(m1=NEVER_FILLED)

    outcome = route(venue, clock, replace(TAKER, probe_every=1))

    assert (outcome.gate.probe, outcome.maker_started, outcome.duration_seconds) == (True, True, 2.0)


def test_a_partly_filled_maker_leg_leaves_exactly_the_rest_to_cross() -> None:
    venue, clock = scripted(m1=Script(fills=((1.0, "0.5", "99.95"),)))

    outcome = route(venue, clock)

    assert venue.of("market") == [("market", "BTCUSDT", Side.BUY, "1.5", client_order_id_of("bot-1", "f1"))]
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used) == (2, False, True)
    # (0.5 * 99.95 + 1.5 * 100.10) / 2 = 100.0625, that is 6.25 bps above 100
    assert outcome.average_price == Decimal("100.0625")
    assert outcome.slippage_bps == pytest.approx(6.25)
    assert outcome.fees == Decimal("0.009995") + Decimal("0.075075")


def test_a_sale_below_the_mid_costs() -> None:
    venue, clock = scripted(t1=Script(fills=((0.0, "2", "99.90"),), is_maker=False))

    assert route(venue, clock, TAKER, Side.SELL).slippage_bps == pytest.approx(10.0)


@pytest.mark.parametrize(
    "refused",
    [
        Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None),
        Script(ends_as=OrderStatus.EXPIRED),  # accepted, and gone at once: the other way in which venues refuse
        Script(ends_as=OrderStatus.REJECTED),
    ],
)
def test_a_post_only_order_that_would_cross_is_tried_again_at_a_fresh_price(refused: Script) -> None:
    venue, clock = scripted(m1=refused, m2=refused)
    venue.quotes = [Quote(bid=Decimal(99 + n), ask=Decimal(101 + n)) for n in range(3)]

    outcome = route(venue, clock)

    assert [price for _, _, _, _, price, _ in venue.of("post-only")] == ["99.95", "100.9495", "101.949"]
    assert (outcome.post_only_rejects, outcome.maker_filled, outcome.mid) == (2, True, 100)


def test_what_is_refused_to_rest_three_times_crosses_without_waiting() -> None:
    refused = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)
    venue, clock = scripted(m1=refused, m2=refused, m3=refused)

    outcome = route(venue, clock)

    assert (outcome.post_only_rejects, outcome.duration_seconds, outcome.fallback_used) == (3, 0.0, True)
    assert (outcome.maker_started, outcome.filled) == (True, 2)


@pytest.mark.parametrize(("race_fill", "left"), [("2", None), ("1.25", "0.75")])
def test_a_fill_that_races_with_the_cancellation_counts(race_fill: str, left: str | None) -> None:
    venue, clock = scripted(m1=Script(race_fill=(race_fill, "99.95")))

    outcome = route(venue, clock)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ([left] if left else [])
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used) == (2, left is None, left is not None)


def test_an_order_whose_placing_was_not_answered_is_found_by_its_id() -> None:
    venue, clock = scripted(m1=Script(raises=NO_ANSWER, fills=((1.0, "2", "99.95"),)))

    outcome = route(venue, clock)

    assert (len(venue.of("post-only")), venue.of("market")) == (1, [])
    assert (outcome.maker_filled, outcome.filled, outcome.duration_seconds) == (True, 2, 1.0)


@pytest.mark.parametrize("error", [NO_ANSWER, RuntimeError("a bug in the venue"), OSError("reset")])
def test_an_order_that_never_arrived_is_crossed_once_that_is_certain(error: Exception) -> None:
    venue, clock = scripted(m1=Script(raises=error, arrives_after=None))

    outcome = route(venue, clock)

    assert 35.0 <= outcome.duration_seconds <= 37.0  # absence_seconds, and at most one pause more
    assert (outcome.filled, outcome.fallback_used, outcome.unresolved_ids) == (2, True, ())


def test_an_order_that_arrives_late_is_cancelled_and_only_then_crossed() -> None:
    venue, clock = scripted(m1=Script(raises=NO_ANSWER, arrives_after=7.0, fills=((7.0, "0.5", "99.95"),)))

    outcome = route(venue, clock)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["1.5"]
    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert outcome.filled == 2


def test_an_order_that_took_long_to_fail_may_still_arrive_for_as_long_after_that() -> None:
    venue, clock = scripted(m1=Script(takes=20.0, raises=NO_ANSWER, arrives_after=9.0, fills=((9.0, "2", "99.95"),)))

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.maker_filled, venue.of("market")) == (2, True, [])


def test_an_order_that_the_venue_has_accepted_is_never_taken_for_absent() -> None:
    venue, clock = scripted(m1=Script(arrives_after=20.0, fills=((20.0, "2", "99.95"),)))

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.maker_filled, venue.of("market")) == (2, True, [])


@pytest.mark.parametrize("error", [None, RuntimeError("not even a timeout")])
def test_a_venue_that_falls_silent_ends_in_an_outcome_that_says_so(error: Exception | None) -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, {"m1": Script(fills=((0.0, "0.5", "99.95"),))}, deaf_from=1.0, broken_by=error)

    outcome = route(venue, clock)

    assert outcome.unfilled_reason is UnfilledReason.UNCONFIRMED
    assert outcome.unresolved_ids == (client_order_id_of("bot-1", "m1"),)
    assert (outcome.filled, outcome.unfilled, outcome.maker_filled) == (Decimal("0.5"), Decimal("1.5"), None)
    assert venue.of("market") == []
    assert 64.0 <= outcome.duration_seconds <= 66.0  # 4 s of waiting, 60 s of asking


def test_a_venue_that_comes_back_while_it_is_asked_is_believed_again() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, {"m1": Script(fills=((5.0, "2", "99.95"),))}, deaf_from=1.0, deaf_until=20.0)

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.maker_filled, outcome.unfilled_reason) == (2, True, None)


def test_without_a_quote_nothing_is_sent() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, deaf_from=0.0)

    outcome = route(venue, clock)

    assert (outcome.unfilled_reason, outcome.unfilled, outcome.mid) == (UnfilledReason.NO_QUOTE, 2, None)
    assert (outcome.maker_started, outcome.slippage_bps, venue.sent) == (False, None, {})
    assert len(venue.of("quote")) == 3


def test_a_taker_order_that_finds_too_little_is_tried_three_times_and_the_rest_is_told() -> None:
    ended = OrderStatus.EXPIRED
    venue, clock = scripted(
        t1=Script(fills=((0.0, "0.5", "100.10"),), ends_as=ended, is_maker=False),
        t2=Script(ends_as=ended),
        t3=Script(fills=((0.0, "0.25", "100.20"),), ends_as=ended, is_maker=False),
    )

    outcome = route(venue, clock, TAKER)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["2", "1.5", "1.5"]
    assert (outcome.filled, outcome.unfilled) == (Decimal("0.75"), Decimal("1.25"))
    assert outcome.unfilled_reason is UnfilledReason.NO_LIQUIDITY


def test_a_market_order_that_hangs_is_cancelled_before_the_rest_is_sent_again() -> None:
    venue, clock = scripted(t1=Script(fills=((0.0, "0.5", "100.10"),), is_maker=False))

    outcome = route(venue, clock, TAKER)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["2", "1.5"]
    assert (outcome.filled, outcome.duration_seconds) == (2, 5.0)


def test_a_taker_order_that_is_refused_is_not_sent_again_and_is_no_fallback() -> None:
    refused = Script(raises=OrderRejectedError("no funds"), arrives_after=None)
    venue, clock = scripted(m1=refused, f1=refused)

    outcome = route(venue, clock)

    assert (outcome.unfilled_reason, outcome.unfilled) == (UnfilledReason.REFUSED, 2)
    assert (outcome.maker_started, outcome.fallback_used, len(venue.of("market"))) == (True, False, 1)


def test_a_taker_order_that_never_arrives_is_sent_again_under_another_id() -> None:
    venue, clock = scripted(t1=Script(raises=NO_ANSWER, arrives_after=None))

    outcome = route(venue, clock, TAKER)

    assert [request[-1][-2:] for request in venue.of("market")] == ["t1", "t2"]
    assert (outcome.filled, outcome.unfilled_reason) == (2, None)


def test_taker_orders_that_never_arrive_are_given_up_with_certainty() -> None:
    lost = Script(raises=NO_ANSWER, arrives_after=None)
    venue, clock = scripted(t1=lost, t2=lost, t3=lost)

    outcome = route(venue, clock, TAKER)

    assert (outcome.unfilled_reason, outcome.unresolved_ids) == (UnfilledReason.NOT_PLACED, ())


def test_a_fill_without_a_price_has_no_slippage() -> None:
    venue, clock = scripted(m1=Script(fills=((0.0, "2", "99.95"),), has_price=False))

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.average_price, outcome.slippage_bps) == (2, None, None)


def test_an_order_sent_post_only_that_the_venue_filled_as_taker_is_no_maker_fill() -> None:
    venue, clock = scripted(m1=Script(fills=((0.0, "2", "100.10"),), is_maker=False))

    assert route(venue, clock).maker_filled is False


def test_an_answer_that_is_older_than_the_one_before_is_not_believed() -> None:
    clock = SimulatedClock(START)

    class Flickering(ScriptedVenue):
        def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
            state = super().fetch_order(symbol, client_order_id)
            is_old = state is not None and len(self.of("fetch")) % 3 == 0 and client_order_id.endswith("m1")
            return OrderState(status=OrderStatus.CANCELED, filled=Decimal(0)) if is_old else state

    venue = Flickering(clock, {"m1": Script(fills=((0.0, "0.5", "99.95"),))})

    assert route(venue, clock).filled == 2
    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["1.5"]
