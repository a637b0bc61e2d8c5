"""The history: reading the latest row as it grows to 10 million rows, and verifying a million rows."""

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.data import Data
from benchmarks.figure import Figure
from policy import Effectiveness, Evidence, Expectancy, Volatility
from policy.rules import rule_set
from storage.database.engine import sqlite_driver
from storage.records import Origin, RunResult
from storage.schema.upgrade import needed_version
from storage.store import Store
from storage.write import leases
from tests.support.store_calls import write

SYMBOLS = 500
FIRST_SLOT = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
READS = 4000
RUNS_AT_ONCE = 500
OURS, BARE = "policy_latest", "ideal"
ReadTimes = dict[str, list[int]]
RULES = rule_set("seed", {"max_bar_age_seconds": 3600.0})


def figures(data: Data, repetitions: int = 1) -> list[Figure]:  # noqa: ARG001 - each is a median of thousands of reads
    """Read from 1 and from 10 million rows, and verify; the databases are kept beside the other data."""
    folder = data.orders.parent
    for line in plans(folder):
        print(line, file=sys.stderr)
    at_a_million, at_ten_million = _read_times([grown(folder, 2_000), grown(folder, 20_000)])
    return [
        _latest("1 million rows", at_a_million),
        _latest("10 million rows", at_ten_million),
        Figure(
            name="one symbol's latest row: 10 million rows / 1 million",
            value=_median(at_ten_million, OURS) / _median(at_a_million, OURS),
            lowest=_quartile(at_ten_million, OURS, 0) / _quartile(at_a_million, OURS, 0),
            highest=_quartile(at_ten_million, OURS, 2) / _quartile(at_a_million, OURS, 2),
            target=1.2,
            how="the medians of the two rows above, read in turn; spread: their quartiles",
        ),
        *_verified(folder),
    ]


def plans(folder: Path) -> Iterator[str]:
    """Yield the query plans of SQLite for one symbol of each public view."""
    connection = sqlite_driver().connect(f"file:{grown(folder, 2_000)}?mode=ro", uri=True)
    for view in ("policy_latest", "policy_history", "policy_change", "policy_gap"):
        condition = "scope = 'default'" + ("" if view == "policy_gap" else " and symbol = 'S0007'")
        yield f"{view}:"
        for row in connection.execute(f"explain query plan select * from {view} where {condition}"):
            yield f"    {row[3]}"
    connection.close()


def evidence(generator: random.Random, symbol: str) -> Evidence:
    """Draw evidence that never repeats, so that nothing can be cached from row to row."""
    return Evidence(
        symbol=symbol,
        effectiveness=Effectiveness(
            maker_fill_ratio=round(generator.random(), 9),
            fallback_ratio=round(generator.random(), 9),
            slip_q25=-1.5,
            slip_q50=round(generator.random() * 10, 9),
            slip_q75=round(generator.random() * 20, 9),
            outcome_count=generator.randrange(500),
            maker_started_count=generator.randrange(400),
            slippage_count=generator.randrange(400),
        ),
        volatility=Volatility(
            atr_short_pct=round(generator.random(), 9),
            atr_long_pct=round(generator.random(), 9),
            atr_ratio=round(generator.random() * 3, 9),
            bar_count=500,
            bar_age_seconds=300.0,
        ),
        expectancy=Expectancy(expectancy=round(generator.random() - 0.5, 9), expectancy_count=generator.randrange(40)),
    )


def publish(store: Store, runs: int, symbols: int) -> None:
    """Publish runs through the store, as the schedule does."""
    generator = random.Random(7)
    for number in range(runs):
        slot = FIRST_SLOT + number * STEP
        evidences = [evidence(generator, f"S{index:04}") for index in range(symbols)]
        result = RunResult(
            origin=Origin.SCHEDULE,
            rule_set=RULES,
            engine="duckdb",
            code_version="0",
            started_at=slot,
            event_count=symbols,
            sources="{}",
            decisions=tuple((each, RULES.decide(each)) for each in evidences),
            rejects=(),
        )
        store.publish(write(store, leases.acquire_lease, "default", slot, "benchmark:1", STEP), result)


def grown(folder: Path, runs: int, symbols: int = SYMBOLS) -> Path:
    """Make a database of `runs` runs of `symbols` symbols: two are published, the others are copied from them by SQL.

    The digests of the copies do not verify; reading does not check them.
    """
    path = folder / f"history-{symbols}x{runs}-{needed_version()}.db"
    if path.exists():
        return path
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with Store(f"sqlite:///{unfinished}") as store:
        store.set_up()
        publish(store, 2, symbols)
    connection = sqlite_driver().connect(str(unfinished))
    connection.execute("pragma synchronous = off")
    connection.execute("pragma journal_mode = off")
    for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {trigger}")
    _copy_runs(connection, runs)
    connection.execute("create table ideal as select * from policy_latest")
    connection.execute("create unique index ideal_key on ideal (scope, symbol)")
    connection.commit()
    connection.execute("analyze")
    connection.close()
    unfinished.rename(path)
    return path


