"""Posting anew within one wait: when, at what price and how much, and what becomes of it if the venue misbehaves.

Unless said otherwise the full wait of 4 seconds has four posts, of one second each.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import TakerBias
from router_policy_client.leg import client_order_id_of
from router_policy_client.order import Outcome, Rest, Side, UnfilledReason
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.venue import OrderStatus, Quote, VenueTimeoutError
from tests.client.routing import NEVER_FILLED, NO_ANSWER, TURNED_AWAY, KilledAt, market, route, scripted
from tests.client.scripted import (
    READING,
    START,
    TAKER,
    Kept,
    Reader,
    Script,
    ScriptedMarket,
    ScriptedVenue,
    order,
    quotes,
)

FOUR = replace(READING, maker_posts=4)
FOUR_MISSES = dict.fromkeys(("m1", "m2", "m3", "m4"), NEVER_FILLED)


def posted(venue: ScriptedVenue) -> list[tuple[str, str, str, float]]:
    """Each maker leg: its name, quantity, price, and how many seconds after the start it was sent."""
    return [
        (name[-2:], quantity, price, (venue.sent[name].at - START).total_seconds())
        for _, _, _, quantity, price, name in venue.of("post-only")
        if name in venue.sent
    ]


def crossed(venue: ScriptedVenue) -> list[tuple[str, str, float]]:
    """Each market order: its name, quantity, and how many seconds after the start it was sent."""
    return [
        (name[-2:], quantity, (venue.sent[name].at - START).total_seconds())
        for _, _, _, quantity, name in venue.of("market")
    ]


def rest_of(outcome: Outcome) -> Rest:
    assert outcome.rest is not None
    return outcome.rest


def test_an_order_moves_to_the_fresh_price_when_a_post_ends_and_crosses_after_the_same_wait() -> None:
    venue, clock = market(**FOUR_MISSES)
    venue.quotes = quotes("100", "101", "102", "103", "104")

    outcome = route(venue, clock, FOUR)

    # 5 bps below each mid, down to the tick: 100.9495, 101.949 and 102.9485
    assert posted(venue) == [
        ("m1", "2", "99.95", 0.0),
        ("m2", "2", "100.94", 1.0),
        ("m3", "2", "101.94", 2.0),
        ("m4", "2", "102.94", 3.0),
    ]
    assert crossed(venue) == [("f1", "2", 4.0)]
    assert [name[-2:] for _, _, name in venue.of("cancel")] == ["m1", "m2", "m3", "m4"]
    assert (outcome.maker_filled, outcome.fallback_used, outcome.mid, outcome.post_only_rejects) == (
        False,
        True,
        100,
        0,
    )
    assert rest_of(outcome).posts == 4
    assert len(venue.of("quote")) == 5  # the decision, and once for each post


def test_a_sale_moves_to_the_tick_above() -> None:
    venue, clock = market(**FOUR_MISSES)
    venue.quotes = quotes("100", "99")

    route(venue, clock, FOUR, Side.SELL)

    assert posted(venue)[:2] == [("m1", "2", "100.05", 0.0), ("m2", "2", "99.05", 1.0)]  # 99.0495


def test_an_order_whose_fresh_price_is_the_same_keeps_its_place() -> None:
    venue, clock = market(m1=NEVER_FILLED, m2=NEVER_FILLED)
    venue.quotes = quotes("100", "100.001", "100.004", "99.99999")  # 99.950..., 99.953..., and 99.94999...

    outcome = route(venue, clock, FOUR)

    assert posted(venue) == [("m1", "2", "99.95", 0.0), ("m2", "2", "99.94", 3.0)]
    assert (rest_of(outcome).posts, outcome.duration_seconds) == (2, 4.0)


def test_without_known_ticks_any_other_quote_moves_an_order_and_the_same_does_not() -> None:
    venue, clock = scripted(**FOUR_MISSES)
    venue.quotes = quotes("100", "100", "100.001", "100.001")

    outcome = route(venue, clock, FOUR)

    assert [(name, at) for name, _, _, at in posted(venue)] == [("m1", 0.0), ("m2", 2.0)]
    assert (rest_of(outcome).maker_price, rest_of(outcome).went_through) == (None, False)


@pytest.mark.parametrize(
    ("bias", "posts", "sent_at", "crossed_at"),
    [
        (TakerBias.PREFER_MAKER, 1, [0.0], 4.0),
        (TakerBias.PREFER_MAKER, 3, [0.0, 4 / 3, 8 / 3], 4.0),
        (TakerBias.BALANCED, 4, [0.0, 1.0], 2.0),
        (TakerBias.BALANCED, 3, [0.0, 4 / 3], 2.0),  # the second post is cut short
        (TakerBias.PREFER_TAKER, 4, [0.0], 1.0),
        (TakerBias.PREFER_MAKER, 9, [number * 4 / 9 for number in range(9)], 4.0),
        (TakerBias.PREFER_MAKER, 1000, [number * 4 / 9 for number in range(9)], 4.0),  # no more ids than that
    ],
)
def test_the_full_wait_is_divided_and_the_bias_says_how_much_of_it_is_waited(
    bias: TakerBias, posts: int, sent_at: list[float], crossed_at: float
) -> None:
    venue, clock = market(**{f"m{number}": NEVER_FILLED for number in range(1, 10)})
    venue.quotes = quotes(*(str(100 + number) for number in range(20)))

    route(venue, clock, replace(READING, taker_bias=bias, maker_posts=posts))

    assert [at for _, _, _, at in posted(venue)] == pytest.approx(sent_at, abs=1e-5)
    assert [at for _, _, at in crossed(venue)] == pytest.approx([crossed_at], abs=1e-5)


def test_what_has_filled_is_not_posted_anew() -> None:
    venue, clock = market(
        m1=Script(fills=((0.5, "0.5", "99.95"),)), m2=Script(fills=((0.5, "0.3", "100.94"),)), m3=NEVER_FILLED
    )
    venue.quotes = quotes("100", "101", "102", "102")

    outcome = route(venue, clock, FOUR)

    assert [(name, quantity) for name, quantity, _, _ in posted(venue)] == [("m1", "2"), ("m2", "1.5"), ("m3", "1.2")]
    assert [quantity for _, quantity, _ in crossed(venue)] == ["1.2"]
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used) == (2, False, True)
    # (0.5 * 99.95 + 0.3 * 100.94 + 1.2 * 100.10) / 2
    assert outcome.average_price == Decimal("100.1885")


def test_an_order_that_fills_in_a_later_post_was_filled_as_maker() -> None:
    venue, clock = market(m1=Script(fills=((0.5, "0.5", "99.95"),)), m2=Script(fills=((0.5, "1.5", "100.94"),)))
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, FOUR)

    assert (outcome.maker_filled, outcome.fallback_used, outcome.filled, venue.of("market")) == (True, False, 2, [])
    assert outcome.rest == Rest(
        posts=2,
        maker_price=Decimal("100.94"),
        maker_from=START + timedelta(seconds=1),
        maker_until=START + timedelta(seconds=1.5),
        went_through=False,
    )


@pytest.mark.parametrize(("race_fill", "posted_anew"), [("0.75", ["1.25"]), ("2", [])])
def test_a_fill_while_an_order_is_cancelled_for_its_next_post_counts(race_fill: str, posted_anew: list[str]) -> None:
    venue, clock = market(m1=Script(race_fill=(race_fill, "99.95")))
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, FOUR)

    assert [quantity for _, quantity, _, _ in posted(venue)[1:]] == posted_anew
    assert (outcome.filled, outcome.maker_filled, venue.of("market")) == (2, True, [])


def test_a_next_post_that_would_cross_is_tried_again_at_a_fresh_price_at_once() -> None:
    venue, clock = market(m1=NEVER_FILLED, m2=TURNED_AWAY)
    venue.quotes = quotes("100", "101", "102")

    outcome = route(venue, clock, FOUR)

    assert posted(venue)[1:] == [("m2", "2", "100.94", 1.0), ("m3", "2", "101.94", 1.0)]
    assert (outcome.post_only_rejects, outcome.maker_filled, rest_of(outcome).posts) == (1, True, 2)


def test_rejects_of_all_posts_together_are_bounded() -> None:
    venue, clock = market(m1=TURNED_AWAY, m2=NEVER_FILLED, m3=TURNED_AWAY, m4=TURNED_AWAY)
    venue.quotes = quotes("100", "101", "102", "103")

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1", "m2", "m3", "m4"]
    assert crossed(venue) == [("f1", "2", 1.0)]
    assert (outcome.post_only_rejects, rest_of(outcome).posts) == (3, 1)


def test_an_order_whose_cancellation_is_not_answered_is_not_posted_anew() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedMarket(clock, {"m1": Script(fills=((0.5, "0.5", "99.95"),))}, deaf_from=1.1)
    venue.quotes = quotes("100", "101")
    venue.cancel_order = _not_answered  # type: ignore[method-assign]  # the fault

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert (outcome.unfilled_reason, outcome.filled, venue.of("market")) == (
        *(UnfilledReason.UNCONFIRMED, Decimal("0.5"), []),
    )
    assert outcome.unresolved_ids == (client_order_id_of("bot-1", "m1"),)


def _not_answered(symbol: str, client_order_id: str) -> None:
    raise VenueTimeoutError(f"{symbol}: {client_order_id} was not answered")


def test_a_cancellation_that_outlasts_the_wait_is_followed_by_crossing_not_by_a_post() -> None:
    clock = SimulatedClock(START)
    venue = ScriptedMarket(clock, {"m1": NEVER_FILLED}, deaf_from=1.001, deaf_until=20.0)
    venue.quotes = quotes("100", "101")
    asked = venue.quote

    def quote_slowly(symbol: str) -> Quote:
        quote = asked(symbol)
        clock.sleep(0.01)
        return quote

    venue.quote = quote_slowly  # type: ignore[method-assign]  # so that the venue falls silent after its answer

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert (outcome.filled, outcome.fallback_used, outcome.unfilled_reason) == (2, True, None)
    assert outcome.duration_seconds > 20.0


def test_a_post_that_the_venue_has_not_shown_yet_is_not_moved() -> None:
    venue, clock = market(m1=Script(raises=NO_ANSWER, arrives_after=1.5), m2=NEVER_FILLED)
    venue.quotes = quotes("100", "101", "102", "102", "102")

    route(venue, clock, FOUR)

    assert [(name, at) for name, _, _, at in posted(venue)] == [("m1", 0.0), ("m2", 2.0)]


def test_a_post_that_never_arrived_is_crossed_once_that_is_certain() -> None:
    venue, clock = market(m1=Script(raises=NO_ANSWER, arrives_after=None))
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert [quantity for _, quantity, _ in crossed(venue)] == ["2"]
    assert (outcome.rest, outcome.duration_seconds >= 35.0) == (None, True)


def test_an_order_that_the_venue_ends_in_part_is_crossed_as_before() -> None:
    venue, clock = market(m1=Script(fills=((0.5, "0.5", "99.95"),), ends_as=OrderStatus.EXPIRED))
    venue.quotes = quotes("100", "101")

    route(venue, clock, FOUR)

    assert crossed(venue) == [("f1", "1.5", 0.5)]


def test_without_a_fresh_quote_an_order_stays_where_it_rests() -> None:
    venue, clock = market(m1=NEVER_FILLED)
    asked = venue.quote

    def quote_once(symbol: str) -> Quote:
        if venue.of("quote"):
            raise VenueTimeoutError("no answer")
        return asked(symbol)

    venue.quote = quote_once  # type: ignore[method-assign]  # the fault

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert crossed(venue) == [("f1", "2", 4.0)]
    assert rest_of(outcome).posts == 1


def test_a_rest_below_the_smallest_order_stays_where_it_rests() -> None:
    venue, clock = market(m1=Script(fills=((0.5, "1.96", "99.95"), (3.5, "0.04", "99.95"))))  # 0.04 is worth 4
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, FOUR)

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert (outcome.maker_filled, outcome.filled) == (True, 2)


@pytest.mark.parametrize(
    ("side", "mid", "went_through"),
    [
        # The order rests at 99.95 or 100.05; the other side's best price is 0.10 from the mid.
        (Side.BUY, "99.84", True),
        (Side.BUY, "99.85", False),  # at the price, not beyond it
        (Side.BUY, "101", False),
        (Side.SELL, "100.16", True),
        (Side.SELL, "100.15", False),
        (Side.SELL, "99", False),
    ],
)
@pytest.mark.parametrize("posts", [1, 4])
def test_the_market_went_through_an_order_if_it_was_seen_beyond_its_price(
    side: Side, mid: str, went_through: bool, posts: int
) -> None:
    venue, clock = market(**FOUR_MISSES)
    venue.quotes = quotes("100", mid)

    outcome = route(venue, clock, replace(READING, maker_posts=posts), side)

    assert rest_of(outcome).went_through is went_through


def test_what_was_not_resting_was_not_gone_through() -> None:
    venue, clock = market(m1=Script(raises=NO_ANSWER, arrives_after=None))
    venue.quotes = quotes("100", "99")

    assert route(venue, clock).rest is None


def test_half_the_spread_at_the_decision_is_kept() -> None:
    venue, clock = market()

    assert route(venue, clock).arrival_quote_bps == pytest.approx(10.0)  # 0.10 of 100
    assert route(*scripted(), reading=TAKER).arrival_quote_bps == pytest.approx(10.0)


def test_a_post_of_a_process_that_died_is_ended_by_the_one_that_takes_the_order_up() -> None:
    venue, clock = market(
        m1=Script(fills=((0.5, "0.5", "99.95"),)), m2=NEVER_FILLED, m3=Script(fills=((0.5, "0.25", "101.94"),))
    )
    venue.quotes = quotes("100", "101", "102")
    with pytest.raises(KeyboardInterrupt):
        route_order(order(), KilledAt(venue, clock, 2.25), Reader(FOUR), Kept(), clock=clock)
    clock.sleep(1.0)

    outcome = route(venue, clock, FOUR, resume_from=START)

    assert venue.sent[client_order_id_of("bot-1", "m3")].cancelled_at is not None
    assert [quantity for _, quantity, _ in crossed(venue)] == ["1.25"]
    assert (outcome.filled, outcome.maker_filled, outcome.fallback_used, outcome.rest) == (2, False, True, None)


def test_a_whole_probe_is_posted_once() -> None:
    venue, clock = market(m1=NEVER_FILLED)
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, replace(TAKER, probe_every=1, maker_posts=4))

    assert [name for name, _, _, _ in posted(venue)] == ["m1"]
    assert (outcome.gate.probe, crossed(venue)) == (True, [("f1", "2", 2.0)])


def test_more_tries_after_rejects_than_ids_are_left_end_with_the_last_id() -> None:
    venue, clock = market(m1=NEVER_FILLED, **{f"m{number}": TURNED_AWAY for number in range(2, 10)})
    venue.quotes = quotes("100", "101")

    outcome = route(venue, clock, FOUR, routing=Routing(post_only_tries=9))

    assert [name for name, _, _, _ in posted(venue)] == [f"m{number}" for number in range(1, 10)]
    assert (outcome.post_only_rejects, outcome.filled, outcome.fallback_used) == (8, 2, True)
