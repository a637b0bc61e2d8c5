"""A bot that trades one symbol on simulated time, its log, and the job that makes policies of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from jobs.plan import Fees, Location, OrdersKind, OrdersSource, Plan
from jobs.run.backfill import backfill
from policy.experiment.experiment import NO_EXPERIMENT, Experiment
from policy.rules import rule_set
from policy.snapshot import Snapshot
from router_policy_client import HoldoutCap, PolicyReader
from router_policy_client.clock import SimulatedClock
from router_policy_client.order import Order, Outcome, Side
from router_policy_client.order_log import OrderLog
from router_policy_client.router import route_order
from router_policy_client.simulated import Conditions, SimulatedVenue
from router_policy_client.simulated_orders import Fees as VenueFees
from router_policy_client.simulated_prices import RandomWalk
from storage.read import policies
from storage.store import Store
from tests.support.store_calls import read

START = datetime(2026, 4, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GOOD = Conditions(fill_chance=1.0, fill_seconds=0.9)  # also filled within a quarter of the full wait of 4 s
OUTAGE = Conditions(fill_chance=0.0)


class Loop:
    """A bot that trades one symbol, its log, and the job that makes policies of it."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        conditions: Callable[[datetime], Conditions],
        rules: str = "seed",
        shadows: tuple[str, ...] = (),
        *,
        volatility_bps: float = 0.01,
        experiment: Experiment = NO_EXPERIMENT,
        fees: Fees | None = None,
    ) -> None:
        self.log = folder / "log.jsonl"
        self._clock = SimulatedClock(START)
        self._store, self._url = store, f"sqlite:///{folder / 'policy.db'}"
        random = Random(8)
        prices = RandomWalk(
            random, START, price=100.0, tick=Decimal("0.01"), spread_bps=2.0, volatility_bps=volatility_bps
        )
        self._venue = SimulatedVenue(
            prices, lambda _, at: conditions(at), self._clock, random, fees=_as_the_venue_asks(fees)
        )
        location = Location(path=str(self.log))
        self._plan = Plan(
            scope="default",
            orders=OrdersSource(kind=OrdersKind.ORDER_LOG, location=location),
            candles=None,
            rule_set=rule_set(rules),
            shadows=tuple(map(rule_set, shadows)),
            experiment=experiment,
            fees={"": fees} if fees is not None else {},
        )
        self.reader = PolicyReader(self._url, interval_seconds=DAY.total_seconds(), watch=False, now=self._clock.now)
        self.holdout_cap: HoldoutCap | None = None
        self._order_count = 0

    def change_fees(self, fees: Fees) -> None:
        """Let the settings have other fees from the next run on; the venue asks for those of the start."""
        self._plan = replace(self._plan, fees={"": fees})

    def change_experiment(self, experiment: Experiment) -> None:
        """Hold other orders out from the next run on."""
        self._plan = replace(self._plan, experiment=experiment)

    def trade(self, until: timedelta, every: timedelta) -> list[Outcome]:
        """Route an order now and then every so often, until so long after the start."""
        outcomes = []
        at = self._clock.now()
        while at < START + until:
            self._clock.set(at)
            outcomes.append(self._route())
            at += every
        self._clock.set(START + until)
        return outcomes

    def compute(self) -> Snapshot:
        """Compute and publish the policy as of now, and let the router read it."""
        slot = self._clock.now()
        (filled,) = backfill(self._plan, self._store, self._url, [slot], timedelta(minutes=5))
        assert filled.run is not None
        assert self.reader.refresh()
        (snapshot,) = read(self._store, policies.snapshots_of_run, filled.run.run_id)
        return snapshot

    def _route(self) -> Outcome:
        self._order_count += 1
        order = Order(order_id=f"{self._order_count}", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal(1))
        log, cap = OrderLog(self.log), self.holdout_cap
        return route_order(order, self._venue, self.reader, log, clock=self._clock, holdout_cap=cap)


def _as_the_venue_asks(fees: Fees | None) -> VenueFees | None:
    if fees is None:
        return None
    return VenueFees(maker_bps=Decimal(fees.maker_bps), taker_bps=Decimal(fees.taker_bps))
