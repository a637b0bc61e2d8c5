"""Running the use case on small files, and reading what it found."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.plan import CandlesSource, Location, OrdersKind, OrdersSource, Plan
from jobs.run.recompute import recompute
from policy import Evidence
from policy.rules import rule_set
from storage.records import Origin, RunResult

AS_OF = datetime(2026, 4, 26, 0, 5, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


def order_log(path: Path | str) -> OrdersSource:
    """The log of a maker-first bot."""
    return OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path=str(path)))


def canonical(
    path: Path | str, columns: Mapping[str, str] | None = None, *, deduplicate: bool | None = None
) -> OrdersSource:
    """Canonical outcomes in files."""
    location = Location(path=str(path), columns=columns or {})
    return OrdersSource(kind=OrdersKind.CANONICAL, location=location, deduplicate=deduplicate)


def canonical_query(url: str, query: str, *, deduplicate: bool | None = None) -> OrdersSource:
    """Canonical outcomes in a database."""
    return OrdersSource(kind=OrdersKind.CANONICAL, location=Location(url=url, query=query), deduplicate=deduplicate)


def candles(path: Path | str, columns: Mapping[str, str] | None = None) -> CandlesSource:
    """Bars of a quarter of an hour in files."""
    return CandlesSource(location=Location(path=str(path), columns=columns or {}), interval=INTERVAL)


def run(
    orders: OrdersSource,
    candles: CandlesSource | None = None,
    *,
    as_of: datetime = AS_OF,
    symbols: tuple[str, ...] = (),
    known_symbols: tuple[str, ...] = (),
) -> RunResult:
    """Recompute by the seed's rules."""
    plan = Plan(scope="default", orders=orders, candles=candles, rule_set=rule_set("seed"), symbols=symbols)
    return recompute(plan, as_of, origin=Origin.MANUAL, started_at=as_of, known_symbols=known_symbols)


def evidence_of(result: RunResult) -> dict[str, Evidence]:
    """The evidence by symbol."""
    return {evidence.symbol: evidence for evidence, _ in result.decisions}


def counts_of(result: RunResult, source: str = "orders") -> dict[str, int]:
    """How many rows of a source were not used, by reason."""
    return {reject.reason: reject.reject_count for reject in result.rejects if reject.source == source}


def sample_of(result: RunResult, reason: str, source: str = "orders") -> str:
    """Where a row of that reason is said to be."""
    return next(reject.sample for reject in result.rejects if (reject.source, reject.reason) == (source, reason))
