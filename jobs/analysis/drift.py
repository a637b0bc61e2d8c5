"""What was in force and what was done: the orders of the log held against what had been published by their time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.analysis.order_history import OrderSelection, load_orders, load_visible_policies, naive
from policy.reject import Reject
from storage.read.visible_policies import visible_policies
from storage.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_JUDGED = files(__package__).joinpath("drift.sql").read_text("utf-8")


class DriftKind(StrEnum):
    """In which way an order was not sent as the policy of its time would have it."""

    NO_RUN = "no_run"
    UNKNOWN_RUN = "unknown_run"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    MAKER_WHILE_TAKER = "maker_while_taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftExample:
    """One order: its id, None where the log has none, when it was done, and what about it."""

    order_id: str | None
    ts: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """How many orders of a symbol are of a kind, and the newest of them, three at most."""

    order_count: int
    examples: tuple[DriftExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolDrift:
    """The orders of a symbol, and those of each kind of drift; an order may be of several kinds."""

    symbol: str
    order_count: int
    findings: Mapping[DriftKind, DriftFinding]

    @property
    def finding_count(self) -> int:
        """How many findings there are, of all kinds together."""
        return sum(finding.order_count for finding in self.findings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The drift of every symbol that has an order, most findings first, and the rows of the log that were not used."""

    symbols: tuple[SymbolDrift, ...]
    rejects: tuple[Reject, ...]

    @property
    def order_count(self) -> int:
        """How many orders were looked at."""
        return sum(one.order_count for one in self.symbols)


def find_drift(store: Store, question: OrderSelection) -> Drift:
    """Judge each order of the log by what readers could see at its time.

    An order is judged by the policy of the newest slot that had been published by then, overrides included; where that
    had expired, nothing was in force that a maker attempt could be against. A run that was removed for its age is not
    held to be unknown. Raises SourceError where the log cannot be used, EngineError where DuckDB fails, and as the
    store does.
    """
    from jobs.engines.duckdb_session import duckdb_session

    with duckdb_session() as (connection, folder):
        return _judge(connection, store, question, folder)


def _judge(connection: "DuckDBPyConnection", store: Store, question: OrderSelection, folder: Path) -> Drift:
    rejects = load_orders(connection, question, folder)
    # More than a tolerance earlier, for what was in force when the first order was on its way.
    earliest = question.start - question.tolerance - timedelta(microseconds=1)
    named = _named_runs(connection, question)
    with store.reading() as reading:
        policies = visible_policies(reading, question.scope, earliest, question.end, named)
    load_visible_policies(connection, policies, question.slots)
    symbols = _symbols(connection, question, policies.pruned_through)
    return Drift(
        symbols=tuple(sorted(symbols, key=lambda one: (-one.finding_count, one.symbol))), rejects=tuple(rejects)
    )


def _named_runs(connection: "DuckDBPyConnection", question: OrderSelection) -> set[int]:
    query = """
        select distinct policy_run_id from order_event
        where reason is null and policy_run_id is not null and ts >= $start and ts < $end
    """
    bounds = {"start": naive(question.start), "end": naive(question.end)}
    return {run_id for (run_id,) in connection.execute(query, bounds).fetchall()}


def _symbols(connection: "DuckDBPyConnection", question: OrderSelection, pruned_through: int) -> list[SymbolDrift]:
    parameters = {
        "window_start": naive(question.start),
        "window_end": naive(question.end),
        "tolerance": question.tolerance,
        "pruned_through": pruned_through,
    }
    result = connection.execute(_JUDGED, parameters)
    names = [column[0] for column in result.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return [
        SymbolDrift(
            symbol=row["symbol"],
            order_count=row["order_count"],
            findings={kind: _finding(kind, row, question.scope) for kind in DriftKind},
        )
        for row in rows
    ]


def _finding(kind: DriftKind, row: Mapping[str, Any], scope: str) -> DriftFinding:
    examples = (
        DriftExample(order_id=said["order_id"], ts=said["ts"].replace(tzinfo=UTC), what=_what(kind, said, scope))
        for said in row[kind] or ()
    )
    return DriftFinding(order_count=row[f"{kind}_count"], examples=tuple(examples))


def _what(kind: DriftKind, said: Mapping[str, Any], scope: str) -> str:
    run = f"run {said['run_id']}"
    match kind:
        case DriftKind.NO_RUN:
            return "names no run"
        case DriftKind.UNKNOWN_RUN:
            return f"{run} is none of scope {scope!r}"
        case DriftKind.SUPERSEDED:
            return f"{run}, when run {said['superseded_by']} was out for {said['ts'] - said['superseded_at']}"
        case DriftKind.EXPIRED:
            return f"{run}, whose slot was {said['ts'] - said['slot']} ago"
        case DriftKind.MAKER_WHILE_TAKER:
            return f"maker first, when taker was in force for {said['ts'] - said['told_since']}"
