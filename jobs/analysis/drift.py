"""Drift: orders that were not sent as the policy visible at their time requires."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jobs.analysis.assignments import fault_words, load_assignments
from jobs.analysis.order_history import OrderSelection, load_selected_orders, load_visible_policies, naive
from policy.reject import Reject
from storage.read.visible_policies import VisiblePolicies, visible_policies
from storage.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_JUDGED = files(__package__).joinpath("drift.sql").read_text("utf-8")


class DriftKind(StrEnum):
    """How an order differs from the policy of its time."""

    NO_RUN = "no_run"
    UNKNOWN_RUN = "unknown_run"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    MAKER_WHILE_TAKER = "maker_while_taker"
    NOT_AS_ASSIGNED = "not_as_assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftExample:
    """One order: its id, None if the log has none, when it was done, and how it differs."""

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
    """The orders of a symbol, and those of each kind of drift; an order may be of several kinds.

    `before_policies_count` are the orders without a run from before readers could see a policy; they are no drift.
    """

    symbol: str
    order_count: int
    before_policies_count: int
    findings: Mapping[DriftKind, DriftFinding]

    @property
    def finding_count(self) -> int:
        """How many findings there are, of all kinds together."""
        return sum(finding.order_count for finding in self.findings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The drift of every symbol that has an order, most findings first, and the rejected rows of the log."""

    symbols: tuple[SymbolDrift, ...]
    rejects: tuple[Reject, ...]

    @property
    def order_count(self) -> int:
        """How many orders were selected."""
        return sum(symbol.order_count for symbol in self.symbols)

    @property
    def before_policies_count(self) -> int:
        """How many orders name no run because there was none yet."""
        return sum(symbol.before_policies_count for symbol in self.symbols)


def find_drift(store: Store, selection: OrderSelection) -> Drift:
    """Judge each order of the log by the policies visible at its time: see `judge_orders`. Raises as the store does."""
    return judge_orders(selection, policies_of(store, selection))


# What readers could see from a time on until the end of the selection, and those of the named runs that exist.
ReadPolicies = Callable[[datetime, Collection[int]], VisiblePolicies]


def policies_of(store: Store, selection: OrderSelection) -> ReadPolicies:
    """Return what reads the policies of the scope of the selection from a store."""

    def read_policies(start: datetime, named: Collection[int]) -> VisiblePolicies:
        with store.reading() as connection:
            return visible_policies(connection, selection.scope, start, selection.end, named)

    return read_policies


def judge_orders(selection: OrderSelection, read_policies: ReadPolicies) -> Drift:
    """Judge each order of the log by the policies that were visible at its time.

    An order is judged by the policy of the newest slot that had been published by then, overrides included; if that had
    expired, no policy forbade a maker attempt. A run that was removed for its age does not count as unknown. Raises
    SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    from jobs.engines.duckdb_session import duckdb_session

    with duckdb_session() as (connection, folder):
        rejects = load_selected_orders(connection, selection, folder)
        policies = load_policies(connection, selection, read_policies)
        symbols = drift_of_loaded(connection, selection, policies)
    symbols.sort(key=lambda symbol: (-symbol.finding_count, symbol.symbol))
    return Drift(symbols=tuple(symbols), rejects=tuple(rejects))


def load_policies(
    connection: "DuckDBPyConnection", selection: OrderSelection, read_policies: ReadPolicies
) -> VisiblePolicies:
    """Load what the orders of the selection are judged by, and return it; the orders must be loaded."""
    # More than a tolerance earlier, for the policy that was in force when the first order was sent.
    earliest = selection.start - selection.tolerance - timedelta(microseconds=1)
    policies = read_policies(earliest, _named_runs(connection, selection))
    load_visible_policies(connection, policies, selection.slots)
    load_assignments(connection, policies.holdouts, selection.start, selection.end)
    return policies


def _named_runs(connection: "DuckDBPyConnection", selection: OrderSelection) -> set[int]:
    """Return the runs that orders of the selection name; the orders must be loaded."""
    query = """
        select distinct policy_run_id from order_event
        where reason is null and policy_run_id is not null and ts >= $start and ts < $end
    """
    bounds = {"start": naive(selection.start), "end": naive(selection.end)}
    return {run_id for (run_id,) in connection.execute(query, bounds).fetchall()}


def drift_of_loaded(
    connection: "DuckDBPyConnection", selection: OrderSelection, policies: VisiblePolicies
) -> list[SymbolDrift]:
    """Return the drift of each symbol that has an order in the selection; orders and policies must be loaded."""
    parameters = {
        "window_start": naive(selection.start),
        "window_end": naive(selection.end),
        "tolerance": selection.tolerance,
        "pruned_through": policies.pruned_through,
        "policies_from": naive(policies.policies_from) if policies.policies_from is not None else None,
    }
    result = connection.execute(_JUDGED, parameters)
    names = [column[0] for column in result.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return [
        SymbolDrift(
            symbol=row["symbol"],
            order_count=row["order_count"],
            before_policies_count=row["before_policies_count"],
            findings={kind: _finding(kind, row, selection.scope) for kind in DriftKind},
        )
        for row in rows
    ]


def _finding(kind: DriftKind, row: Mapping[str, Any], scope: str) -> DriftFinding:
    examples = (
        DriftExample(order_id=order["order_id"], ts=order["ts"].replace(tzinfo=UTC), what=_what(kind, order, scope))
        for order in row[kind] or ()
    )
    return DriftFinding(order_count=row[f"{kind}_count"], examples=tuple(examples))


def _what(kind: DriftKind, order: Mapping[str, Any], scope: str) -> str:
    run = f"run {order['run_id']}"
    match kind:
        case DriftKind.NO_RUN:
            return "names no run"
        case DriftKind.UNKNOWN_RUN:
            return f"{run} is none of scope {scope!r}"
        case DriftKind.SUPERSEDED:
            return f"{run}, when run {order['superseded_by']} was out for {order['ts'] - order['superseded_at']}"
        case DriftKind.EXPIRED:
            return f"{run}, whose slot was {order['ts'] - order['slot']} ago"
        case DriftKind.MAKER_WHILE_TAKER:
            return f"maker first, when taker was in force for {order['ts'] - order['instruction_since']}"
        case DriftKind.NOT_AS_ASSIGNED:
            return fault_words(order)
