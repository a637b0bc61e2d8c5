"""Orders on random venues whose router is killed or interrupted at any request: by the venue's own books.

Another process takes up what a killed one has left; an interrupted one (Ctrl-C) cleans up and writes its line itself.

Everything about an order follows from its seed, so a failure names the seed to repeat it with.
"""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import TakerBias
from router_policy_client.leg import Patience
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.order_log import OrderLog
from router_policy_client.policy import Reading
from router_policy_client.router import route_order
from router_policy_client.routing import OutcomeLog
from router_policy_client.simulated import Conditions, Fill, SimulatedVenue
from router_policy_client.simulated_prices import RandomWalk
from router_policy_client.venue import Quote
from tests.client.scripted import READING, START, Kept, Reader

CHANCES = (0.0, 0.0, 0.1, 0.5, 0.9)
LATEST_SECONDS = Patience().absence_seconds - 0.5


class Killed(BaseException):
    """The process is gone: nothing that it would still do reaches the venue."""


class Mortal:
    """A venue as one process sees it, which ends at its request of a number, carried out or not; 0 is never.

    It ends by `by`: after Killed nothing reaches the venue any more, after KeyboardInterrupt everything does.
    """

    def __init__(
        self, venue: SimulatedVenue, ends_at: int, *, is_carried_out: bool, by: type[BaseException] = Killed
    ) -> None:
        self.quotes: list[Quote] = []
        self.maker_prices: list[Decimal] = []
        self._venue = venue
        self._left = ends_at
        self._is_carried_out = is_carried_out
        self._by = by
        self._is_dead = False

    def on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        return self._venue.on_tick(symbol, side, price)

    def tradable(self, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
        return self._venue.tradable(symbol, quantity, price)

    def quote(self, symbol: str) -> Quote:
        quote: Quote = self._request("quote", symbol)
        self.quotes.append(quote)
        return quote

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        self.maker_prices.append(price)
        self._request("place_post_only", symbol, side, quantity, price, client_order_id)

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        self._request("place_market", symbol, side, quantity, client_order_id)

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        self._request("cancel_order", symbol, client_order_id)

    def fetch_order(self, symbol: str, client_order_id: str) -> Any:
        return self._request("fetch_order", symbol, client_order_id)

    def _request(self, name: str, *arguments: object) -> Any:
        if self._is_dead:
            raise Killed
        self._left -= 1
        is_end = self._left == 0
        self._is_dead = is_end and self._by is Killed
        if is_end and not self._is_carried_out:
            raise self._by
        answer = getattr(self._venue, name)(*arguments)
        if is_end:
            raise self._by
        return answer


class Lines:
    """The log of the last process, and the outcomes that it was given."""

    def __init__(self, log: OrderLog) -> None:
        self.outcomes: list[Outcome] = []
        self._log = log

    def append(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._log.append(outcome)


class World:
    """One order of 1.5 coins at about 50, and the venue that it meets; all is drawn from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.clock = SimulatedClock(START)
        self.fills: list[Fill] = []
        self.reading = _reading(random)
        self.order = Order(
            order_id=f"o{seed}", symbol="BTCUSDT", side=random.choice(list(Side)), quantity=Decimal("1.5")
        )
        how = _conditions(random)
        prices = RandomWalk(
            random, START, price=50.0, tick=Decimal("0.01"), spread_bps=6.0, volatility_bps=random.choice([1.0, 5.0])
        )
        self.venue = SimulatedVenue(
            prices,
            lambda *_: how,
            self.clock,
            random,
            on_fill=self.fills.append,
            lot_step=Decimal("0.01"),
            smallest_notional=Decimal(random.choice([0, 2])),
        )
        self.seen: list[Mortal] = []

    def route(self, log: OrderLog) -> tuple[Outcome, int]:
        """Route the order, by as many processes as it takes; return the outcome and how many were killed."""
        begun, deaths = None, [self.random.randrange(1, 30) for _ in range(self.random.choice([0, 1, 1, 2]))]
        for dies_at in deaths:
            with suppress(Killed):  # or it ends before, and is killed before its line is written
                self._route_once(self._mortal(dies_at, Killed), Kept(), begun)
            begun = START
            self.clock.sleep(self.random.choice([0.0, 1.0, 20.0, 120.0, 700.0]))
        interrupted_at, lines = self.random.choice([0, 0, 0, self.random.randrange(1, 30)]), Lines(log)
        with suppress(KeyboardInterrupt):
            self._route_once(self._mortal(interrupted_at, KeyboardInterrupt), lines, begun)
        (outcome,) = lines.outcomes
        return outcome, len(deaths)

    def _mortal(self, ends_at: int, by: type[BaseException]) -> Mortal:
        mortal = Mortal(self.venue, ends_at, is_carried_out=self.random.random() < 0.5, by=by)
        self.seen.append(mortal)
        return mortal

    def _route_once(self, mortal: Mortal, log: OutcomeLog, begun: datetime | None) -> None:
        route_order(self.order, mortal, Reader(self.reading), log, clock=self.clock, resume_from=begun)


def _reading(random: Random) -> Reading:
    return replace(
        READING,
        maker_first=random.random() < 0.6,
        taker_bias=random.choice(list(TakerBias)),
        maker_offset_bps=random.choice([None, 0.5, 3.0, 8.0]),
        probe_every=random.choice([None, 1, 3]),
        maker_posts=random.choice([1, 2, 4, 4, 20]),
        probe_share=random.choice([None, 0.05, 0.1, 0.5, 1.0]),
    )


def _conditions(random: Random) -> Conditions:
    return Conditions(
        fill_chance=random.choice([0.0, 0.3, 0.9]),
        fill_seconds=random.choice([0.5, 4.0, 20.0]),
        partial_chance=random.choice(CHANCES),
        reject_chance=random.choice(CHANCES),
        expire_chance=random.choice(CHANCES),
        refuse_chance=random.choice([0.0, 0.0, 0.0, 0.3]),
        race_chance=random.choice(CHANCES),
        timeout_chance=random.choice([0.0, 0.0, 0.1, 0.3]),
        late_seconds=random.choice([0.0, 3.0, LATEST_SECONDS]),
        impact_bps=random.choice([0.0, 2.0]),
        latency_seconds=random.choice([0.0, 0.2]),
    )


def check(world: World, outcome: Outcome, deaths: int) -> None:
    """Compare an outcome with the venue's books, after all that was late has arrived."""
    world.clock.sleep(60.0)
    still_open = set(world.venue.open_order_ids())
    traded = sum((fill.quantity for fill in world.fills), Decimal(0))
    assert traded <= world.order.quantity, "overfilled"
    assert still_open <= set(outcome.unresolved_ids), "unnamed"
    assert outcome.filled + outcome.unfilled == world.order.quantity
    assert outcome.filled <= traded
    assert outcome.filled == traded or outcome.unresolved_ids
    assert (outcome.unfilled_reason is UnfilledReason.UNCONFIRMED) is bool(outcome.unresolved_ids)
    assert not (outcome.maker_filled and outcome.fallback_used)
    assert outcome.maker_started or not (outcome.maker_filled or outcome.fallback_used)
    assert outcome.is_resumed <= bool(deaths)
    check_rest(world, outcome)


def check_rest(world: World, outcome: Outcome) -> None:
    """Compare how it rested with the requests: the prices that were sent, and the quotes that were answered."""
    rest, last = outcome.rest, world.seen[-1]
    assert rest is None or (outcome.maker_started and not outcome.is_resumed)
    if rest is None:
        return
    assert 1 <= rest.posts <= len(last.maker_prices) <= 9
    assert rest.maker_price in last.maker_prices
    assert (rest.maker_from is None) is (rest.maker_until is None)
    if rest.maker_from is not None and rest.maker_until is not None:
        assert outcome.decided_at <= rest.maker_from <= rest.maker_until <= outcome.done_at
    is_buy = outcome.order.side is Side.BUY
    extremes = [quote.ask if is_buy else quote.bid for quote in last.quotes]
    beyond = min(extremes) < max(last.maker_prices) if is_buy else max(extremes) > min(last.maker_prices)
    assert beyond or not rest.went_through


def kinds_of(world: World, outcome: Outcome, deaths: int) -> set[str]:
    """What an order was an example of: each must come up, else the family would show nothing of it."""
    rest, legs = outcome.rest, {fill.client_order_id[-2:] for fill in world.fills}
    shown = {
        "killed": deaths > 0,
        "killed twice": deaths > 1,
        "taken up": outcome.is_resumed,
        "reposted": rest is not None and rest.posts > 1,
        "filled in a later post": bool(legs & {"m2", "m3", "m4"}),
        "went through": rest is not None and rest.went_through,
        "sliver filled": outcome.maker_share is not None and outcome.maker_filled is True,
        "sliver crossed": outcome.maker_share is not None and outcome.fallback_used,
        "sliver taken up": outcome.is_resumed and {"t1", "m1"} <= legs,
        "unconfirmed": bool(outcome.unresolved_ids),
        "interrupted": outcome.unfilled_reason is UnfilledReason.INTERRUPTED,
        "rejected": outcome.post_only_rejects > 0,
    }
    return {kind for kind, is_shown in shown.items() if is_shown}


@pytest.mark.parametrize(
    ("first_seed", "orders"),
    [(0, 500), pytest.param(SystemRandom().randrange(2**40), 100_000, marks=pytest.mark.long, id="long")],
)
def test_no_order_is_overfilled_or_left_unnamed_whoever_is_killed_and_whatever_is_late(
    tmp_path: Path, first_seed: int, orders: int
) -> None:
    log, kinds = OrderLog(tmp_path / "log.jsonl"), set()
    for seed in range(first_seed, first_seed + orders):
        world = World(seed)
        try:
            outcome, deaths = world.route(log)
            check(world, outcome, deaths)
        except Exception as error:
            raise AssertionError(f"the order of seed {seed}") from error
        kinds |= kinds_of(world, outcome, deaths)

    lines = [json.loads(line)["attempt_id"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [f"o{seed}" for seed in range(first_seed, first_seed + orders)]
    assert kinds == {
        *("killed", "killed twice", "taken up", "reposted", "filled in a later post", "went through"),
        *("sliver filled", "sliver crossed", "sliver taken up", "unconfirmed", "interrupted", "rejected"),
    }
