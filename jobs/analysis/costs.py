"""What orders really cost: the log's outcomes by route and by the policy in force at their time."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jobs.analysis.drift import DriftKind, drift_of_loaded, load_policies, policies_of
from jobs.analysis.order_history import OrderSelection, load_selected_orders, load_visible_policies, naive
from jobs.confidence_interval import ConfidenceInterval, confidence_interval
from jobs.engines.order_cost import view_order_costs
from jobs.experiment.savings import Savings, savings_of_loaded_orders
from jobs.plan import Fees
from policy.numbers import round_metric
from policy.reject import Reject
from storage.read.visible_policies import DecisionChange, decision_changes, visible_policies
from storage.store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COST = files(__package__).joinpath("costs.sql").read_text("utf-8")
CHOSEN = (
    "the policy itself chose which orders went which way, by market and hour: "
    "this difference is not what its choice saved"
)
NOT_IN_FORCE = "no policy was in force: the bot chose which orders went which way, so this difference is no saving"


class Route(StrEnum):
    """How an order was sent: started as maker, straight to taker, as a probe, or unknown to the log."""

    MAKER = "maker"
    TAKER = "taker"
    PROBE = "probe"
    UNKNOWN = "unknown"


class PolicyAtOrder(StrEnum):
    """The policy in force at an order's time; NONE if there was none, or if it had expired."""

    MAKER_FIRST = "maker_first"
    TAKER = "taker"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """The orders that a summary is of; None means all. Regime and quality are "none" for orders without a policy."""

    symbol: str | None = None
    regime: str | None = None
    policy: PolicyAtOrder | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDifference:
    """The mean cost less that of the orders of the same group that went straight to taker, in basis points.

    The interval counts a UTC day as one observation; it is None with fewer than two. The warning belongs to it:
    who chose the ways of the orders, so that the difference is no saving.
    """

    difference_bps: float
    interval: ConfidenceInterval | None
    day_count: int
    warning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSummary:
    """What the orders of a group that went one route cost, in basis points of the notional, + is worse.

    The cost is slippage and fee, over the `cost_count` orders that filled. The fee is known for `fee_count` of them,
    from the log or else the settings, and is left out for the others. Mean and median are None without a fill. The
    interval is the mean's, and counts a UTC day as one observation; it is None with fewer than two days.
    """

    group: GroupKey
    route: Route
    outcome_count: int
    cost_count: int
    fee_count: int
    mean_bps: float | None
    median_bps: float | None
    day_count: int
    interval: ConfidenceInterval | None
    against_taker: CostDifference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Summaries of all orders, by symbol, by regime, by policy and quality, and by all of these; and the rejects.

    `savings` are of the orders of which chance decided the way: it has no figure if there are none. Of the orders,
    `not_as_assigned_count` do not fit what a holdout assigned them, as `find_drift` counts them; 0 if none took part.
    """

    figures: tuple[CostSummary, ...]
    rejects: tuple[Reject, ...]
    savings: Savings
    not_as_assigned_count: int

    @property
    def order_count(self) -> int:
        """How many orders were selected."""
        return sum(summary.outcome_count for summary in self.figures if summary.group == GroupKey())


def find_costs(store: Store, selection: OrderSelection, fees: Mapping[str, Fees], *, as_if_live: bool = False) -> Costs:
    """Add up what the orders with `start <= ts < end` cost; `fees` are by symbol, "" for the others.

    The policy in force is the one that readers could see at an order's time, overrides included; the tolerance of the
    selection is not used. `as_if_live` takes each run as published at its slot, for the orders of a backtest, whose
    runs were computed later. Raises SourceError if the log cannot be used, EngineError if DuckDB fails, and as the
    store does.
    """
    from jobs.engines.duckdb_session import duckdb_session

    with duckdb_session() as (connection, folder):
        rejects = load_selected_orders(connection, selection, folder)
        _load_history(connection, store, selection, as_if_live=as_if_live)
        view_order_costs(connection, fees)
        figures = _figures(connection, selection)
        savings = savings_of_loaded_orders(connection, selection.start, selection.end)
        not_as_assigned_count = _count_not_as_assigned(connection, store, selection) if savings.has_orders else 0
    return Costs(figures=figures, rejects=tuple(rejects), savings=savings, not_as_assigned_count=not_as_assigned_count)


def _count_not_as_assigned(connection: "DuckDBPyConnection", store: Store, selection: OrderSelection) -> int:
    """Judge the orders as `drift` does; the tables of the policies are those of the drift from then on."""
    policies = load_policies(connection, selection, policies_of(store, selection))
    judged = drift_of_loaded(connection, selection, policies)
    return sum(symbol.findings[DriftKind.NOT_AS_ASSIGNED].order_count for symbol in judged)


def _load_history(
    connection: "DuckDBPyConnection", store: Store, selection: OrderSelection, *, as_if_live: bool
) -> None:
    scope, start, end = selection.scope, selection.start, selection.end
    with store.reading() as reading:
        policies = visible_policies(reading, scope, start, end, with_taker=False, as_if_live=as_if_live)
        changes = decision_changes(reading, scope, start, end, as_if_live=as_if_live)
    load_visible_policies(connection, policies, selection.slots)
    _load_decisions(connection, changes)


def _load_decisions(connection: "DuckDBPyConnection", changes: tuple[DecisionChange, ...]) -> None:
    from jobs.engines.duckdb_tables import load_table

    load_table(
        connection,
        "decision",
        symbol=("varchar", [change.symbol for change in changes]),
        decided_at=("timestamp", [naive(change.published_at) for change in changes]),
        maker_first=("boolean", [change.maker_first for change in changes]),
        quality=("varchar", [change.quality.value for change in changes]),
        regime=("varchar", [change.regime.value for change in changes]),
    )


def _figures(connection: "DuckDBPyConnection", selection: OrderSelection) -> tuple[CostSummary, ...]:
    bounds = {"window_start": naive(selection.start), "window_end": naive(selection.end)}
    result = connection.execute(_COST, bounds)
    names = [column[0] for column in result.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    was_any_in_force = any(row["policy"] not in (None, PolicyAtOrder.NONE) for row in rows)
    return tuple(_figure(row, _warning(row, was_any_in_force=was_any_in_force)) for row in rows)


def _warning(row: Mapping[str, Any], *, was_any_in_force: bool) -> str:
    """Return who chose the ways of a group; one that is not by policy or regime has the orders of all of them."""
    is_outside = PolicyAtOrder.NONE in (row["policy"], row["regime"])
    return CHOSEN if was_any_in_force and not is_outside else NOT_IN_FORCE


def _figure(row: Mapping[str, Any], warning: str) -> CostSummary:
    mean_bps, error_bps = round_metric(row["mean_bps"]), round_metric(row["error_bps"])
    return CostSummary(
        group=GroupKey(
            symbol=row["symbol"],
            regime=row["regime"],
            policy=PolicyAtOrder(row["policy"]) if row["policy"] is not None else None,
            quality=row["quality"],
        ),
        route=Route(row["route"]),
        outcome_count=int(row["outcome_count"]),
        cost_count=int(row["cost_count"]),
        fee_count=int(row["fee_count"]),
        mean_bps=mean_bps,
        median_bps=round_metric(row["median_bps"]),
        day_count=row["day_count"],
        interval=confidence_interval(mean_bps, error_bps, row["day_count"]) if mean_bps is not None else None,
        against_taker=_comparison(row, warning),
    )


def _comparison(row: Mapping[str, Any], warning: str) -> CostDifference | None:
    difference_bps, day_count = round_metric(row["difference_bps"]), row["difference_day_count"]
    if difference_bps is None or day_count is None:
        return None
    error_bps = round_metric(row["difference_error_bps"])
    return CostDifference(
        difference_bps=difference_bps,
        interval=confidence_interval(difference_bps, error_bps, day_count),
        day_count=day_count,
        warning=warning,
    )
