"""Slivers: while the policy is taker, a share of each order rests for the full wait and the rest crosses at once.

Of an order of two coins at 100 the sliver of 5 % is 0.10. The venue takes steps of 0.01 and orders worth 5 or more.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.leg import client_order_id_of
from router_policy_client.order import Outcome, UnfilledReason
from router_policy_client.router import route_order
from router_policy_client.venue import OrderRejectedError, OrderStatus
from tests.client.routing import NEVER_FILLED, NO_ANSWER, TURNED_AWAY, died_in, market, route, scripted
from tests.client.scripted import START, TAKER, Kept, Reader, Script, ScriptedMarket, ScriptedVenue, order

SLIVERS = replace(TAKER, probe_share=0.05)
REFUSED = Script(raises=OrderRejectedError("no funds"), arrives_after=None)
LOST = Script(raises=NO_ANSWER, arrives_after=None)


def sent(venue: ScriptedVenue) -> list[tuple[str, str, float]]:
    """Each leg that was sent: its name, quantity, and how many seconds after the start."""
    return [
        (request[-1][-2:], request[3], (venue.sent[request[-1]].at - START).total_seconds())
        for request in venue.requests
        if request[0] in ("post-only", "market")
    ]


def route_quantity(venue: ScriptedVenue, clock: SimulatedClock, quantity: str, **fields: object) -> Outcome:
    reading = replace(SLIVERS, **fields)  # type: ignore[arg-type]  # fields of a reading
    return route_order(order(quantity=quantity), venue, Reader(reading), Kept(), clock=clock)


def test_the_rest_crosses_and_the_sliver_rests_without_waiting_for_one_another() -> None:
    venue, clock = market(m1=Script(fills=((3.0, "0.10", "99.95"),)), t1=Script(fills=((2.0, "1.90", "100.10"),)))

    outcome = route(venue, clock, SLIVERS)

    assert sent(venue) == [("t1", "1.90", 0.0), ("m1", "0.10", 0.0)]
    assert [request[0] for request in venue.requests[:3]] == ["quote", "market", "post-only"]
    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (True, True, False)
    assert (outcome.filled, outcome.gate.probe, outcome.maker_share) == (2, True, 0.05)
    # (1.90 * 100.10 + 0.10 * 99.95) / 2 = 100.0925, that is 9.25 bps above 100
    assert outcome.slippage_bps == pytest.approx(9.25)
    assert outcome.duration_seconds == 3.0


def test_a_sliver_waits_the_full_wait_and_what_it_leaves_crosses() -> None:
    venue, clock = market(m1=Script(fills=((1.0, "0.04", "99.95"),)))

    outcome = route(venue, clock, replace(SLIVERS, maker_posts=4))  # a sliver is posted once, whatever the policy says

    assert sent(venue) == [("t1", "1.90", 0.0), ("m1", "0.10", 0.0), ("f1", "0.06", 4.0)]
    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == (True, False, True)
    assert (outcome.filled, outcome.maker_share) == (2, 0.05)
    assert outcome.slippage_bps == pytest.approx((1.96 * 10.0 - 0.04 * 5.0) / 2)


@pytest.mark.parametrize(
    ("quantity", "legs", "maker_share"),
    [
        ("1.13", [("t1", "1.08"), ("m1", "0.05")], 0.05 / 1.13),  # 0.0565 is no step
        ("1.09", [("t1", "1.09")], None),  # 0.0545, so 0.05: at the price of the order 99.95 * 0.05 < 5
        ("0.5", [("t1", "0.5")], None),
        ("1.135", [("t1", "1.135")], None),  # the rest would be no step
    ],
)
def test_a_sliver_is_sent_only_if_the_venue_takes_it_and_the_rest(
    quantity: str, legs: list[tuple[str, str]], maker_share: float | None
) -> None:
    venue, clock = market()
    venue.quotes = [replace(venue.quotes[0], bid=Decimal("100.05"), ask=Decimal("100.15"))]
    if quantity == "1.09":
        venue.quotes = [replace(venue.quotes[0], bid=Decimal("99.99"), ask=Decimal("100.15"))]

    outcome = route_quantity(venue, clock, quantity)

    assert [(name, quantity) for name, quantity, _ in sent(venue)] == legs
    assert outcome.maker_share == (None if maker_share is None else pytest.approx(maker_share))
    assert (outcome.gate.probe, outcome.maker_started) == (maker_share is not None,) * 2


def test_where_the_share_is_too_small_one_order_in_so_many_is_a_whole_probe() -> None:
    venue, clock = market(m1=NEVER_FILLED)

    outcome = route_quantity(venue, clock, "0.5", probe_every=1)

    assert sent(venue) == [("m1", "0.5", 0.0), ("f1", "0.5", 2.0)]
    assert (outcome.gate.probe, outcome.maker_share) == (True, None)


@pytest.mark.parametrize(("every", "legs"), [(None, ["t1"]), (1, ["m1"])])
def test_a_venue_without_known_rules_gets_no_slivers(every: int | None, legs: list[str]) -> None:
    venue, clock = scripted()

    route(venue, clock, replace(SLIVERS, probe_every=every))

    assert [name for name, _, _ in sent(venue)] == legs


def test_a_share_of_one_is_the_whole_order_with_the_full_wait() -> None:
    venue, clock = market(m1=NEVER_FILLED)

    outcome = route(venue, clock, replace(SLIVERS, probe_share=1.0))

    assert sent(venue) == [("m1", "2", 0.0), ("f1", "2", 4.0)]
    assert (outcome.gate.probe, outcome.maker_share) == (True, None)


def test_the_bots_own_wish_for_taker_and_a_policy_for_maker_send_no_slivers() -> None:
    wishing, clock = market()
    open_again, other_clock = market()

    route(wishing, clock, SLIVERS, maker_first=False)
    route(open_again, other_clock, replace(SLIVERS, maker_first=True))

    assert [[name for name, _, _ in sent(venue)] for venue in (wishing, open_again)] == [["t1"], ["m1"]]


def test_a_rest_whose_order_was_not_answered_sends_no_sliver() -> None:
    venue, clock = market(t1=Script(raises=NO_ANSWER, arrives_after=2.0, fills=((2.0, "1.90", "100.10"),)))

    outcome = route(venue, clock, SLIVERS)

    assert [(name, quantity) for name, quantity, _ in sent(venue)] == [("t1", "1.90"), ("t2", "0.10")]
    assert (outcome.maker_started, outcome.maker_share, outcome.filled) == (False, None, 2)


def test_a_rest_whose_order_never_arrived_is_crossed_with_what_would_have_rested() -> None:
    venue, clock = market(t1=LOST)

    outcome = route(venue, clock, SLIVERS)

    assert [(name, quantity) for name, quantity, _ in sent(venue)] == [("t1", "1.90"), ("t2", "2")]
    assert (outcome.filled, outcome.unfilled_reason) == (2, None)


def test_a_sliver_that_never_arrived_crosses_once_that_is_certain() -> None:
    venue, clock = market(m1=LOST)

    outcome = route(venue, clock, SLIVERS)

    assert [(name, quantity) for name, quantity, _ in sent(venue)] == [("t1", "1.90"), ("m1", "0.10"), ("f1", "0.10")]
    assert (outcome.filled, outcome.fallback_used, outcome.rest) == (2, True, None)
    assert outcome.duration_seconds >= 35.0


@pytest.mark.parametrize("is_answered", [True, False])
def test_legs_of_which_the_end_is_unknown_are_named_and_nothing_follows(is_answered: bool) -> None:
    clock = SimulatedClock(START)
    raises = None if is_answered else NO_ANSWER
    venue = ScriptedMarket(
        clock, {"t1": Script(fills=((0.0, "1.90", "100.10"),)), "m1": Script(takes=0.5, raises=raises)}, deaf_from=0.1
    )

    outcome = route(venue, clock, SLIVERS)

    assert [name for name, _, _ in sent(venue)] == ["t1", "m1"]
    assert (outcome.unfilled_reason, outcome.filled, outcome.maker_filled) == (UnfilledReason.UNCONFIRMED, 0, None)
    assert outcome.unresolved_ids == tuple(client_order_id_of("bot-1", name) for name in ("t1", "m1"))
    assert outcome.duration_seconds <= 135.0  # each of them is asked for once, for a minute


def test_a_rest_that_finds_too_little_is_tried_again_while_the_sliver_rests() -> None:
    ended = OrderStatus.EXPIRED
    venue, clock = market(
        t1=Script(fills=((0.0, "1.00", "100.10"),), ends_as=ended, is_maker=False),
        m1=Script(fills=((2.0, "0.10", "99"),)),
    )

    outcome = route(venue, clock, SLIVERS)

    assert sent(venue) == [("t1", "1.90", 0.0), ("m1", "0.10", 0.0), ("t2", "0.90", 0.0)]
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used) == (2, True, False)


def test_what_neither_the_rest_nor_the_sliver_filled_crosses_in_one_order() -> None:
    nothing = Script(ends_as=OrderStatus.EXPIRED)
    venue, clock = market(t1=nothing, t2=nothing, t3=nothing, m1=NEVER_FILLED)

    outcome = route(venue, clock, SLIVERS)

    assert sent(venue)[-1] == ("f1", "2", 4.0)
    assert (outcome.filled, outcome.fallback_used) == (2, True)


def test_a_filled_sliver_is_no_fallback_though_the_rest_found_no_liquidity() -> None:
    nothing = Script(ends_as=OrderStatus.EXPIRED)
    venue, clock = market(t1=nothing, t2=nothing, t3=nothing)

    outcome = route(venue, clock, SLIVERS)

    assert (outcome.maker_filled, outcome.fallback_used) == (True, False)
    assert (outcome.filled, outcome.unfilled_reason) == (Decimal("0.10"), UnfilledReason.NO_LIQUIDITY)


@pytest.mark.parametrize("tries", [{"t1": REFUSED}, {"t1": Script(ends_as=OrderStatus.EXPIRED), "t2": REFUSED}])
def test_a_rest_that_is_refused_is_not_sent_again(tries: dict[str, Script]) -> None:
    venue, clock = market(**tries, m1=NEVER_FILLED)

    outcome = route(venue, clock, SLIVERS)

    assert [name for name, _, _ in sent(venue)] == (["t1"] if len(tries) == 1 else ["t1", "m1", "t2"])
    assert (outcome.filled, outcome.unfilled_reason, outcome.fallback_used) == (0, UnfilledReason.REFUSED, False)


def test_a_sliver_that_would_cross_is_tried_three_times_and_then_crosses() -> None:
    venue, clock = market(m1=TURNED_AWAY, m2=TURNED_AWAY, m3=TURNED_AWAY)

    outcome = route(venue, clock, SLIVERS)

    assert sent(venue)[-1] == ("f1", "0.10", 0.0)
    assert (outcome.post_only_rejects, outcome.fallback_used, outcome.rest) == (3, True, None)


def interrupted_at(seconds: float) -> SimulatedClock:
    class Interrupted(SimulatedClock):
        is_due = True

        def sleep(self, duration: float) -> None:
            super().sleep(duration)
            if self.is_due and self.monotonic_seconds() >= seconds:
                self.is_due = False
                raise KeyboardInterrupt

    return Interrupted(START)


@pytest.mark.parametrize("seconds", [0.25, 2.5])  # while the rest crosses, and while the sliver rests
def test_ctrl_c_cancels_both_legs(seconds: float) -> None:
    clock = interrupted_at(seconds)
    venue = ScriptedMarket(clock, {"t1": Script(fills=((0.5, "1.90", "100.10"),)), "m1": NEVER_FILLED})

    with pytest.raises(KeyboardInterrupt):
        route_order(order(), venue, Reader(SLIVERS), log := Kept(), clock=clock)

    (outcome,) = log.outcomes
    assert venue.sent[client_order_id_of("bot-1", "m1")].cancelled_at is not None
    assert (outcome.unfilled_reason, outcome.unresolved_ids) == (UnfilledReason.INTERRUPTED, ())
    assert outcome.filled == (0 if seconds < 0.5 else Decimal("1.90"))


@pytest.mark.parametrize(
    ("sliver", "legs", "flags"),
    [
        (NEVER_FILLED, ["t1", "m1", "f1"], (True, False, True)),
        (Script(fills=((0.5, "0.10", "99.95"),)), ["t1", "m1"], (True, True, False)),
        (Script(fills=((0.5, "0.04", "99.95"),)), ["t1", "m1", "f1"], (True, False, True)),
    ],
)
def test_a_sliver_of_a_process_that_died_is_ended_by_the_one_that_takes_the_order_up(
    sliver: Script, legs: list[str], flags: tuple[bool, bool, bool]
) -> None:
    venue, clock = market(m1=sliver)
    died_in(venue, clock, 0.0, SLIVERS)
    clock.sleep(1.0)

    outcome = route(venue, clock, SLIVERS, resume_from=START)

    assert [name for name, _, _ in sent(venue)] == legs
    assert (outcome.maker_started, outcome.maker_filled, outcome.fallback_used) == flags
    assert (outcome.filled, outcome.maker_share, outcome.rest) == (2, None, None)


def test_a_sliver_that_was_never_sent_by_the_process_that_died_crosses() -> None:
    venue, clock = market(m1=LOST)
    died_in(venue, clock, 0.0, SLIVERS)

    outcome = route(venue, clock, SLIVERS, resume_from=START)

    assert [(name, quantity) for name, quantity, _ in sent(venue)] == [("t1", "1.90"), ("m1", "0.10"), ("t2", "0.10")]
    assert (outcome.maker_started, outcome.fallback_used, outcome.filled) == (False, False, 2)
