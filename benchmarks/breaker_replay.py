"""A breaker replayed with other parameters over a history of its own evidence: the processor time of a million rows."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.data import Data
from benchmarks.figure import Figure, processor_seconds_of
from benchmarks.history import FIRST_SLOT, evidence
from jobs.analysis.replay import replay
from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder
from policy.rules import RuleSet, State, rule_set
from policy.streaks import Streak, Streaks
from storage.records import Origin, RunResult
from storage.schema.upgrade import needed_version
from storage.store import Store
from storage.write import leases
from tests.support.store_calls import write

RUNS, SYMBOLS = 400, 250
REPETITIONS = 5
TARGET = 15.0
_MILLION = 1_000_000
_STEP = timedelta(hours=1)
_LIVE = rule_set("breaker")
_SHOWN_ORDERS = 8


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Replay every row of a store that is kept beside the other data, as often as asked."""
    path = history(data.orders.parent, RUNS, SYMBOLS)
    rules = rule_set("breaker", {"probe_every": 7})
    seconds = sorted(
        processor_seconds_of(partial(replayed, path, rules)) * _MILLION / (RUNS * SYMBOLS) for _ in range(repetitions)
    )
    return [
        Figure(
            name="replay of a breaker, processor time of 1 million rows",
            value=seconds[len(seconds) // 2],
            lowest=seconds[0],
            highest=seconds[-1],
            target=TARGET,
            how=f"{RUNS} runs of {SYMBOLS} symbols, {_SHOWN_ORDERS} orders in each evidence, times ten",
            unit="s",
        )
    ]


def replayed(path: Path, rules: RuleSet) -> int:
    """Replay the whole history by these rules, and return how many runs were decided again."""
    with Store(f"sqlite:///{path}") as store:
        counts = [result.run_count for result in replay(store, "default", rules)]
    return counts[-1]


def history(folder: Path, runs: int, symbols: int) -> Path:
    """Return a store of so many runs by the breaker, made if it is not there; most symbols trade steadily."""
    path = folder / f"breakers-{symbols}x{runs}-{needed_version()}.db"
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with Store(f"sqlite:///{unfinished}") as store:
        store.set_up()
        for slot, result in _results(runs, symbols):
            store.publish(write(store, leases.acquire_lease, "default", slot, "benchmark:1", _STEP), result)
    unfinished.rename(path)
    return path


def _results(runs: int, symbols: int) -> Iterator[tuple[datetime, RunResult]]:
    generator = random.Random(7)
    names = [f"S{index:04}" for index in range(symbols)]
    states: dict[str, State | None] = dict.fromkeys(names)
    for number in range(runs):
        slot = FIRST_SLOT + number * _STEP
        pool_outage = _outage(generator, slot, "S0000")
        judgements = []
        for name in names:
            streaks = Streaks(
                as_of=slot, own=_streak(generator), own_outage=_outage(generator, slot, name), pool_outage=pool_outage
            )
            judgement = _LIVE.decide_with_state(replace(evidence(generator, name), streaks=streaks), states[name])
            states[name] = judgement.after
            judgements.append(judgement)
        yield (
            slot,
            RunResult(
                origin=Origin.SCHEDULE,
                rule_set=_LIVE,
                engine="duckdb",
                code_version="0",
                started_at=slot,
                event_count=symbols,
                sources="{}",
                decisions=tuple((judgement.evidence, judgement.decision) for judgement in judgements),
                rejects=(),
                judgements=tuple(judgements),
            ),
        )


def _streak(generator: random.Random) -> Streak:
    start_count = generator.randrange(40, 400)
    return Streak(
        miss_streak=generator.randrange(4), start_count=start_count, miss_count=generator.randrange(start_count // 4)
    )


def _outage(generator: random.Random, slot: datetime, symbol: str) -> OutageEvidence:
    """Draw evidence that never repeats; one of five symbols has a sum above 0, and so its newest orders."""
    if generator.random() < 0.8:
        return OutageEvidence(sum_before=round(-9 * generator.random(), 9), order_count=generator.randrange(400))
    orders = tuple(
        WeighedOrder(
            symbol=symbol,
            order_id=f"order-{generator.randrange(10**9)}",
            ended_at=slot - timedelta(minutes=back, seconds=generator.randrange(60)),
            went_through=generator.choice([True, False, None]),
            is_filled=generator.random() < 0.5,
            so_far=FillCount(order_count=400, fill_count=300),
        )
        for back in range(_SHOWN_ORDERS, 0, -1)
    )
    return OutageEvidence(sum_before=round(3 * generator.random(), 9), newest_orders=orders, order_count=400)
