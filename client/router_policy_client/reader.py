"""The reader: every symbol's policy in memory, refreshed off the hot path."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event, RLock
from time import monotonic, time
from types import TracebackType
from typing import Self
from weakref import WeakSet

from router_policy_client.cached_policy import missing, reading
from router_policy_client.database import describe, latest, make_engine, parse_url
from router_policy_client.errors import ReaderSettingsError
from router_policy_client.limits import Fallbacks, Limits, require_numbers
from router_policy_client.policy import Reading
from router_policy_client.policy_cache import LEASE_SECONDS, PolicyCache
from router_policy_client.postgres_source import PostgresSource
from router_policy_client.reader_status import ReaderStatus
from router_policy_client.rows import Row
from router_policy_client.sqlite_source import SqliteSource
from router_policy_client.symbols import Symbols
from router_policy_client.timeouts import with_timeouts
from router_policy_client.watcher import Source, Watcher

_AGE_RESOLUTION_SECONDS = 1.0
_AGE_RESOLUTION = 0.001
_CLOSE_SECONDS = 5.0
_FORK_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 3600.0


class PolicyReader:
    """Keeps the policies of one scope of a store in memory, refreshed by a daemon thread until it is closed.

    `url` is the store's SQLAlchemy URL; the database need not exist yet. A policy is stale once its slot is older than
    `stale_after_intervals` times `interval_seconds` (the time between two runs), and expired after
    `expired_after_intervals`; then `fallbacks` apply. A slot up to `clock_tolerance_seconds` in the future counts as
    now.

    `last_known_path` names the file that saves the policies for a process that starts while the store is unreachable.
    `poll_seconds` is the interval between two polls of the thread: 0.05 by default on SQLite, where a poll reads one
    number, and 5 on Postgres, which sends notifications. With `watch=False` there is no thread, and only `refresh`
    reads. The constructor waits for the first read, at most `first_read_seconds`.

    `now` returns an aware time and replaces the system's clocks, for simulations. `symbols` is how the bot's own names
    of markets are spelt in policies; by default they are the same.

    Raises ReaderSettingsError for invalid settings; nothing that a database does raises. In a forked child the reader
    continues with a thread and connections of its own. Threads may share a reader.
    """

    def __init__(
        self,
        url: str,
        *,
        scope: str = "default",
        interval_seconds: float = 900.0,
        stale_after_intervals: float = 2.0,
        expired_after_intervals: float = 8.0,
        clock_tolerance_seconds: float = 5.0,
        fallbacks: Fallbacks | None = None,
        last_known_path: str | os.PathLike[str] | None = None,
        poll_seconds: float | None = None,
        first_read_seconds: float = 1.0,
        watch: bool = True,
        now: Callable[[], datetime] | None = None,
        symbols: Symbols | None = None,
    ) -> None:
        self._limits = Limits.of_intervals(
            interval_seconds,
            stale_after=stale_after_intervals,
            expired_after=expired_after_intervals,
            clock_tolerance_seconds=clock_tolerance_seconds,
        )
        _check_waits(poll_seconds, first_read_seconds)
        if not isinstance(fallbacks, Fallbacks | None):
            raise ReaderSettingsError(f"fallbacks must be a Fallbacks(...), was {fallbacks!r}")
        if not isinstance(symbols, Symbols | None):
            raise ReaderSettingsError(f"symbols must be a Symbols(...), was {symbols!r}")
        self._fallbacks, self._symbols = fallbacks or Fallbacks(), symbols or Symbols()
        self._url, self._scope, self._poll_seconds, self._watch = parse_url(url), scope, poll_seconds, watch
        self._wall, self._elapsed = (time, monotonic) if now is None else (_seconds(now),) * 2
        reuse = min(_AGE_RESOLUTION_SECONDS, _AGE_RESOLUTION * self._limits.stale_seconds)
        self._reuse_seconds = reuse if now is None else 0.0
        self._readings: dict[str, tuple[float, float, float, Reading]] = {}
        path = Path(last_known_path).absolute() if last_known_path is not None else None
        lease = LEASE_SECONDS if now is None else 0.0
        self._cache = PolicyCache(self._url, scope, path, self._wall, self._elapsed, self._forget_readings, lease)
        self._cache.load_last_known()
        self._engine, self._stop = make_engine(self._url), Event()
        self._watcher: Watcher | None = None
        self._source: Source | None = None
        self._lock = RLock()
        _open_readers.add(self)
        self._start(first_read_seconds)

    def get(self, symbol: str) -> Reading:
        """Return what to act on for a symbol now, in the bot's spelling. Never raises and never waits.

        It reads memory only.

        The status is exact. The age may be too small by up to one second or a thousandth of the stale limit, whichever
        is less; with a `now` of the caller's own it is exact.
        """
        try:
            since, until, elapsed_until, cached_reading = self._readings[symbol]
            if since <= time() < until and monotonic() < elapsed_until:
                return cached_reading
        except Exception:  # noqa: BLE001 - mostly a missing key, or one that cannot be hashed
            return self._read(symbol)
        return self._read(symbol)

    def readings(self) -> dict[str, Reading]:
        """Return what to act on for every known symbol; all come from one read of the store."""
        policies, wall, elapsed = self._cache.policies, self._wall(), self._elapsed()
        return {
            symbol: reading(cached, self._limits, self._fallbacks, wall, elapsed)[0]
            for symbol, cached in policies.items()
        }

    def refresh(self) -> bool:
        """Read the store at once, on a connection of its own; return whether that worked. Never raises.

        Waits for the database, a few seconds if it does not answer: not for the hot path.
        """
        return self._cache.refresh(self._read_once)

    async def changed(self, after: int | None = None) -> int:
        """Wait until a policy has changed; return the number of changes so far, for `after` in the next call.

        With `after` no change between two calls is missed. Ageing is not a change. Returns at once if the reader is
        closed.
        """
        return await self._cache.changes.wait(after)

    @property
    def status(self) -> ReaderStatus:
        """The reader's own counters and last error."""
        is_watching = self._watcher is not None and self._watcher.is_alive()
        is_listening = isinstance(self._source, PostgresSource) and self._source.is_listening
        return self._cache.status(is_watching=is_watching, is_listening=is_watching and is_listening)

    def close(self) -> None:
        """End the thread and close its connection. The cached policies can still be read, and age."""
        _open_readers.discard(self)
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(_CLOSE_SECONDS)
        self._cache.changes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PolicyReader({describe(self._url)!r}, scope={self._scope!r})"

    def _read(self, symbol: str) -> Reading:
        try:
            readings = self._readings  # before the policies: never an older policy into a newer mapping
            cached = self._cache.policies.get(self._symbols.of(symbol))
            if cached is None:
                return missing(symbol, self._fallbacks.missing, "no policy is known for this symbol")
            wall, elapsed = self._wall(), self._elapsed()
            current, valid_seconds = reading(cached, self._limits, self._fallbacks, wall, elapsed)
            if self._reuse_seconds:
                reuse = min(valid_seconds, self._reuse_seconds)
                readings[symbol] = (wall, wall + reuse, elapsed + reuse, current)
            return current
        except Exception as error:  # noqa: BLE001 - such as a clock of the caller's, or a symbol that is not a string
            return missing(symbol, self._fallbacks.missing, f"the policy lookup failed: {error}")

    def _forget_readings(self) -> None:
        self._readings = {}

    def _read_once(self) -> list[Row]:
        if self._url.get_backend_name() == "sqlite":
            with self._lock, self._engine.connect() as connection:
                return latest(connection, self._scope)
        with with_timeouts(), self._engine.connect() as connection:
            return latest(connection, self._scope)

    def _start(self, first_read_seconds: float) -> None:
        if not self._watch:
            return
        has_read = Event()

        def refresh(read: Callable[[], list[Row]]) -> bool:
            is_refreshed = self._cache.refresh(read)
            has_read.set()
            return is_refreshed

        self._source = self._make_source()
        self._watcher = Watcher(self._source, self._stop, refresh, self._cache.seconds_to_change)
        self._watcher.start()
        has_read.wait(first_read_seconds)

    def _make_source(self) -> Source:
        if self._url.get_backend_name() == "sqlite":
            file = Path(self._url.database or "")
            return SqliteSource(self._engine, file, self._scope, self._poll_seconds or 0.05, self._stop, self._lock)
        return PostgresSource(self._engine, self._scope, self._poll_seconds or 5.0, self._stop)

    def _hold(self) -> bool:
        """Close the SQLite connection and lock out new ones for a fork; return False if a read of the file hangs."""
        is_held = self._lock.acquire(timeout=_FORK_SECONDS)
        if is_held and isinstance(self._source, SqliteSource):
            with suppress(Exception):  # nothing that a database does may prevent a fork
                self._source.close()
        return is_held

    def _continue_in_child(self) -> None:
        # Referenced, not closed: closing a connection here would end it for the parent.
        self._of_parent = (self._engine, self._watcher, self._source)
        self._engine, self._stop, self._lock = make_engine(self._url), Event(), RLock()
        self._cache.continue_in_child()
        self._forget_readings()
        self._start(first_read_seconds=0)


