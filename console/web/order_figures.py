"""What orders cost and which drifted, added up for the pages and for metrics: today by route, seven days by symbol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from math import fsum
from typing import TypeVar

from storage.day_figures import DayCost, DayDrift
from storage.read.day_figures import FiguredDay, day_costs, day_drifts, newest_day
from storage.store import Connection

ORDER_FIGURES_SPAN = timedelta(days=7)
Key = TypeVar("Key")
FigureRow = TypeVar("FigureRow")
_DAY = timedelta(days=1)
DRIFT_KINDS = tuple(field.name for field in fields(DayDrift) if field.name not in ("symbol", "order_count"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSum:
    """Costs added up: the mean in bps over the orders that filled, the money of those whose notional is known."""

    order_count: int
    cost_count: int
    mean_bps: float | None
    money: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """The figures of some UTC days, of which the newest, `today`, may be unfinished; None: there are none yet.

    They are of seven days unless others were asked for. `costs` and `drifts` have the midnight of each row's day.
    """

    today: FiguredDay | None
    costs: Sequence[tuple[datetime, DayCost]] = ()
    drifts: Sequence[tuple[datetime, DayDrift]] = ()

    def cost_of_today(self) -> CostSum:
        """Return what all of today's orders cost."""
        return _sum_of([cost for day, cost in self.costs if self._is_today(day)])

    def costs_of_today(self) -> Mapping[str, CostSum]:
        """Return today's costs by route."""
        return _summed((cost.route, cost) for day, cost in self.costs if self._is_today(day))

    def costs_of_symbols(self) -> Mapping[str, CostSum]:
        """Return the costs of all days by symbol."""
        return _summed((cost.symbol, cost) for _, cost in self.costs)

    def costs_of_days(self) -> Mapping[tuple[datetime, str], CostSum]:
        """Return the costs by day and route, the newest day first."""
        summed = _summed(((day, cost.route), cost) for day, cost in self.costs)
        return dict(sorted(summed.items(), key=lambda item: (-item[0][0].timestamp(), item[0][1])))

    def drift_of_today(self) -> Mapping[str, int]:
        """Return how many of today's orders are of each kind of drift, and with `order_count` how many there are."""
        return _drift_counts([drift for day, drift in self.drifts if self._is_today(day)])

    def drift_of_symbols(self) -> Mapping[str, Mapping[str, int]]:
        """Return the same over all days, of each symbol that has drift."""
        drifts = _grouped((drift.symbol, drift) for _, drift in self.drifts)
        sums = {symbol: _drift_counts(group) for symbol, group in drifts.items()}
        return {symbol: counts for symbol, counts in sums.items() if any(counts[kind] for kind in DRIFT_KINDS)}

    def _is_today(self, day: datetime) -> bool:
        return self.today is not None and day == self.today.day


def read_order_figures(connection: Connection, scope: str, span: timedelta = ORDER_FIGURES_SPAN) -> OrderFigures:
    """Read the newest day that has figures, and those before it within a span of whole days."""
    today = newest_day(connection, scope)
    if today is None:
        return OrderFigures(today=None)
    since, until = days_up_to(today, span)
    return OrderFigures(
        today=today,
        costs=day_costs(connection, scope, since, until),
        drifts=day_drifts(connection, scope, since, until),
    )


def days_up_to(today: FiguredDay, span: timedelta) -> tuple[datetime, datetime]:
    """Return the bounds, `since <= day < until`, of a span of whole days of which `today` is the last."""
    until = today.day + _DAY
    return until - span, until


def _grouped(rows: Iterable[tuple[Key, FigureRow]]) -> dict[Key, list[FigureRow]]:
    groups: dict[Key, list[FigureRow]] = {}
    for key, row in rows:
        groups.setdefault(key, []).append(row)
    return groups


def _drift_counts(drifts: Sequence[DayDrift]) -> dict[str, int]:
    return {name: sum(getattr(drift, name) for drift in drifts) for name in ("order_count", *DRIFT_KINDS)}


def _summed(costs: Iterable[tuple[Key, DayCost]]) -> dict[Key, CostSum]:
    return {key: _sum_of(group) for key, group in _grouped(costs).items()}


def _sum_of(costs: Sequence[DayCost]) -> CostSum:
    filled = [cost for cost in costs if cost.mean_bps is not None]
    cost_count = sum(cost.cost_count for cost in filled)
    money = [cost.money for cost in costs if cost.money is not None]
    total_bps = fsum((cost.mean_bps or 0.0) * cost.cost_count for cost in filled)
    return CostSum(
        order_count=sum(cost.order_count for cost in costs),
        cost_count=cost_count,
        mean_bps=total_bps / cost_count if cost_count else None,
        money=fsum(money) if money else None,
    )
