"""The API of orders: what those of each day cost, and how many did not follow the policy of their time."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from console.records.day_records import CostDays, DayCostRecord, DayDriftRecord, DriftDays
from console.web.errors import documented
from console.web.order_figures import days_up_to
from console.web.responses import ThePolicyCache
from storage.read.day_figures import day_costs, day_drifts, newest_day

router = APIRouter(prefix="/v1", tags=["orders"], responses=documented(422, 500, 503, 504))
Days = Annotated[int, Query(description="Of so many UTC days up to the newest that has figures.", ge=1, le=31)]


@router.get("/costs", response_model=CostDays)
def costs(cache: ThePolicyCache, days: Days = 7) -> CostDays:
    """Return what orders cost by day, symbol and route, as it was added up after the newest run.

    At most the seven days before now, by the clock, are added up, whatever slot the run was of: an older log gives
    nothing here, and the command `costs` adds its orders up.
    """
    with cache.store.reading() as connection:
        today = newest_day(connection, cache.scope)
        if today is None:
            return CostDays(as_of=None, items=[])
        costs_of_days = day_costs(connection, cache.scope, *days_up_to(today, timedelta(days=days)))
    return CostDays(as_of=today.as_of, items=[DayCostRecord.of(day, cost) for day, cost in costs_of_days])


@router.get("/drift", response_model=DriftDays)
def drift(cache: ThePolicyCache, days: Days = 7) -> DriftDays:
    """Return how many orders did not follow the policy of their time, by day and symbol, after the newest run.

    The days are those of `/v1/costs`; for the orders of an older log use the command `drift`.
    """
    with cache.store.reading() as connection:
        today = newest_day(connection, cache.scope)
        if today is None:
            return DriftDays(as_of=None, items=[])
        drifts_of_days = day_drifts(connection, cache.scope, *days_up_to(today, timedelta(days=days)))
    return DriftDays(as_of=today.as_of, items=[DayDriftRecord.of(day, drift) for day, drift in drifts_of_days])
