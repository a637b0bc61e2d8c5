"""A small history whose every answer can be worked out by hand: two scopes, overrides, gaps, and a change of rules.

Scope default, hourly slots of 2025-03-03 and 04 (UTC), what was measured as the fallback ratio, and what follows:

    slot    BTCUSDT (40 starts)    ETHUSDT (120 starts)     DOGEUSDT (5 starts)   rules
    22:00   0.1  good              0.1  good                0.5   ok              default
    23:00   0.7  degraded          0.1  good, panic         0.5   ok              default
    00:00   0.92 degraded          0.1  good                0.96  broken          broken from 0.95 on
    01:00   0.3  good              0.7  degraded, panic     0.96  broken          broken from 0.95 on
    02:00   missed
    03:00   failed
    04:00   0.2  good              0.2  good                0.97  broken          broken from 0.95 on

From 00:00 on the rule set breaker runs in the shadow of scope default: of BTCUSDT the last six maker orders have missed
at 00:00 and 01:00, and a probe has filled by 04:00.

Scope paper has one manual run at 04:00, of BTCUSDT without a maker start. Overrides to taker in scope default: BTCUSDT
from 00:20, ended at 01:30 instead of 02:20; ETHUSDT from 04:30, still in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from policy import Evidence
from policy.reject import Reject
from policy.rules import Judgement, RuleSet, State, rule_set
from policy.streaks import Streak, Streaks
from storage.records import Origin
from storage.schema.column_types import UtcTimestamp
from storage.schema.tables import policy_override, policy_override_end, policy_run
from storage.store import Store
from storage.write import leases
from tests.support.runs import claim, evidence, result
from tests.support.store_calls import write
from tests.support.tampering import behind_the_triggers

MIDNIGHT = datetime(2025, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEFAULT = rule_set("seed")
CHANGED = rule_set("seed", {"broken_fallback_ratio": 0.95})
BREAKER = rule_set("breaker1")
STEADY = Streak(start_count=40, miss_count=2)
MISSES = replace(STEADY, miss_streak=6)
FILLED = replace(STEADY, probe_count=1, probe_filled_count=1)
PANIC = 3.0
NORMAL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run to publish: its slot in hours from midnight, and the seconds from the slot to its start and its end."""

    hour: int
    evidences: tuple[Evidence, ...]
    started_seconds: int = 1
    published_seconds: int
    zero_fills: int = 0
    rules: RuleSet = CHANGED
    bitcoin_streak: Streak | None = None
    scope: str = "default"
    origin: Origin = Origin.SCHEDULE


def _measured(
    bitcoin: float, ether: float, doge: float, *, ether_atr_ratio: float = NORMAL
) -> tuple[Evidence, Evidence, Evidence]:
    return (
        evidence("BTCUSDT", fallback=bitcoin),
        _started(evidence("ETHUSDT", fallback=ether, atr_ratio=ether_atr_ratio), 120),
        _started(evidence("DOGEUSDT", fallback=doge), 5),
    )


def _started(measured: Evidence, maker_started_count: int) -> Evidence:
    return replace(measured, effectiveness=replace(measured.effectiveness, maker_started_count=maker_started_count))


def _never_started(symbol: str) -> Evidence:
    started = _started(evidence(symbol, fallback=None), 0)
    return replace(started, effectiveness=replace(started.effectiveness, maker_fill_ratio=None))


RUNS = (
    Run(hour=-2, evidences=_measured(0.1, 0.1, 0.5), published_seconds=3, zero_fills=3, rules=DEFAULT),
    Run(
        hour=-1,
        evidences=_measured(0.7, 0.1, 0.5, ether_atr_ratio=PANIC),
        published_seconds=5,
        zero_fills=4,
        rules=DEFAULT,
    ),
    Run(hour=0, evidences=_measured(0.92, 0.1, 0.96), published_seconds=4, zero_fills=4, bitcoin_streak=MISSES),
    Run(
        hour=1,
        evidences=_measured(0.3, 0.7, 0.96, ether_atr_ratio=PANIC),
        started_seconds=60,
        published_seconds=64,
        zero_fills=6,
        bitcoin_streak=MISSES,
    ),
    Run(hour=4, evidences=_measured(0.2, 0.2, 0.97), published_seconds=2, bitcoin_streak=FILLED),
    Run(
        hour=4,
        evidences=(_never_started("BTCUSDT"),),
        published_seconds=600,
        zero_fills=1,
        rules=DEFAULT,
        scope="paper",
        origin=Origin.MANUAL,
    ),
)
ORDERS = (
    ("BTCUSDT", "2025-03-03 21:00:00", 7.0),
    ("BTCUSDT", "2025-03-03 22:30:00", 1.0),
    ("BTCUSDT", "2025-03-03 23:00:00", 4.0),
    ("BTCUSDT", "2025-03-04 00:10:00", 6.0),
    ("BTCUSDT", "2025-03-04 00:30:00", 3.0),
    ("BTCUSDT", "2025-03-04 01:15:00", 2.0),
    ("BTCUSDT", "2025-03-04 01:30:00", 0.5),
    ("BTCUSDT", "2025-03-04 02:30:00", None),
    ("ETHUSDT", "2025-03-04 05:00:00", 9.0),
    ("DOGEUSDT", "2025-03-04 00:30:00", 12.0),
    ("SOLUSDT", "2025-03-03 23:30:00", 1.0),
)


