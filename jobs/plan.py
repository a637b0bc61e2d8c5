"""What a run is asked to do: which book, from which sources, by which rules, on which engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

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
class Plan:
    """Everything that a run needs to know but the slot and the store."""

    scope: str
    orders: OrdersSource
    candles: CandlesSource | None
    rule_set: RuleSet
    symbols: tuple[str, ...] = ()
    engine: EngineChoice = EngineChoice()
