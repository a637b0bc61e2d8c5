"""The order of events: what the query finds, held against plain Python, and what the breaker makes of it run by run."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import strategies as st

from jobs.engines.streaks import States
from jobs.plan import Plan
from jobs.run.recompute import recompute
from policy import Evidence
from policy.rules import State, rule_set
from policy.rules.breaker_state import Breaker
from policy.streaks import Streak, Streaks
from storage.records import Origin, RunResult
from tests.support.families import family
from tests.support.small_runs import AS_OF, canonical
from tests.support.spark_server import spark_server

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One outcome of the log that starts as maker, or not."""

    ts: datetime
    symbol: str = "BTCUSDT"
    started: bool = True
    filled: bool = False
    rejected: bool | None = None


def write(path: Path, events: Sequence[Event]) -> Path:
    rows = [
        {
            "order_id": str(number),
            "ts": event.ts.isoformat(),
            "symbol": event.symbol,
            "side": "BUY",
            "maker_started": event.started,
            "maker_filled": event.filled,
            "fallback_used": event.started and not event.filled,
            "slippage_bps": 1.0,
            "notional": 100.0,
            "realized_pnl": 0.5,
            "post_only_rejected": event.rejected,
        }
        for number, event in enumerate(events)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(path: Path, as_of: datetime = AS_OF, states: States | None = None, live: str = "seed") -> RunResult:
    plan = Plan(
        scope="default",
        orders=canonical(path),
        candles=None,
        rule_set=rule_set(live),
        symbols=("BTCUSDT",),
        shadows=(rule_set("breaker1"),) if live != "breaker1" else (),
    )
    return recompute(plan, as_of, origin=Origin.MANUAL, started_at=as_of, states=states or {})


def after(result: RunResult) -> States:
    judgements = result.shadows[0][1] if result.shadows else result.judgements
    return {
        "breaker1": {
            judgement.evidence.symbol: judgement.after for judgement in judgements if judgement.after is not None
        }
    }


def expected(events: Sequence[Event], since: datetime, breaker: Breaker, as_of: datetime) -> Streak:
    """Walk through the events one by one; of equal times, every fill stands after every miss."""
    counts_from = max(since, breaker.restarted_at or since)
    orders = sorted(
        (candidate for candidate in events if candidate.started and since <= candidate.ts < as_of),
        key=lambda e: (e.ts, e.filled),
    )
    run_of_misses = 0
    for order in orders:
        if order.filled:
            run_of_misses = 0
        elif order.ts >= max(counts_from, as_of - 24 * HOUR):
            run_of_misses += 1
    counted = [candidate for candidate in orders if candidate.ts >= counts_from]
    opened_at = breaker.opened_at
    probes = [candidate for candidate in orders if opened_at and candidate.ts >= opened_at]
    return Streak(
        miss_streak=run_of_misses,
        start_count=len(counted) - run_of_misses,
        miss_count=sum(not candidate.filled for candidate in counted) - run_of_misses,
        probe_count=len(probes),
        probe_filled_count=sum(candidate.filled for candidate in probes),
        last_probe_at=max((candidate.ts for candidate in probes), default=None),
    )


def refused_in_a_row(events: Sequence[Event], symbol: str, breaker: Breaker, as_of: datetime) -> int:
    count = 0
    counts_from = max(as_of - 24 * HOUR, breaker.restarted_at or as_of - WEEK)
    mine = [
        candidate
        for candidate in events
        if candidate.symbol == symbol and candidate.started and as_of - WEEK <= candidate.ts < as_of
    ]
    for order in sorted(mine, key=lambda e: (e.ts, e.filled or not e.rejected)):
        kept = order.filled or not order.rejected
        count = 0 if kept else count + (order.ts >= counts_from)
    return count


# Hours on a grid, so that some events fall on the same time, and some on a bound.
ages = st.one_of(st.integers(0, 30), st.integers(0, 180)).map(lambda hours: AS_OF - hours * HOUR)
event = st.builds(
    Event,
    ts=ages,
    symbol=st.sampled_from(SYMBOLS),
    started=st.sampled_from([True, True, True, False]),
    filled=st.booleans(),
    rejected=st.sampled_from([None, None, False, True]),
)
breakers = st.builds(Breaker, opened_at=st.none() | ages, restarted_at=st.none() | ages)


@family(
    short=5,
    long=150,
    events=st.lists(event, max_size=30),
    own=st.lists(breakers, min_size=3, max_size=3),
    pool=breakers,
)
def test_the_query_finds_what_a_walk_through_the_events_finds(
    tmp_path: Path, events: list[Event], own: list[Breaker], pool: Breaker
) -> None:
    path = write(tmp_path / "log.jsonl", [*events, Event(ts=AS_OF - 200 * HOUR)])
    states = {symbol: State(own=breaker, pool=pool) for symbol, breaker in zip(SYMBOLS, own, strict=True)}

    judgements = run(path, states={"breaker1": states}).shadows[0][1]

    for judgement in judgements:
        streaks, symbol = judgement.evidence.streaks, judgement.evidence.symbol
        assert streaks is not None
        mine = [each for each in events if each.symbol == symbol]
        assert streaks.own == expected(mine, AS_OF - WEEK, states[symbol].own, AS_OF)
        assert streaks.pool == expected(events, AS_OF - WEEK, pool, AS_OF)
        assert streaks.reject_streak == refused_in_a_row(events, symbol, states[symbol].own, AS_OF)


def test_an_order_that_filled_as_maker_after_a_refusal_parts_two_refusals(tmp_path: Path) -> None:
    refused = [Event(ts=AS_OF - age * HOUR, rejected=True) for age in (14, 1)]
    retried = [Event(ts=AS_OF - age * HOUR, rejected=True, filled=True) for age in range(2, 14)]

    (judged,) = run(write(tmp_path / "log.jsonl", refused + retried), live="breaker1").judgements

    assert judged.evidence.streaks is not None
    assert judged.evidence.streaks.reject_streak == 1
    assert judged.decision.policy.maker_first


def test_the_order_in_which_a_log_is_read_decides_nothing(tmp_path: Path) -> None:
    chance = random.Random(3)
    events = [
        Event(ts=AS_OF - chance.randrange(40) * HOUR, symbol=chance.choice(SYMBOLS), filled=chance.random() < 0.4)
        for _ in range(200)
    ]
    forth = run(write(tmp_path / "forth.jsonl", events))
    chance.shuffle(events)
    back = run(write(tmp_path / "back.jsonl", events))

    assert [judgement.decision for judgement in forth.shadows[0][1]] == [
        judgement.decision for judgement in back.shadows[0][1]
    ]
    assert after(forth) == after(back)


def test_rows_that_are_not_used_stand_in_no_streak(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [Event(ts=AS_OF - HOUR)])
    rows = path.read_text("utf-8") + path.read_text("utf-8").replace("1.0", '"much"')
    path.write_text(rows.replace('"0"', '"1"', 1), "utf-8")

    judgement = run(path).shadows[0][1][0]

    assert judgement.evidence.streaks is not None
    assert judgement.evidence.streaks.pool.miss_streak == 1


def test_one_miss_keeps_the_seed_off_for_exactly_seven_days_and_the_breaker_on(tmp_path: Path) -> None:
    missed_at = AS_OF
    path = write(tmp_path / "log.jsonl", [Event(ts=missed_at)])

    def maker_first(as_of: datetime) -> tuple[bool, bool]:
        result = run(path, as_of)
        return result.decisions[0][1].policy.maker_first, result.shadows[0][1][0].decision.policy.maker_first

    assert maker_first(missed_at) == (True, True)  # it has not happened yet
    assert maker_first(missed_at + timedelta(microseconds=1)) == (False, True)
    assert maker_first(missed_at + WEEK) == (False, True)
    assert maker_first(missed_at + WEEK + timedelta(microseconds=1)) == (True, True)


@family(
    short=15,
    long=300,
    outage_hours=st.integers(1, 40),
    orders_an_hour=st.sampled_from([0.25, 1, 4]),
    chance=st.randoms(use_true_random=False),
)
def test_it_is_never_locked_out_where_probes_can_fill(
    outage_hours: int, orders_an_hour: float, chance: random.Random
) -> None:
    """Play a router that obeys: while nothing fills it is held back, and soon after probes fill again it is not."""
    rules, state = rule_set("breaker1"), State()
    events = [Event(ts=AS_OF - number * HOUR, filled=True) for number in range(1, 41)]
    every: int | None = None
    is_on, due, was_held_back = True, 0.0, False
    for hour in range(outage_hours + 30):
        due += orders_an_hour
        while due >= 1:
            due -= 1
            may_probe = not is_on and every is not None and chance.randrange(every) == 0
            ts = AS_OF + hour * HOUR + chance.randrange(3600) * timedelta(seconds=1)
            filled = (is_on or may_probe) and hour >= outage_hours
            events.append(Event(ts=ts, started=is_on or may_probe, filled=filled))
        as_of = AS_OF + (hour + 1) * HOUR
        own, pool = (expected(events, as_of - WEEK, breaker, as_of) for breaker in (state.own, state.pool))
        streaks = Streaks(as_of=as_of, own=own, pool=pool)
        judged = rules.decide_with_state(Evidence(symbol="BTCUSDT", streaks=streaks), state)
        assert judged.after is not None
        state, is_on, every = judged.after, judged.decision.policy.maker_first, judged.decision.probe_every
        was_held_back = was_held_back or not is_on

    assert is_on, f"still held back 30 hours after an outage of {outage_hours}"
    assert was_held_back or outage_hours * orders_an_hour < 6, "the outage was never seen"


def test_spark_finds_the_same_streaks(tmp_path: Path) -> None:
    pytest.importorskip("pysail", reason="pysail, the Spark Connect server, is not installed")
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    from jobs.plan import EngineChoice, EngineKind

    chance = random.Random(5)
    events = [
        Event(
            ts=AS_OF - chance.randrange(180) * HOUR,
            symbol=chance.choice(SYMBOLS),
            filled=chance.random() < 0.4,
            rejected=chance.choice([None, True, False]),
        )
        for _ in range(300)
    ]
    log = write(tmp_path / "log.jsonl", events)
    parquet = tmp_path / "log.parquet"
    duckdb.execute(f"copy (select * from read_json('{log}')) to '{parquet}'")
    opened, restarted = AS_OF - 20 * HOUR, AS_OF - 90 * HOUR
    states = {
        "breaker1": {
            "BTCUSDT": State(own=Breaker(opened_at=opened, restarted_at=restarted), pool=Breaker(opened_at=opened))
        }
    }
    plan = Plan(
        scope="default",
        orders=canonical(parquet),
        candles=None,
        rule_set=rule_set("breaker1"),
        engine=EngineChoice(kind=EngineKind.DUCKDB),
    )
    with spark_server() as address:
        on_spark = replace(plan, engine=EngineChoice(kind=EngineKind.SPARK, remote=address))
        results = [
            recompute(engine, AS_OF.astimezone(UTC), origin=Origin.MANUAL, started_at=AS_OF, states=states)
            for engine in (plan, on_spark)
        ]

    assert results[0].judgements == results[1].judgements
    assert {judgement.evidence.symbol for judgement in results[0].judgements} == set(SYMBOLS)
