"""The work of this project that is timed: one slot computed and published to a fresh SQLite store."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.data import AS_OF, BAR_INTERVAL, FEW_SYMBOLS, SYMBOLS, Data
from benchmarks.figure import seconds_of
from jobs.plan import CandlesSource, Location, OrdersKind, OrdersSource, Plan
from jobs.run.lease_owner import owner
from jobs.run.worker import RunTask, compute_slot
from policy.rules import RuleSet, rule_set
from storage.read import policies
from storage.records import Origin
from storage.store import Store
from storage.write import leases
from tests.support.store_calls import read, write

_LEASE = timedelta(minutes=10)


def plan(orders: Path, kind: OrdersKind, data: Data, shadows: tuple[RuleSet, ...] = (), rules: str = "seed") -> Plan:
    """Return the plan of a run by the rules of this name, with these shadows."""
    return Plan(
        scope="benchmark",
        orders=OrdersSource(kind=kind, location=Location(path=str(orders))),
        candles=CandlesSource(location=Location(path=str(data.candles)), interval=BAR_INTERVAL),
        rule_set=rule_set(rules),
        shadows=shadows,
    )


def of_few_symbols(orders: Path, data: Data) -> Plan:
    """Return the plan of a run over the order log of a bot with few symbols, and their candles."""
    query = f"select * from '{data.candles}' where symbol < 'S{FEW_SYMBOLS:04d}'"
    candles = CandlesSource(location=Location(query=query), interval=BAR_INTERVAL)
    return replace(plan(orders, OrdersKind.ORDER_LOG, data), candles=candles)


def run(
    orders: Path,
    kind: OrdersKind,
    data: Data,
    shadows: tuple[RuleSet, ...] = (),
    *,
    rules: str = "seed",
    symbol_count: int = SYMBOLS,
    timed: Callable[[Callable[[], object]], float] = seconds_of,
) -> float:
    """Compute a slot from the orders and the candles, publish it, and return the seconds from its start to its commit.

    The schema of the store exists before. Raises AssertionError if the run does not fit the data.
    """
    return run_plan(plan(orders, kind, data, shadows, rules), symbol_count=symbol_count, timed=timed)


def run_plan(slot: Plan, *, symbol_count: int, timed: Callable[[Callable[[], object]], float] = seconds_of) -> float:
    """Compute and publish a slot of a plan, as `run` does."""
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        url = f"sqlite:///{folder}/store.db"
        with Store(url) as store:
            store.set_up()
            claim = write(store, leases.acquire_lease, slot.scope, AS_OF, owner(), _LEASE)
            task = RunTask(plan=slot, store_url=url, lease=claim, origin=Origin.MANUAL)
            seconds = timed(partial(compute_slot, task, store))
            _check(store, symbol_count)
    return seconds


def _check(store: Store, symbol_count: int) -> None:
    run = read(store, policies.newest_run, "benchmark")
    assert run is not None
    assert run.symbol_count == symbol_count
    assert run.reject_count > 0
