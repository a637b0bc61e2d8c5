"""The router's side: reading a policy in memory against a plain dict, and the delay until a new run is seen.

    python -m benchmarks.policy_reader --minutes 10

reads for this time while runs are published, and prints the growth of the allocated memory.
"""

import argparse
import gc
import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

from benchmarks.data import Data
from benchmarks.figure import HEADER, Figure
from router_policy_client import PolicyReader
from storage.database.engine import sqlite_driver
from storage.store import Store
from tests.support.postgres import fresh_database, postgres_server, short_folder
from tests.support.runs import QUARTER, SLOT, evidence, publish

SYMBOLS = [f"S{index:04}" for index in range(1000)]
ROUNDS = 200
PUBLISHED_MEANWHILE = 10
SLOW_READS = 2000
PUBLICATIONS = 50
GROWTH_SECONDS = 20.0
_ALWAYS_FRESH_SECONDS = 1e10  # the slots of the runs are in the past
_QUERY = "select * from policy_latest where scope = 'default' and symbol = ?"
Nanoseconds = Sequence[int]


def figures(data: Data, repetitions: int = ROUNDS) -> list[Figure]:  # noqa: ARG001 - it reads stores of its own
    """Read every symbol beside a dict, and single symbols by the alternatives of a router."""
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder, _published(folder) as (url, reader):
        return [
            *_in_memory(reader, repetitions),
            *_alternatives(reader, Path(folder) / "policy.db", url),
            growth(reader, GROWTH_SECONDS),
            *_visible(),
        ]


@contextmanager
def _published(folder: str) -> Iterator[tuple[str, PolicyReader]]:
    """Yield a store in which another process publishes run after run of 1,000 symbols, and a reader of it."""
    url = f"sqlite:///{folder}/policy.db"
    with Store(url) as store:
        store.set_up()
    program = f"from benchmarks.policy_reader import publish_for_ever; publish_for_ever({url!r})"
    publisher = subprocess.Popen([sys.executable, "-c", program])
    try:
        with PolicyReader(url, interval_seconds=_ALWAYS_FRESH_SECONDS) as reader:
            while reader.status.change_count < 2:
                time.sleep(0.01)
            yield url, reader
    finally:
        publisher.kill()
        publisher.wait()


def publish_for_ever(url: str) -> None:
    """Publish until killed."""
    with Store(url) as store:
        for number in count():
            _publish(store, number)


def _publish(store: Store, number: int) -> int:
    """Publish a run of all symbols that changes every policy; return its number."""
    fallback = 0.1 if number % 2 else 0.95
    evidences = [evidence(symbol, fallback=fallback) for symbol in SYMBOLS]
    return publish(store, SLOT + number * QUARTER, *evidences).run_id


def _in_memory(reader: PolicyReader, rounds: int) -> list[Figure]:
    before = reader.status.change_count
    plain, ours, loops = _calls(reader, rounds)
    changes = reader.status.change_count - before
    how = (
        f"{len(ours):,} calls of each in turn over 1,000 symbols, each timed alone, the timer's own time in both; "
        f"{changes} runs published meanwhile"
    )
    median = statistics.median(ours)
    low, _, high = statistics.quantiles(ours, n=4)
    percentile_99 = statistics.quantiles(ours, n=100)[98]
    ratios = [each / statistics.median(plain) for each in (median, low, high)]
    in_loop = f"medians {median:.0f} and {statistics.median(plain):.0f} ns; in a loop, untimed, {loops}"
    return [
        Figure(
            name="reader.get / a dict's lookup",
            value=ratios[0],
            lowest=ratios[1],
            highest=ratios[2],
            target=3,
            how=f"{how}; {in_loop}; spread: quartiles",
        ),
        Figure(
            name="reader.get", value=median / 1e3, lowest=low / 1e3, highest=high / 1e3, target=1, how=how, unit="us"
        ),
        Figure(
            name="reader.get, 99th percentile",
            value=percentile_99 / 1e3,
            lowest=min(ours) / 1e3,
            highest=max(ours) / 1e3,
            target=5,
            how=f"{how}; spread: all",
            unit="us",
        ),
    ]


def _calls(reader: PolicyReader, rounds: int) -> tuple[Nanoseconds, Nanoseconds, str]:
    """Read `rounds` times, and on until some runs were published meanwhile, so that their cost is included."""
    readings, until = reader.readings(), reader.status.change_count + PUBLISHED_MEANWHILE
    plain: list[int] = []
    ours: list[int] = []
    in_loop: list[tuple[float, float]] = []
    for number in count():
        if number >= rounds and reader.status.change_count >= until:
            break
        plain += _timed_alone(readings.__getitem__)
        ours += _timed_alone(reader.get)
        in_loop.append((_timed_together(readings.__getitem__), _timed_together(reader.get)))
    by_dict, by_reader = (statistics.median(each) for each in zip(*in_loop, strict=True))
    return plain, ours, f"{by_reader:.0f} and {by_dict:.0f} ns"


