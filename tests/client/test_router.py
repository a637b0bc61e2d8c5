"""The router, case by case: each venue behaviour ends in the one outcome that it should, worked out by hand."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import ccxt
import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import Status, TakerBias
from router_policy_client.leg import Patience, client_order_id_of
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.policy import Reading
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.venue import (
    OrderRejectedError,
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
    VenueTimeoutError,
)
from tests.client.scripted import READING, START, TAKER, Kept, Reader, Script, ScriptedVenue, order


class _InterruptedOnce:
    """A venue during whose first cancellation Ctrl-C is pressed, before it has been sent."""

    def __init__(self, venue: ScriptedVenue) -> None:
        self._venue = venue
        self._is_due = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        if self._is_due:
            self._is_due = False
            raise KeyboardInterrupt
        self._venue.cancel_order(symbol, client_order_id)


class _KilledAt:
    """A venue whose caller is killed at its first request after so many seconds: nothing reaches it from then on."""

    def __init__(self, venue: ScriptedVenue, clock: SimulatedClock, seconds: float) -> None:
        self._venue, self._clock = venue, clock
        self._until = clock.now() + timedelta(seconds=seconds)

    def __getattr__(self, name: str) -> Any:
        if self._clock.now() >= self._until:
            raise KeyboardInterrupt
        return getattr(self._venue, name)


NEVER_FILLED = Script()
NO_ANSWER = VenueTimeoutError("no answer")


def route(
    venue: ScriptedVenue, clock: SimulatedClock, reading: Reading = READING, side: Side = Side.BUY, **more: Any
) -> Outcome:
    """Route one order of 2 and see that the log has got what was returned, once."""
    log = Kept()
    outcome = route_order(order(side), venue, Reader(reading), log, clock=clock, **more)
    assert log.outcomes == [outcome]
    assert outcome.filled + outcome.unfilled == 2
    return outcome


def scripted(**scripts: Script) -> tuple[ScriptedVenue, SimulatedClock]:
    clock = SimulatedClock(START)
    return ScriptedVenue(clock, scripts), clock


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


def test_a_log_that_cannot_be_written_stops_no_order(caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        def append(self, outcome: Outcome) -> None:
            raise OSError(f"no space left on device for {outcome}")

    venue, clock = scripted()
    with caplog.at_level(logging.ERROR):
        outcome = route_order(order(), venue, Reader(), Full(), clock=clock)

    assert outcome.filled == 2
    assert "order bot-1: its outcome could not be logged" in caplog.text


def test_an_interruption_cancels_what_is_open_logs_the_outcome_and_goes_on() -> None:
    class Interrupted(SimulatedClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.monotonic_seconds() == 1.0:
                raise KeyboardInterrupt

    clock, log = Interrupted(START), Kept()
    venue = ScriptedVenue(clock, {"m1": Script(fills=((0.5, "0.5", "99.95"),))})

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), venue, Reader(), log, clock=clock)

    (outcome,) = log.outcomes
    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert (outcome.unfilled_reason, outcome.filled) == (UnfilledReason.INTERRUPTED, Decimal("0.5"))
    assert outcome.unresolved_ids == ()


def test_a_failure_of_the_router_itself_still_gives_an_outcome(caplog: pytest.LogCaptureFixture) -> None:
    venue, clock = scripted()
    venue.quote = lambda _: "no quote"  # type: ignore[assignment, method-assign, return-value]  # the fault

    with caplog.at_level(logging.ERROR):
        outcome = route(venue, clock)

    assert (outcome.unfilled_reason, outcome.unfilled, venue.sent) == (UnfilledReason.FAILED, 2, {})
    assert "order bot-1: the router failed" in caplog.text


def test_a_venue_that_answers_nonsense_leaves_the_order_unconfirmed() -> None:
    class Raving(ScriptedVenue):
        def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
            super().fetch_order(symbol, client_order_id)
            return "filled"  # type: ignore[return-value]  # the nonsense

    clock = SimulatedClock(START)
    venue = Raving(clock)

    outcome = route(venue, clock)

    assert (outcome.unfilled_reason, outcome.filled, venue.of("market")) == (UnfilledReason.UNCONFIRMED, 0, [])


def died_in(venue: ScriptedVenue, clock: SimulatedClock, at_seconds: float) -> None:
    """Route an order in a process that dies of it, without any chance to clean up."""

    class Killed(BaseException):
        pass

    class Deadly(SimulatedClock):
        def now(self) -> datetime:
            return clock.now()

        def monotonic_seconds(self) -> float:
            return clock.monotonic_seconds()

        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            if clock.monotonic_seconds() >= at_seconds:
                raise Killed

    alive = venue.cancel_order
    venue.cancel_order = None  # type: ignore[assignment, method-assign]  # so that it fails
    with pytest.raises(Killed):
        route_order(order(), venue, Reader(), Kept(), clock=Deadly(START))
    venue.cancel_order = alive  # type: ignore[method-assign]  # as it was


def test_an_order_taken_up_after_its_process_died_counts_what_was_filled_and_sends_only_the_rest() -> None:
    venue, clock = scripted(m1=Script(fills=((0.5, "0.5", "99.95"),)))
    died_in(venue, clock, 1.0)

    outcome = route(venue, clock, resume_from=START)

    assert len(venue.of("post-only")) == 1
    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["1.5"]
    assert (outcome.filled, outcome.maker_started, outcome.fallback_used) == (2, True, True)


def test_what_an_order_taken_up_had_been_decided_on_is_not_told() -> None:
    venue, clock = scripted(m1=Script(fills=((0.5, "0.5", "99.95"),)))
    died_in(venue, clock, 1.0)
    venue.quotes = [Quote(bid=Decimal(89), ask=Decimal(91))]  # the market has moved by 10 % since

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.is_resumed, outcome.mid, outcome.slippage_bps) == (True, None, None)


def test_an_order_taken_up_tells_a_fallback_from_an_order_that_went_straight_to_taker() -> None:
    turned_away = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)
    half = Script(fills=((1.0, "0.5", "100.10"),), is_maker=False)
    venue, clock = scripted(m1=turned_away, m2=turned_away, m3=turned_away, f1=half)
    died_in(venue, clock, 2.0)
    straight, other_clock = scripted(t1=half)
    with pytest.raises(KeyboardInterrupt):
        route_order(order(), _KilledAt(straight, other_clock, 1.0), Reader(TAKER), Kept(), clock=other_clock)

    fell_back, crossed = (
        route(venue, clock, TAKER, resume_from=START),
        route(straight, other_clock, READING, resume_from=START),
    )

    assert (fell_back.maker_started, fell_back.fallback_used, fell_back.filled) == (True, True, 2)
    assert (crossed.maker_started, crossed.fallback_used, crossed.filled) == (False, False, 2)


def test_an_order_taken_up_so_late_that_the_venue_may_have_forgotten_it_is_not_sent_again() -> None:
    venue, clock = scripted()
    route(venue, clock)
    venue.sent.clear()  # as a venue that finds nothing that has ended longer ago
    clock.sleep(3600.0)

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.unfilled_reason, outcome.filled, venue.sent) == (UnfilledReason.UNCONFIRMED, 0, {})
    assert client_order_id_of("bot-1", "m1") in outcome.unresolved_ids


@pytest.mark.parametrize(("begun", "is_sent"), [(-560.0, True), (-566.0, False), (-1e6, False), (0.1, False)])
def test_an_order_is_known_never_to_have_been_sent_only_while_the_venue_would_remember_it(
    begun: float, is_sent: bool
) -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, resume_from=START + timedelta(seconds=begun))

    # It is looked for until 35 s have passed, at pauses of up to 2 s, and the venue remembers 600 s.
    assert bool(venue.sent) is is_sent
    assert (outcome.unfilled_reason is UnfilledReason.UNCONFIRMED) is not is_sent


def test_what_is_open_is_cancelled_before_anything_is_waited_for() -> None:
    turned_away = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)
    venue, clock = scripted(m1=turned_away, m2=NEVER_FILLED)
    died_in(venue, clock, 1.0)
    resumed_at = clock.now()

    route(venue, clock, resume_from=START)

    assert venue.sent[client_order_id_of("bot-1", "m2")].cancelled_at == resumed_at


def test_post_only_orders_that_the_venue_turned_away_count_also_when_they_are_taken_up() -> None:
    expired = Script(ends_as=OrderStatus.EXPIRED)
    venue, clock = scripted(m1=expired, m2=expired, m3=NEVER_FILLED)
    died_in(venue, clock, 1.0)

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.post_only_rejects, outcome.maker_started, outcome.fallback_used) == (2, True, True)


def test_flags_are_not_told_of_what_was_only_looked_for() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, deaf_from=0.0)

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (False, None, False)
    assert len(outcome.unresolved_ids) == 27
    assert outcome.duration_seconds <= 62.0


def test_an_order_on_a_venue_that_takes_requests_half_a_minute_later_is_bought_once() -> None:
    venue, clock = scripted(m1=Script(raises=NO_ANSWER, arrives_after=29.0, fills=((29.0, "2", "99.95"),)))

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.maker_filled, venue.of("market")) == (2, True, [])


def test_an_order_taken_up_late_counts_what_the_venue_still_tells() -> None:
    venue, clock = scripted(m1=Script(fills=((0.5, "0.5", "99.95"),)))
    died_in(venue, clock, 1.0)
    clock.sleep(3600.0)

    outcome = route(venue, clock, resume_from=START)

    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert (outcome.filled, outcome.unfilled_reason, venue.of("market")) == (
        *(Decimal("0.5"), UnfilledReason.UNCONFIRMED, []),
    )


def test_ctrl_c_while_an_order_is_taken_up_names_what_may_be_open() -> None:
    venue, clock = scripted(m1=NEVER_FILLED)
    died_in(venue, clock, 1.0)

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), _InterruptedOnce(venue), Reader(), log := Kept(), clock=clock, resume_from=START)

    (outcome,) = log.outcomes
    assert (outcome.unfilled_reason, outcome.is_resumed) == (UnfilledReason.UNCONFIRMED, True)
    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert client_order_id_of("bot-1", "f1") in outcome.unresolved_ids


def test_a_time_to_take_an_order_up_from_has_a_zone() -> None:
    venue, clock = scripted()

    with pytest.raises(ValueError, match="has no time zone"):
        route_order(order(), venue, Reader(), Kept(), clock=clock, resume_from=START.replace(tzinfo=None))

    assert venue.requests == []


def test_an_order_taken_up_that_was_done_sends_nothing() -> None:
    venue, clock = scripted(m1=NEVER_FILLED)
    route(venue, clock)
    sent = len(venue.sent)

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.filled, outcome.fallback_used, len(venue.sent)) == (2, True, sent)


def test_an_order_taken_up_that_was_never_sent_is_routed_as_any_other() -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.maker_filled, outcome.filled) == (True, 2)
    assert outcome.duration_seconds >= 35.0


def test_an_order_taken_up_at_a_venue_that_is_silent_sends_nothing() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, deaf_from=0.1)
    clock.sleep(0.0)

    outcome = route(venue, clock, resume_from=START)

    assert (outcome.unfilled_reason, venue.sent) == (UnfilledReason.UNCONFIRMED, {})


def test_an_order_taken_up_with_fewer_tries_than_it_was_sent_with_is_not_sent_twice() -> None:
    turned_away = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)
    half = Script(fills=((0.0, "0.5", "99.90"),))
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, {"m1": turned_away, "m2": turned_away, "m3": turned_away, "m4": half})
    with pytest.raises(KeyboardInterrupt):  # while its fourth maker order rests
        route_order(
            order(), _KilledAt(venue, clock, 1.0), Reader(), Kept(), clock=clock, routing=Routing(post_only_tries=5)
        )

    outcome = route(venue, clock, resume_from=START)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["1.5"]
    assert (outcome.filled, outcome.maker_started, outcome.fallback_used) == (2, True, True)


def test_an_order_that_is_taken_up_is_priced_when_it_is_sent() -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, resume_from=START)

    assert outcome.duration_seconds <= 37.0  # 35 s and the longest pause: all legs are waited for at once
    assert [request[0] for request in venue.requests[-3:]] == ["quote", "post-only", "fetch"]


@pytest.mark.parametrize("digits", [3, 8])
def test_quantities_are_exact_whatever_digits_the_bots_own_context_keeps(digits: int) -> None:
    clock = SimulatedClock(START)
    venue = ScriptedVenue(clock, {"m1": Script(fills=((0.0, "23456789.12", "99.90"),))})
    log = Kept()

    with localcontext(prec=digits):
        outcome = route_order(order(Side.SELL, "123456789.12"), venue, Reader(), log, clock=clock)

    assert [quantity for _, _, _, quantity, _ in venue.of("market")] == ["100000000.00"]
    assert (outcome.filled, outcome.unfilled, outcome.unfilled_reason) == (Decimal("123456789.12"), 0, None)


def test_ctrl_c_while_an_order_is_being_cancelled_still_cancels_it() -> None:
    venue, clock = scripted(m1=NEVER_FILLED)
    interrupted = _InterruptedOnce(venue)

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), interrupted, Reader(), log := Kept(), clock=clock)

    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert [one.unfilled_reason for one in log.outcomes] == [UnfilledReason.INTERRUPTED]


@pytest.mark.parametrize("takes", [9.5, 12.0, 25.0])
def test_ctrl_c_while_a_placing_hangs_waits_as_long_for_it_to_arrive_as_any_failure(takes: float) -> None:
    late = Script(takes=takes, raises=KeyboardInterrupt(), arrives_after=9.0, fills=((9.0, "2", "99.95"),))
    venue, clock = scripted(m1=late)

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), venue, Reader(), log := Kept(), clock=clock)

    (outcome,) = log.outcomes
    assert (outcome.filled, outcome.unfilled_reason, outcome.unresolved_ids) == (2, None, ())


def test_ctrl_c_while_the_outcome_is_logged_costs_no_line() -> None:
    class Slow(Kept):
        is_interrupted = False

        def append(self, outcome: Outcome) -> None:
            if not self.is_interrupted:
                self.is_interrupted = True
                raise KeyboardInterrupt
            super().append(outcome)

    venue, clock = scripted()

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), venue, Reader(), log := Slow(), clock=clock)

    assert [(one.filled, one.maker_filled) for one in log.outcomes] == [(2, True)]


def test_a_venue_that_fills_more_than_the_order_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    venue, clock = scripted(t1=Script(fills=((0.0, "3", "100.10"),), ends_as=OrderStatus.FILLED, is_maker=False))

    with caplog.at_level(logging.ERROR):
        outcome = route(venue, clock, TAKER)

    assert (outcome.filled, outcome.unfilled, outcome.unfilled_reason) == (3, -1, UnfilledReason.OVERFILLED)
    assert "order bot-1: the venue filled 1 more than the order" in caplog.text


def test_a_maker_fill_without_the_venues_flag_is_not_taken_for_one() -> None:
    venue, clock = scripted(m1=Script(fills=((0.0, "2", "99.95"),), is_maker=None))

    outcome = route(venue, clock)

    assert (outcome.filled, outcome.maker_started, outcome.maker_filled) == (2, True, None)


@pytest.mark.parametrize("word", ["open", "filled", "canceled"])
def test_a_status_that_is_a_text_is_the_word_that_it_says(word: str) -> None:
    state = OrderState(status=word, filled=Decimal(1))  # type: ignore[arg-type]  # the fault

    assert state.status is OrderStatus(word)
    assert state.has_ended is (word != "open")


@pytest.mark.parametrize("status", ["OPEN", "new", None])
def test_a_status_that_is_no_word_of_ours_is_no_answer(status: object) -> None:
    with pytest.raises(ValueError, match="is not a valid OrderStatus"):
        OrderState(status=status, filled=Decimal(1))  # type: ignore[arg-type]  # the fault


@pytest.mark.parametrize("told", [100.0, Decimal("NaN"), Decimal("Infinity"), "100"])
def test_a_price_or_fee_that_is_no_finite_decimal_tells_nothing_and_costs_no_line(told: Any) -> None:
    class Floating(ScriptedVenue):
        def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
            state = super().fetch_order(symbol, client_order_id)
            assert state is not None
            return OrderState(status=state.status, filled=state.filled, average_price=told, fees=told)

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
