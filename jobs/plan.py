"""What a run is asked to do: which book, from which sources, by which rules, on which engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from policy.numbers import METRIC_DECIMALS
from policy.rules import RuleSet


class OrdersKind(StrEnum):
    """How the order log is laid out: the log of a maker-first bot, or one canonical row per outcome."""

    ORDER_LOG = "order-log"
    CANONICAL = "canonical"


class EngineKind(StrEnum):
    """What runs the metric queries: DuckDB in this process, or a Spark cluster by Spark Connect."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where rows come from: files by a glob pattern, or a query on a database. One of the two is given."""

    path: str | None = None
    url: str | None = None
    query: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersSource:
    """The order log. `deduplicate` None means: look for repeated ids where the file is JSONL or CSV."""

    kind: OrdersKind
    location: Location
    deduplicate: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandlesSource:
    """The candles; `ts` is when a bar opens, `interval` how long it lasts."""

    location: Location
    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """The engine, and the address of the Spark Connect server where it is Spark."""

    kind: EngineKind = EngineKind.DUCKDB
    remote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What the venue takes in basis points of the notional; a rebate is negative."""

    maker_bps: float
    taker_bps: float

    @property
    def gap_bps(self) -> float:
        """How much less a maker fill costs, rounded to 9 decimals."""
        return round(self.taker_bps - self.maker_bps, METRIC_DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run needs to know but the slot and the store.

    `shadows` decide beside the live rule set and are stored beside it. `fees` are by symbol; "" is for the others.
    """

    scope: str
    orders: OrdersSource
    candles: CandlesSource | None
    rule_set: RuleSet
    symbols: tuple[str, ...] = ()
    engine: EngineChoice = EngineChoice()
    shadows: tuple[RuleSet, ...] = ()
    fees: Mapping[str, Fees] = field(default_factory=dict)

    @property
    def rule_sets_with_state(self) -> tuple[RuleSet, ...]:
        """Those of the live rule set and its shadows that remember something from run to run."""
        return tuple(rules for rules in (self.rule_set, *self.shadows) if rules.has_state)

    def fee_gap_bps(self, symbol: str) -> float | None:
        """Return how much less a maker fill costs there, None where the settings do not say."""
        fees = self.fees.get(symbol, self.fees.get(""))
        return fees.gap_bps if fees is not None else None