def _timed_alone(read: Callable[[str], object]) -> list[int]:
    taken = []
    for symbol in SYMBOLS:
        start = time.perf_counter_ns()
        read(symbol)
        taken.append(time.perf_counter_ns() - start)
    return taken


def _timed_together(read: Callable[[str], object]) -> float:
    start = time.perf_counter_ns()
    for symbol in SYMBOLS:
        read(symbol)
    return (time.perf_counter_ns() - start) / len(SYMBOLS)


def _alternatives(reader: PolicyReader, path: Path, url: str) -> Iterator[Figure]:
    """Read single rows as a router without a reader would, in turn with the reader."""
    bare = sqlite_driver().connect(f"file:{path}?mode=ro", uri=True)
    engine = create_engine(url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true", module=sqlite_driver())
    query = text(_QUERY.replace("?", ":symbol"))

    def by_sqlalchemy(symbol: str) -> object:
        with engine.connect() as connection:
            return connection.execute(query, {"symbol": symbol}).one()

    ways: dict[str, Callable[[str], object]] = {
        "bare sqlite3": lambda symbol: bare.execute(_QUERY, (symbol,)).fetchone(),
        "SQLAlchemy, a connection from its pool": by_sqlalchemy,
    }
    with _feast(reader) as by_feast:
        if by_feast is not None:
            ways["Feast's online store on SQLite"] = by_feast
        for name, way in ways.items():
            yield _times_as_long(name, way, reader)
    engine.dispose()
    bare.close()


def _times_as_long(name: str, way: Callable[[str], object], reader: PolicyReader) -> Figure:
    ours: list[int] = []
    theirs: list[int] = []
    for symbol in islice(cycle(SYMBOLS), SLOW_READS):
        for read, taken in ((reader.get, ours), (way, theirs)):
            start = time.perf_counter_ns()
            read(symbol)
            taken.append(time.perf_counter_ns() - start)
    median = statistics.median(ours)
    low, middle, high = (quartile / median for quartile in statistics.quantiles(theirs, n=4))
    how = (
        f"one symbol's row from the same store, {SLOW_READS} times in turn, each symbol so rarely that the reader "
        f"checks its age again; medians {middle * median / 1e3:.3g} and {median / 1e3:.3g} us; spread: quartiles"
    )
    return Figure(name=f"{name} / reader.get", value=middle, lowest=low, highest=high, target=1, how=how, at_least=True)


@contextmanager
def _feast(reader: PolicyReader) -> Iterator[Callable[[str], object] | None]:
    if importlib.util.find_spec("feast") is None:
        yield None
        return
    from benchmarks.feast_store import online_store

    with online_store(reader.readings()) as read:
        yield read


def growth(reader: PolicyReader, seconds: float) -> Figure:
    """Read every symbol again and again for `seconds`, and compare the allocated memory blocks with those at first."""
    blocks: list[int] = []
    reads = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds or len(blocks) < 10:
        for symbol in SYMBOLS:
            reader.get(symbol)
        reads += len(SYMBOLS)
        if passed > seconds * len(blocks) / 10:
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    settled = min(blocks[1:4])  # the least: while a run is read, its rows exist twice
    return Figure(
        name="memory after reading / before",
        value=min(blocks[-3:]) / settled,
        lowest=min(blocks) / settled,
        highest=max(blocks) / settled,
        target=1.02,
        how=f"blocks allocated, least of the last and of the first three of 10 samples in {seconds:g} s, "
        f"{reads:,} reads and {reader.status.change_count} published runs; spread: all",
    )


def _visible() -> Iterator[Figure]:
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        yield _seen_after("SQLite", f"sqlite:///{folder}/policy.db")
    with postgres_server(short_folder()) as server, fresh_database(server) as url:
        yield _seen_after("Postgres", url)


def _seen_after(database: str, url: str) -> Figure:
    """Publish runs of 1,000 symbols, and wait until the reader has each."""
    taken = []
    with Store(url) as store, PolicyReader(url, interval_seconds=_ALWAYS_FRESH_SECONDS) as reader:
        store.set_up()
        for number in range(PUBLICATIONS):
            run = _publish(store, number)
            start = time.perf_counter()
            while reader.get(SYMBOLS[0]).run_id != run:
                time.sleep(0.0005)
            taken.append((time.perf_counter() - start) * 1e3)
    return Figure(
        name=f"a published run is seen, {database}",
        value=statistics.median(taken),
        lowest=min(taken),
        highest=max(taken),
        target=100,
        how=f"{PUBLICATIONS} runs of 1,000 symbols, from the return of the commit to the reading",
        unit="ms",
    )


def main() -> None:
    """Print the growth of the memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policy_reader", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="how long to read")
    minutes: float = parser.parse_args().minutes
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder, _published(folder) as (_, reader):
        print(f"{HEADER}\n{growth(reader, minutes * 60).row()}")


if __name__ == "__main__":
    main()