def publish_small_history(store: Store) -> None:
    """Publish all of it into an empty store, with an analyst's table of orders beside it."""
    states: dict[str, State | None] = {}
    for run in RUNS:
        _publish(store, run, states)
    write(store, leases.mark_missed, "default", [MIDNIGHT + 2 * HOUR])
    for error in ("no file matches", "the log is locked"):
        write(store, leases.record_failure, claim(store, MIDNIGHT + 3 * HOUR), error, timedelta(0))
    with behind_the_triggers(store) as connection:
        _set_publication_times(connection)
    with store.writer.begin() as connection:
        _override(connection)
        _add_orders(connection, ORDERS)


def _publish(store: Store, run: Run, states: dict[str, State | None]) -> None:
    slot = MIDNIGHT + run.hour * HOUR
    rejects = [("orders", "zero_fill", run.zero_fills, "log.jsonl:7")]
    if run.hour == -1:
        rejects.append(("candles", "bad_row", 2, "BTCUSDT.csv:3"))
    whole = replace(
        result(run.evidences, origin=run.origin),
        rule_set=run.rules,
        decisions=tuple((measured, run.rules.decide(measured)) for measured in run.evidences),
        started_at=slot + timedelta(seconds=run.started_seconds),
        rejects=tuple(
            Reject(source=source, reason=reason, reject_count=count, sample=sample)
            for source, reason, count, sample in rejects
            if count
        ),
        shadows=_shadows(run, slot, states),
    )
    store.publish(claim(store, slot, scope=run.scope), whole)


def _shadows(
    run: Run, slot: datetime, states: dict[str, State | None]
) -> tuple[tuple[RuleSet, tuple[Judgement, ...]], ...]:
    if run.bitcoin_streak is None:
        return ()
    judged = []
    for measured in run.evidences:
        own = run.bitcoin_streak if measured.symbol == "BTCUSDT" else STEADY
        seen = replace(measured, streaks=Streaks(as_of=slot, own=own, pool=STEADY))
        judged.append(BREAKER.decide_with_state(seen, states.get(measured.symbol)))
        states[measured.symbol] = judged[-1].after
    return ((BREAKER, tuple(judged)),)


def _set_publication_times(connection: Connection) -> None:
    """Make the runs published when the story says, not when the test ran."""
    for run in RUNS:
        slot = MIDNIGHT + run.hour * HOUR
        here = (policy_run.c.scope == run.scope, policy_run.c.slot == slot)
        published_at = slot + timedelta(seconds=run.published_seconds)
        connection.execute(policy_run.update().where(*here).values(published_at=published_at))


def _override(connection: Connection) -> None:
    common = {"scope": "default", "maker_first": False, "taker_bias": "prefer_taker", "author": "ann"}
    made = [
        ("BTCUSDT", 101, "venue maintenance", MIDNIGHT + timedelta(minutes=20), MIDNIGHT + timedelta(minutes=140)),
        ("ETHUSDT", 102, "fee change", MIDNIGHT + timedelta(hours=4.5), datetime(2999, 1, 1, tzinfo=UTC)),
    ]
    for symbol, entry_id, reason, from_at, until_at in made:
        row = {"symbol": symbol, "entry_id": entry_id, "reason": reason, "from_at": from_at, "until_at": until_at}
        digests = {"digest": f"digest {entry_id}", "previous_digest": f"digest {entry_id - 1}"}
        connection.execute(policy_override.insert(), {**common, **row, **digests})
    end = {"entry_id": 103, "override_id": 101, "author": "bob", "reason": "venue is back", "digest": "digest 103"}
    ended_at = MIDNIGHT + timedelta(minutes=90)
    connection.execute(policy_override_end.insert(), {**end, "ended_at": ended_at, "previous_digest": "digest 102"})


def _add_orders(connection: Connection, orders: Sequence[tuple[str, str, float | None]]) -> None:
    timestamp = UtcTimestamp().dialect_impl(connection.dialect).compile(dialect=connection.dialect)
    connection.execute(
        text(f"create table orders (symbol text not null, ts {timestamp} not null, slippage_bps double precision)")
    )
    insert = text("insert into orders values (:symbol, :ts, :slippage_bps)")
    connection.execute(insert, [{"symbol": s, "ts": ts, "slippage_bps": cost} for s, ts, cost in orders])
