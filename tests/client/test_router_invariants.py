"""The router against random venues: what must hold whatever the venue does, by the venue's own books."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import TakerBias
from router_policy_client.leg import Patience
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.order_log import OrderLog
from router_policy_client.policy import Reading
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.simulated import Conditions, Fill, SimulatedVenue
from router_policy_client.simulated_prices import RandomWalk
from tests.client.scripted import READING, START, Reader

chances = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
LATEST_ARRIVAL_SECONDS = Patience().absence_seconds


def conditions(timeout_chances: st.SearchStrategy[float]) -> st.SearchStrategy[Conditions]:
    return st.builds(
        Conditions,
        fill_chance=chances,
        fill_seconds=st.sampled_from([0.5, 4.0, 20.0]),
        partial_chance=chances,
        reject_chance=chances,
        expire_chance=chances,
        refuse_chance=st.sampled_from([0.0, 0.0, 0.3]),
        race_chance=chances,
        timeout_chance=timeout_chances,
        late_seconds=st.sampled_from([0.0, 3.0, LATEST_ARRIVAL_SECONDS - 0.5]),
        impact_bps=st.sampled_from([0.0, 2.0]),
        latency_seconds=st.sampled_from([0.0, 0.2]),
    )


readings = st.builds(
    lambda maker_first, bias, offset_bps, probe_every, posts, share: replace(
        READING,
        maker_first=maker_first,
        taker_bias=bias,
        maker_offset_bps=offset_bps,
        probe_every=probe_every,
        maker_posts=posts,
        probe_share=share,
    ),
    st.booleans(),
    st.sampled_from(TakerBias),
    st.sampled_from([None, 0.5, 3.0, 8.0]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([1, 1, 4, 20]),
    st.sampled_from([None, 0.1, 0.5, 1.0]),
)


class Books:
    """A venue with its books: every trade that happened, whoever was told of it."""

    def __init__(self, seed: int, at: Callable[[datetime], Conditions]) -> None:
        self.clock = SimulatedClock(START)
        self.fills: list[Fill] = []
        random = Random(seed)
        prices = RandomWalk(random, START, price=50.0, tick=Decimal("0.01"), spread_bps=6.0, volatility_bps=1.0)
        self.venue = SimulatedVenue(
            prices,
            lambda _, moment: at(moment),
            self.clock,
            random,
            on_fill=self.fills.append,
            lot_step=Decimal("0.01"),
            smallest_notional=Decimal(2),
        )

    def route(self, reading: Reading, log: Path, side: Side = Side.BUY, *, number: int = 1) -> Outcome:
        """Route one order; what was sent and not answered has arrived a minute later, if ever."""
        order = Order(order_id=f"o{number}", symbol="BTCUSDT", side=side, quantity=Decimal("1.5"))
        outcome = route_order(order, self.venue, Reader(reading), OrderLog(log), routing=Routing(), clock=self.clock)
        self.clock.sleep(60.0)
        return outcome

    def bought(self, outcome: Outcome) -> list[Fill]:
        """The trades of one outcome."""
        self.venue.open_order_ids()
        return [fill for fill in self.fills if fill.client_order_id in outcome.client_order_ids]


def check_account(books: Books, outcome: Outcome, lines: list[str]) -> None:
    """Compare an outcome and its line with the venue's books."""
    fills = books.bought(outcome)
    traded = sum((fill.quantity for fill in fills), Decimal(0))
    assert outcome.filled + outcome.unfilled == outcome.order.quantity
    assert 0 <= outcome.filled <= traded <= outcome.order.quantity
    assert (outcome.unfilled_reason is None) is (outcome.unfilled == 0 and not outcome.unresolved_ids)
    assert (outcome.unfilled_reason is UnfilledReason.UNCONFIRMED) is bool(outcome.unresolved_ids)
    assert outcome.maker_started or not (outcome.fallback_used or outcome.maker_filled)
    assert not (outcome.maker_filled and outcome.fallback_used)
    if not outcome.unresolved_ids:
        assert outcome.filled == traded
        rested = [fill for fill in fills if fill.client_order_id[-2] == "m"]
        to_rest = outcome.order.quantity * Decimal(str(outcome.maker_share or 1))
        whole = sum((fill.quantity for fill in rested), Decimal(0)) == to_rest.quantize(Decimal("0.01"))
        assert outcome.maker_filled is (whole and all(fill.is_maker for fill in rested))
        assert outcome.maker_started or not any(fill.is_maker for fill in fills)
        beside = [] if outcome.maker_share is None else [fill for fill in fills if fill.client_order_id[-2] == "t"]
        assert outcome.fallback_used or not outcome.maker_started or len(rested) + len(beside) == len(fills)
    check_price(outcome, fills)
    (row,) = [json.loads(line) for line in lines]
    assert row["attempt_id"] == outcome.order.order_id
    assert (row["policy_run_id"], row["probe"]) == (7, outcome.gate.probe)


