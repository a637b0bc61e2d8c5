"""The console over 10 million rows of 1,000 symbols: its pages, one policy 200 times a second, and 50 open pages.

Servers run in processes of their own, each with one worker, as `router-policy web` does.
"""

import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import psutil
import uvicorn
from fastapi import FastAPI

from benchmarks import ours
from benchmarks.data import AS_OF, Data
from benchmarks.figure import Figure, alternate, ratio, seconds_of
from benchmarks.history import FIRST_SLOT, STEP, grown
from console.web.app import create_app
from jobs.analysis.health import WatchedScope
from jobs.plan import OrdersKind
from jobs.run.lease_owner import owner
from jobs.run.worker import RunTask, compute_slot
from jobs.slots import Slots
from storage.records import Origin
from storage.store import Store
from storage.write import leases
from tests.support.store_calls import write

RUNS, SYMBOLS = 10_000, 1_000
CALLS = 50
RATE = 200
LOAD_SECONDS = 20.0
CONNECTIONS = 8
PAGES, PAGE_SECONDS = 50, 2.0
REPETITIONS = 7
_SYMBOL = "S0007"
_LAST_SLOT = FIRST_SLOT + (RUNS - 1) * STEP
_MONTH = f"/v1/policies/{_SYMBOL}/series?since={_LAST_SLOT - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
_LATEST = f"/v1/policies/{_SYMBOL}"
_CONSTANT = "/constant"
Address = tuple[str, int]


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Request the same from the console and from a bare route, in turn; the database is kept beside the other data."""
    path = grown(data.orders.parent, RUNS, SYMBOLS)
    with _process("serve", path) as console, _process("serve_constant", path) as bare:
        pages = [_page(console), _month(console)]
        under_load = _under_load(console, bare)
    return [*pages, *under_load, _watched_run(data, repetitions)]


def serve(path: Path) -> None:
    """Serve the console over a database until killed, a minute after its last slot."""
    _serve_store(path, f"*/{STEP.seconds // 60} * * * *", "default", _LAST_SLOT + timedelta(minutes=1))


def serve_runs(path: Path) -> None:
    """Serve the console over the store of `_watched_run` until killed."""
    _serve_store(path, "* * * * *", "benchmark", AS_OF + timedelta(hours=1))


def serve_constant(path: Path) -> None:  # noqa: ARG001 - it reads nothing
    """Serve one route that returns a constant, until killed."""
    app = FastAPI()

    @app.get(_CONSTANT)
    def constant() -> dict[str, str]:
        return {"symbol": _SYMBOL}

    _serve(app)


def _serve_store(path: Path, cron: str, scope: str, now: datetime) -> None:
    with Store(f"sqlite:///{path}") as store:
        _serve(create_app(WatchedScope(store=store, scope=scope, slots=Slots(cron)), now=lambda: now))


def _serve(app: FastAPI) -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    Thread(target=_print_port, args=(server,), daemon=True).start()
    server.run()


def _print_port(server: uvicorn.Server) -> None:
    while not server.started:
        time.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)


@contextmanager
def _process(function: str, *arguments: object) -> Iterator[tuple[Address, int]]:
    """Run a function of this file in a process until the block ends; yield its address and its process id."""
    given = ", ".join(repr(str(argument)) for argument in arguments)
    program = f"from benchmarks.console import {function}; {function}({given})"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ("127.0.0.1", int(process.stdout.readline())), process.pid
        finally:
            process.kill()


def _get(connection: http.client.HTTPConnection, path: str, tag: str = "") -> http.client.HTTPResponse:
    connection.request("GET", path, headers={"If-None-Match": tag} if tag else {})
    response = connection.getresponse()
    response.read()
    assert response.status in {200, 304}, (path, response.status)
    return response


def _milliseconds(connection: http.client.HTTPConnection, *paths: str) -> float:
    start = time.perf_counter()
    for path in paths:
        _get(connection, path)
    return (time.perf_counter() - start) * 1e3


def _latency(console: tuple[Address, int], name: str, target: float, how: str, *paths: str) -> Figure:
    connection = http.client.HTTPConnection(*console[0])
    first = _milliseconds(connection, *paths)
    taken = [_milliseconds(connection, *paths) for _ in range(CALLS)]
    connection.close()
    return Figure(
        name=name,
        value=statistics.median(taken),
        lowest=min(taken),
        highest=max(taken),
        target=target,
        how=f"{how}; 1,000 symbols, 10 million rows, {CALLS} calls one after the other, the first before them "
        f"{first:.0f} ms; spread: all",
        unit="ms",
    )


def _page(console: tuple[Address, int]) -> Figure:
    how = "the whole page, whose table is made once for each run"
    return _latency(console, "the overview's HTML", 150, how, "/")


def _month(console: tuple[Address, int]) -> Figure:
    how = "a symbol's page and then the figures of its pictures, 30 days of 5 minutes"
    return _latency(console, "a symbol's month", 300, how, f"/symbols/{_SYMBOL}", _MONTH)


def _under_load(console: tuple[Address, int], bare: tuple[Address, int]) -> list[Figure]:
    server = psutil.Process(console[1])
    _at_rate(console[0], _LATEST, LOAD_SECONDS / 4)
    before = server.memory_info().rss
    taken = _at_rate(console[0], _LATEST, LOAD_SECONDS)
    after = server.memory_info().rss
    constant = _at_rate(bare[0], _CONSTANT, LOAD_SECONDS)
    our_p99_ms, their_p99_ms = _percentile_99(taken), _percentile_99(constant)
    how = (
        f"{len(taken):,} requests for {_LATEST}, each sent when it is due whatever happened to those before, by "
        f"{CONNECTIONS} connections; a bare FastAPI route that returns a constant: {their_p99_ms:.3g} ms, "
        f"medians {statistics.median(taken):.3g} and {statistics.median(constant):.3g} ms; spread: all"
    )
    return [
        Figure(
            name=f"one policy, {RATE} requests a second, 99th percentile",
            value=our_p99_ms,
            lowest=min(taken),
            highest=max(taken),
            target=25,
            how=how,
            unit="ms",
        ),
        Figure(
            name="memory after those requests / before",
            value=after / before,
            lowest=after / before,
            highest=after / before,
            target=1.05,
            how=f"the server's resident set, {after / 1e6:.0f} MB, against that after {LOAD_SECONDS / 4:g} s",
        ),
        _most_requests(console[0], bare[0]),
    ]


def _at_rate(address: Address, path: str, seconds: float) -> list[float]:
    """Send requests at the rate for so long; return how long each response took after its request was due."""
    begin = time.perf_counter() + 0.1
    count = int(RATE * seconds)

    def send(first: int) -> list[float]:
        connection = http.client.HTTPConnection(*address)
        taken = []
        for number in range(first, count, CONNECTIONS):
            due = begin + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            _get(connection, path)
            taken.append((time.perf_counter() - due) * 1e3)
        connection.close()
        return taken

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [taken for part in pool.map(send, range(CONNECTIONS)) for taken in part]


def _percentile_99(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


def _most_requests(console: Address, bare: Address) -> Figure:
    """Send requests as fast as one connection can, to the bare route in turn."""
    rates: dict[str, list[float]] = {_LATEST: [], _CONSTANT: []}
    connections = {_LATEST: http.client.HTTPConnection(*console), _CONSTANT: http.client.HTTPConnection(*bare)}
    for path, connection in list(connections.items()) * 10:
        rates[path].append(RATE / seconds_of(partial(_send_many, connection, path)))
    our_rates = rates[_LATEST]
    return Figure(
        name="one policy, as fast as one connection can",
        value=statistics.median(our_rates),
        lowest=min(our_rates),
        highest=max(our_rates),
        target=RATE,
        how=f"10 times {RATE} requests, in turn with the bare route, which serves "
        f"{statistics.median(rates[_CONSTANT]):.0f} a second; spread: all",
        unit="a second",
        at_least=True,
    )


def _send_many(connection: http.client.HTTPConnection, path: str) -> None:
    for _ in range(RATE):
        _get(connection, path)


def _watched_run(data: Data, repetitions: int) -> Figure:
    """Compute and publish runs in a store that a console shows, with and without open pages."""
    with TemporaryDirectory(prefix="router-policy-benchmark-") as folder:
        path = Path(folder) / "store.db"
        with Store(f"sqlite:///{path}") as store:
            store.set_up()
            slots = iter(range(2 * repetitions + 2))
            with _process("serve_runs", path) as ((_, port), _number):
                alone = partial(_run, store, data, slots)
                ways = {"watched": partial(_watched, port, alone), "alone": alone}
                seconds = alternate(ways, repetitions)
    how = f"10 million outcomes to a committed run of a store that {PAGES} pages show, each with a request every 2 s"
    return ratio(f"a run with {PAGES} open pages / without", seconds, "watched", "alone", 1.1, how)


def _run(store: Store, data: Data, slots: Iterator[int]) -> float:
    plan = ours.plan(data.orders, OrdersKind.CANONICAL, data)
    slot = AS_OF + next(slots) * timedelta(minutes=1)
    claim = write(store, leases.acquire_lease, plan.scope, slot, owner(), timedelta(minutes=10))
    task = RunTask(plan=plan, store_url=str(store.url), lease=claim, origin=Origin.MANUAL)
    return seconds_of(partial(compute_slot, task, store))


def _watched(port: int, run: Callable[[], float]) -> float:
    with _process("keep_open", port):
        return run()


def keep_open(port: str) -> None:
    """Request like open pages do, one connection each, until killed; print the port once all are open."""
    opened = Barrier(PAGES + 1)
    threads = [Thread(target=_open_page, args=(int(port), number, opened), daemon=True) for number in range(PAGES)]
    for thread in threads:
        thread.start()
    opened.wait()
    print(port, flush=True)
    threads[0].join()


def _open_page(port: int, number: int, opened: Barrier) -> None:
    time.sleep(number * PAGE_SECONDS / PAGES)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    tag = _get(connection, "/overview").headers["ETag"]
    opened.wait()
    time.sleep(number * PAGE_SECONDS / PAGES)
    while True:
        tag = _get(connection, "/overview", tag).headers["ETag"]
        time.sleep(PAGE_SECONDS)