def _copy_runs(connection: Any, runs: int) -> None:
    """Copy in batches, so that no transaction grows with the history."""
    minutes = STEP.total_seconds() / 60
    changed = {
        "run_id": "n + 1",
        "slot": f"datetime('{FIRST_SLOT:%Y-%m-%d %H:%M:%S}', '+' || (n * {minutes:g}) || ' minutes')",
        "digest": "'d' || n",
        "previous_digest": "'p' || n",
    }
    for first in range(2, runs, RUNS_AT_ONCE):
        after = min(runs, first + RUNS_AT_ONCE)
        numbers = (
            f"with recursive number(n) as (select {first} union all select n + 1 from number where n + 1 < {after})"
        )
        for table in ("policy_run", "policy_snapshot"):
            names = [row[1] for row in connection.execute(f"pragma table_info({table})")]
            items = ", ".join(changed.get(name, f"o.{name}") for name in names)
            connection.execute(
                f"insert into {table} {numbers} select {items} from number join {table} as o on o.run_id = 1"
            )
        connection.commit()


def _read_times(paths: Sequence[Path]) -> list[ReadTimes]:
    """Read one symbol's latest row by the view and from an ideal table by its key, in turn, from each database."""
    connections = [sqlite_driver().connect(f"file:{path}?mode=ro", uri=True) for path in paths]
    times: list[ReadTimes] = [{OURS: [], BARE: []} for _ in paths]
    for number in range(READS):
        symbol = f"S{number * 7 % SYMBOLS:04}"
        for connection, taken in zip(connections, times, strict=True):
            for table in (OURS, BARE):
                start = time.perf_counter_ns()
                connection.execute(
                    f"select * from {table} where scope = 'default' and symbol = ?", (symbol,)
                ).fetchone()
                taken[table].append(time.perf_counter_ns() - start)
    for connection in connections:
        connection.close()
    return times


def _median(times: ReadTimes, table: str) -> float:
    return statistics.median(times[table])


def _quartile(times: ReadTimes, table: str, which: int) -> float:
    return statistics.quantiles(times[table], n=4)[which]


def _latest(rows: str, times: ReadTimes) -> Figure:
    return Figure(
        name=f"one symbol's latest row, {rows} / an ideal table by its key",
        value=_median(times, OURS) / _median(times, BARE),
        lowest=_quartile(times, OURS, 0) / _quartile(times, BARE, 0),
        highest=_quartile(times, OURS, 2) / _quartile(times, BARE, 2),
        target=1.5,
        how=f"bare sqlite3, {READS} reads of each in turn, medians {_median(times, OURS) / 1e3:.3g} and "
        f"{_median(times, BARE) / 1e3:.3g} us; spread: quartiles",
    )


def _verified(folder: Path) -> Iterator[Figure]:
    path = folder / f"verified-{needed_version()}.db"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with Store(f"sqlite:///{unfinished}") as store:
            store.set_up()
            publish(store, 1000, 1000)
        unfinished.rename(path)
    for runs, repetitions in ((100, 5), (1000, 1)):
        verified = [_verifying(f"verify_in_process({str(path)!r}, {runs})") for _ in range(repetitions)]
        what = f"verify, {verified[0][0]:,.0f} snapshots"
        how = "each decision derived, by the processor time of one process"
        yield _rate(what, [rate for _, rate, _ in verified], 100_000, how)
        memory = max(memory for *_, memory in verified)
        how = "its largest resident set"
        yield Figure(name=what, value=memory, lowest=memory, highest=memory, target=150, how=how, unit="MB")
    rates = [_verifying(f"verify_by_two({str(path)!r})")[1] for _ in range(5)]
    how = "the whole store to its head, by the clock of a machine that does nothing else"
    yield _rate("verify with two processes, 1 million snapshots", rates, 180_000, how)


def _rate(name: str, rates: Sequence[float], target: float, how: str) -> Figure:
    return Figure(
        name=name,
        value=statistics.median(rates),
        lowest=min(rates),
        highest=max(rates),
        target=target,
        how=how,
        unit="a second",
        at_least=True,
    )


def _verifying(call: str) -> tuple[float, float, float]:
    """Call a function of this module in a process of its own; return the three figures that it prints."""
    program = f"from benchmarks import history; history.{call}"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    snapshots, rate, memory = map(float, output.split())
    return snapshots, rate, memory


def verify_by_two(path: str) -> None:
    """Verify a whole store with two processes; print what `verify_in_process` prints, with the rate by the clock."""
    start = time.perf_counter()
    with Store(f"sqlite:///{path}") as store:
        *_, last = store.verify(processes=2)
    rate = last.snapshot_count / (time.perf_counter() - start)
    print(last.snapshot_count, rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def verify_in_process(path: str, runs: int) -> None:
    """Verify the first runs of a store; print how many snapshots, how many a second of this core, and peak memory."""
    start = time.process_time()
    with Store(f"sqlite:///{path}") as store:
        for last in store.verify():
            if last.run_count >= runs:
                break
    rate = last.snapshot_count / (time.process_time() - start)
    print(last.snapshot_count, rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
