"""Orders that are interrupted, and orders that another process takes up."""

import logging
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.leg import client_order_id_of
from router_policy_client.order import Outcome, Side, UnfilledReason
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.venue import (
    OrderState,
    OrderStatus,
    PostOnlyRejectedError,
    Quote,
)
from tests.client.routing import NEVER_FILLED, NO_ANSWER, KilledAt, died_in, route, scripted
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
        route_order(order(), KilledAt(straight, other_clock, 1.0), Reader(TAKER), Kept(), clock=other_clock)

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
            order(), KilledAt(venue, clock, 1.0), Reader(), Kept(), clock=clock, routing=Routing(post_only_tries=5)
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
    assert [outcome.unfilled_reason for outcome in log.outcomes] == [UnfilledReason.INTERRUPTED]


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

    assert [(logged.filled, logged.maker_filled) for logged in log.outcomes] == [(2, True)]


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
