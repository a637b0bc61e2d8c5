"""The orders of the stretches that a replay does not observe, as far as chance sent them the other way."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jobs.experiment.savings import ExperimentOrders, find_experiment_orders
from jobs.plan import Plan
from policy.experiment.never_sent import NeverSentEstimate, estimate_never_sent
from policy.experiment.saving import OrderEffect, order_effects
from policy.experiment.saving_figure import ALL_SYMBOLS

# By symbol, the times in which the replayed rules decide maker first and the live ones decided taker, oldest first.
# Each has its start, inclusive, and its end, exclusive, None if it lasts through the newest run.
Stretches = Mapping[str, Sequence[tuple[datetime, datetime | None]]]
Estimates = Mapping[str, NeverSentEstimate]
_NEWEST_RUN = timedelta(days=1)


def never_sent_estimates(plan: Plan, stretches: Stretches, first_slot: datetime, last_slot: datetime) -> Estimates:
    """Estimate what the maker orders of these times would have saved, by symbol, and under "" of all symbols.

    The log is read from the first slot on: an order is judged by what those before it let one expect. Empty if there is
    no stretch. Raises SourceError if the log cannot be used, and EngineError if DuckDB fails.
    """
    if not any(stretches.values()):
        return {}
    orders = find_experiment_orders(plan.orders, plan.fees, first_slot, last_slot + _NEWEST_RUN)
    return estimates_within(orders, stretches)


def estimates_within(orders: ExperimentOrders, stretches: Stretches) -> Estimates:
    """Return the estimates of the orders that ended within the stretches of their symbol; only of symbols with any."""
    by_symbol: dict[str, list[OrderEffect]] = {ALL_SYMBOLS: []}
    for effect, ended_at in zip(order_effects(orders.orders), orders.ended_at, strict=True):
        symbol = effect.order.symbol
        if _is_within(ended_at, stretches.get(symbol, ())):
            by_symbol[ALL_SYMBOLS].append(effect)
            by_symbol.setdefault(symbol, []).append(effect)
    estimates = {symbol: estimate_never_sent(effects) for symbol, effects in sorted(by_symbol.items())}
    return {symbol: estimate for symbol, estimate in estimates.items() if estimate is not None}


def _is_within(at: datetime, stretches: Sequence[tuple[datetime, datetime | None]]) -> bool:
    number = bisect_right([start for start, _ in stretches], at) - 1
    if number < 0:
        return False
    until = stretches[number][1]
    return until is None or at < until