def check_price(outcome: Outcome, fills: list[Fill]) -> None:
    if outcome.unresolved_ids or not fills:
        return
    assert outcome.mid is not None
    paid = sum(float(fill.price) * float(fill.quantity) for fill in fills)
    average = paid / sum(float(fill.quantity) for fill in fills)
    cost = (average - float(outcome.mid)) * (1 if outcome.order.side is Side.BUY else -1)
    fees = sum(float(f.price * f.quantity) * (2e-4 if f.is_maker else 5e-4) for f in fills)
    assert outcome.slippage_bps == pytest.approx(cost / float(outcome.mid) * 1e4, abs=1e-6)
    assert float(outcome.fees or 0) == pytest.approx(fees)


@settings(max_examples=150)
@given(conditions(st.sampled_from([0.0, 0.0, 0.1, 0.3])), readings, st.sampled_from(Side), st.integers(0, 2**32))
def test_whatever_the_venue_does_an_order_is_filled_once_at_most_and_told_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, how: Conditions, reading: Reading, side: Side, seed: int
) -> None:
    log = tmp_path_factory.getbasetemp() / f"{seed}.jsonl"
    log.unlink(missing_ok=True)
    books = Books(seed, lambda _: how)

    outcome = books.route(reading, log, side)

    check_account(books, outcome, log.read_text().splitlines())
    assert set(books.venue.open_order_ids()) <= set(outcome.unresolved_ids)


@settings(max_examples=60)
@given(
    conditions(st.just(0.0)),
    st.floats(0.0, 12.0, allow_nan=False),
    st.sampled_from([3.0, 20.0, 1e6]),
    readings,
    st.integers(0, 2**32),
)
def test_a_venue_that_falls_silent_at_any_moment_leaves_nothing_open_that_the_outcome_does_not_name(
    tmp_path_factory: pytest.TempPathFactory,
    how: Conditions,
    from_seconds: float,
    for_seconds: float,
    reading: Reading,
    seed: int,
) -> None:
    log = tmp_path_factory.getbasetemp() / f"silent-{seed}.jsonl"
    log.unlink(missing_ok=True)
    silent = replace(how, timeout_chance=1.0)
    begins, ends = (START + timedelta(seconds=after) for after in (from_seconds, from_seconds + for_seconds))
    books = Books(seed, lambda at: silent if begins <= at < ends else how)

    outcome = books.route(reading, log)

    check_account(books, outcome, log.read_text().splitlines())
    assert set(books.venue.open_order_ids()) <= set(outcome.unresolved_ids)
    if for_seconds <= 20.0:
        assert not outcome.unresolved_ids  # it is asked for 30 seconds


def test_a_thousand_orders_on_one_venue_sum_up_to_what_its_books_say(tmp_path: Path) -> None:
    books = Books(4, lambda _: Conditions(partial_chance=0.3, reject_chance=0.3, race_chance=0.2, timeout_chance=0.03))

    outcomes = [books.route(READING, tmp_path / "log.jsonl", number=number) for number in range(1000)]

    assert sum(outcome.filled for outcome in outcomes) == sum(fill.quantity for fill in books.fills)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1000
    kinds = {(outcome.maker_filled, outcome.fallback_used, outcome.post_only_rejects > 0) for outcome in outcomes}
    assert kinds >= {(True, False, False), (True, False, True), (False, True, False), (False, True, True)}
