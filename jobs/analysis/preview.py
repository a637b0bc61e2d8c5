"""The policies of a plan at the end of its own data, without a store: nothing is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.plan import OrdersSource, Plan
from policy.reject import Reject
from policy.rules import Judgement, RuleSet
from policy.window import WHOLE_LOG, Window

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataEnd:
    """The time just after the last usable order, and the fees of its orders in basis points; None if unknown."""

    as_of: datetime
    maker_bps: float | None
    taker_bps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The judgements of a rule set as of a time, what the sources cannot tell, and the rows that were not used."""

    as_of: datetime
    rule_set: RuleSet
    judgements: Sequence[Judgement]
    notes: Sequence[str]
    rejects: Sequence[Reject]
    order_count: int


def find_data_end(orders: OrdersSource, now: datetime) -> DataEnd | None:
    """Return where the orders end; None if no order can be used.

    The fee of a route is the median over the orders that filled that way. Raises SourceError if the orders cannot be
    read.
    """
    from jobs.engines.duckdb_session import duckdb_session
    from jobs.sources.orders import read_orders

    window = Window(as_of=now + timedelta(days=1), outcome_window=WHOLE_LOG)
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, orders, window, folder)
        row = connection.execute(
            f"""select
                max(ts),
                median(fees / notional * 1e4) filter (where maker_filled),
                median(fees / notional * 1e4) filter (where maker_started = false)
            from ({relation.rows}) where reason is null and ts < $now""",
            {"now": now.replace(tzinfo=None)},
        ).fetchone()
    assert row is not None
    last, maker_bps, taker_bps = row
    if last is None:
        return None
    as_of = last.replace(microsecond=0, tzinfo=UTC) + _SECOND
    return DataEnd(as_of=as_of, maker_bps=_rounded(maker_bps), taker_bps=_rounded(taker_bps))


def preview_policies(plan: Plan, as_of: datetime) -> Preview:
    """Measure and decide as a run as of a time would. Raises SourceError or EngineError if nothing can be computed."""
    from jobs.decisions import decide_symbols
    from jobs.engines.measure import measure
    from jobs.engines.source_notes import notes_of

    measurement = measure(plan, plan.window(as_of), {})
    return Preview(
        as_of=as_of,
        rule_set=plan.rule_set,
        judgements=decide_symbols(plan, measurement, as_of).live,
        notes=notes_of(measurement),
        rejects=measurement.rejects,
        order_count=measurement.event_count,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