def _seconds(now: Callable[[], datetime]) -> Callable[[], float]:
    first = now()
    if first.tzinfo is None:
        raise ReaderSettingsError(f"`now` must return an aware time, returned {first.isoformat()} without a time zone")
    return lambda: now().timestamp()


def _check_waits(poll_seconds: float | None, first_read_seconds: float) -> None:
    require_numbers(first_read_seconds=first_read_seconds)
    if poll_seconds is not None:
        require_numbers(poll_seconds=poll_seconds)
        if not 0 < poll_seconds <= _LONGEST_WAIT_SECONDS:
            raise ReaderSettingsError(f"poll_seconds must be more than 0 and at most an hour, was {poll_seconds}")
    if not 0 <= first_read_seconds <= _LONGEST_WAIT_SECONDS:
        raise ReaderSettingsError(f"first_read_seconds must be from 0 to an hour, was {first_read_seconds}")


_open_readers: WeakSet[PolicyReader] = WeakSet()
# One fork at a time; a fork by a signal handler within another finds every reader held already.
_forking = RLock()
_held: list[list[tuple[PolicyReader, bool]]] = []


def _hold_all() -> None:
    _forking.acquire()
    _held.append([(reader, reader._hold()) for reader in list(_open_readers)])


def _release_all_in_parent() -> None:
    for reader, is_held in _held.pop():
        if is_held:
            reader._lock.release()
    _forking.release()


def _continue_all_in_child() -> None:
    global _forking
    held, _forking = _held.pop(), RLock()
    _held.clear()
    for reader, _ in held:
        reader._continue_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_all, after_in_parent=_release_all_in_parent, after_in_child=_continue_all_in_child)
