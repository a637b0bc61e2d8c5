"""The evidence of an outage as a rule set asks for it: what an engine is given, and what it returns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from jobs.engines.engine import Engine, MetricRow, PeriodRow, outcome_parameters
from policy import metrics
from policy.numbers import round_metric
from policy.outage_evidence import FillCount, OutageEvidence, OutageParameters, WeighedOrder
from policy.rules import State
from policy.window import Window

_POOL = ""
_WENT_THROUGH = {1: True, 0: False, -1: None}
# At least so many of an owner's newest orders are summed, and so many of these are stored one by one.
_ORDER_BOUND = 40
_SHOWN_COUNT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageMeasurement:
    """The evidence of an outage by symbol, and of the pool."""

    own: Mapping[str, OutageEvidence]
    pool: OutageEvidence

    def of(self, symbol: str) -> OutageEvidence:
        """Return a symbol's evidence; one without maker orders in the window has none."""
        return self.own.get(symbol, OutageEvidence())


def measure_outage(
    engine: Engine,
    parameters: OutageParameters,
    periods: Sequence[PeriodRow],
    window: Window,
    openings: Sequence[datetime],
) -> OutageMeasurement:
    """Measure the evidence of an outage; maker orders and the states of breakers are loaded.

    `periods` are the earlier times in which breakers were open, `openings` those since when they are.
    """
    engine.load_open_periods(periods)
    bounds: dict[str, datetime | float] = {
        **outcome_parameters(window),
        "hour_start": window.as_of - timedelta(hours=1),
        "quarter_start": window.as_of - timedelta(hours=6),
        "day_start": window.day_start,
        "open_start": max(window.start, min([window.as_of, *openings, *(opened_at for _, opened_at, _ in periods)])),
        "order_bound": _ORDER_BOUND,
        "shown_count": _SHOWN_COUNT,
        **asdict(parameters),
    }
    return _read(engine.rows(metrics.OUTAGE_EVIDENCE, bounds))


def period_rows(states: Mapping[str, State], window: Window) -> list[PeriodRow]:
    """Return the times in which breakers were open, by symbol; with None those of the scope, which all states share."""
    shared = next((state.pool.open_periods for state in states.values()), ())
    every = [(symbol, state.own.open_periods) for symbol, state in sorted(states.items())]
    return [
        (symbol, period.opened_at.astimezone(UTC), period.closed_at.astimezone(UTC))
        for symbol, periods in (*every, (None, shared))
        for period in periods
        if period.closed_at > window.start
    ]


def _read(rows: Iterable[MetricRow]) -> OutageMeasurement:
    by_owner = {
        owner: _evidence(list(of_owner))
        for owner, of_owner in groupby(sorted(rows, key=itemgetter("owner")), key=itemgetter("owner"))
    }
    pool = by_owner.pop(_POOL, OutageEvidence())
    return OutageMeasurement(own=by_owner, pool=pool)


def _evidence(rows: Sequence[MetricRow]) -> OutageEvidence:
    """Read the rows of one owner, which have its newest orders, or none of them while the sum is below 0."""
    first = rows[0]
    shown = [row for row in rows if row["rank_from_newest"] is not None]
    return OutageEvidence(
        sum_before=round_metric(first["sum_before"] if shown else first["outage_sum"]),
        newest_orders=tuple(map(_order, sorted(shown, key=itemgetter("rank_from_newest"), reverse=True))),
        order_count=int(first["order_count"]),
        filled_probe_streak=int(first["filled_probe_streak"]),
    )


def _order(row: MetricRow) -> WeighedOrder:
    ended_at: datetime = row["ts"]
    return WeighedOrder(
        symbol=row["symbol"],
        order_id=row["order_id"],
        ended_at=ended_at.replace(tzinfo=UTC),
        went_through=_WENT_THROUGH[row["kind"]],
        is_filled=row["is_filled"],
        so_far=FillCount(order_count=int(row["order_count_so_far"]), fill_count=int(row["fill_count_so_far"])),
    )
