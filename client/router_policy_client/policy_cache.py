"""The policies of a reader in memory, refreshed from the store or loaded from the last-known-good file."""

import logging
from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic

from sqlalchemy import URL

from router_policy_client import last_known
from router_policy_client.cached_policy import CachedPolicy, StoredPolicy, observe
from router_policy_client.change_notifier import ChangeNotifier
from router_policy_client.database import describe, error_message
from router_policy_client.reader_status import ReaderStatus
from router_policy_client.rows import Row, read_rows

_log = logging.getLogger("router_policy_client")
LEASE_SECONDS = 2.0  # an override that the store has just returned as in force lasts at least so long
_LEAD_SECONDS, _RETRY_SECONDS = 0.1, 0.1
_TURN_SECONDS = 5.0  # longer than any answer of a working database; a frozen server gives none


class PolicyCache:
    """Every symbol's policy as last read, in one mapping that is replaced, never changed.

    `wall` and `elapsed` are the clocks of the cached policies; `on_change` is called after each replacement. An
    override that the store has just returned as in force lasts for at least `lease_seconds` by these clocks. Reading
    `policies` needs no lock; refreshes take turns, so that older rows never replace newer ones.
    """

    def __init__(
        self,
        url: URL,
        scope: str,
        last_known_path: Path | None,
        wall: Callable[[], float],
        elapsed: Callable[[], float],
        on_change: Callable[[], None],
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.policies: Mapping[str, CachedPolicy] = {}
        self.changes = ChangeNotifier()
        self._url, self._scope, self._path = url, scope, last_known_path
        self._wall, self._elapsed, self._on_change = wall, elapsed, on_change
        self._lease_seconds = lease_seconds
        self._turn = Lock()
        self._turn_since: float | None = None
        self._is_reachable = False
        self._is_saved = True
        self._is_empty = False
        self._ended_override_count = 0
        self._refresh_count = self._failure_count = 0
        self._last_refresh_at: datetime | None = None
        self._last_error: str | None = None
        self._last_error_at: datetime | None = None

    def refresh(self, read: Callable[[], list[Row]]) -> bool:
        """Replace the policies by the rows that `read` returns; return whether that worked. Never raises.

        The status has the error of `read`.
        """
        turn = self._turn  # a fork in between gives the child a new one
        if not turn.acquire(timeout=_TURN_SECONDS):
            return False
        try:
            self._turn_since = monotonic()
            return self._refresh(read)
        except Exception:  # noqa: BLE001 - such as a clock or a logging filter of the bot's own
            return False
        finally:
            self._turn_since = None
            turn.release()

    def _refresh(self, read: Callable[[], list[Row]]) -> bool:
        try:
            self._update(read())
        except Exception as error:  # noqa: BLE001 - whatever a database does, the cached policies stay
            self._failure_count += 1
            self._notify_of_ended_overrides()
            self._note_reachable(False, error_message(error, self._url))
            return False
        self._refresh_count += 1
        self._last_refresh_at = self._now()
        self._note_reachable(True, None)
        return True

    def load_last_known(self) -> None:
        """Start with the policies of the last-known-good file, if there is a usable one."""
        if self._path is None:
            return
        try:
            saved, saved_at = last_known.load(self._path, describe(self._url), self._scope)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._note_error(error_message(error, self._url))
            return
        # At least as old as when saved, even if the clock has been set back since.
        wall = max(self._wall(), saved_at.timestamp())
        self.policies = {stored.policy.symbol: observe(stored, None, wall, self._elapsed()) for stored in saved}
        self._ended_override_count = self._count_ended_overrides()
        self._on_change()

    def seconds_to_change(self) -> float:
        """Return the seconds until the next read that the end of an override needs; infinite without an override.

        A little before the end, so that the new row is read before it. Soon again if the end has passed by this clock
        and not by the store's.
        """
        elapsed = self._elapsed()
        due = [cached.override_due for cached in self.policies.values() if elapsed < cached.override_until]
        return max(_RETRY_SECONDS, min(due, default=inf) - elapsed - _LEAD_SECONDS)

    def status(self, *, is_watching: bool, is_listening: bool) -> ReaderStatus:
        """Return the counters and the last error so far."""
        return ReaderStatus(
            store=describe(self._url),
            scope=self._scope,
            is_watching=is_watching,
            is_reachable=self._is_reachable and not self._is_stuck(),
            is_listening=is_listening,
            symbol_count=len(self.policies),
            refresh_count=self._refresh_count,
            failure_count=self._failure_count,
            change_count=self.changes.count,
            last_refresh_at=self._last_refresh_at,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
        )

    def _is_stuck(self) -> bool:
        """Return whether the current read has lasted longer than any working database takes."""
        since = self._turn_since
        return since is not None and monotonic() - since > _TURN_SECONDS

    def continue_in_child(self) -> None:
        """Continue in a forked child: the lock and the waiting tasks belong to the parent."""
        self._turn, self._turn_since, self.changes = Lock(), None, ChangeNotifier(self.changes.count)
        self._is_reachable = False

    def _update(self, rows: list[Row]) -> None:
        read, problems = read_rows(rows)
        for problem in problems.values():
            self._note_error(problem)
        if not rows:
            self._note_empty()
            return
        self._is_empty = False
        before = {symbol: cached.stored for symbol, cached in self.policies.items()}
        after = {symbol: stored for symbol, stored in before.items() if symbol in problems} | read
        is_changed = after != before
        if is_changed or any(stored.computed is not None for stored in read.values()):
            is_changed |= self._ended_override_count > 0  # the store still has overrides that ended by this clock
            self._replace(after, read.keys())  # also without a change: it renews the lease of the overrides
        if is_changed:
            self.changes.notify()
            self._is_saved = False
        if self._path is not None and not self._is_saved:
            self._save(self._path)

    def _replace(self, policies: Mapping[str, StoredPolicy], read: Set[str]) -> None:
        """Replace the cache; a symbol whose row could not be read keeps its entry."""
        wall, elapsed, before = self._wall(), self._elapsed(), self.policies
        unread = {symbol: before[symbol] for symbol in policies.keys() - read}
        lease = self._lease_seconds
        self.policies = unread | {
            symbol: observe(policies[symbol], before.get(symbol), wall, elapsed, lease) for symbol in read
        }
        self._ended_override_count = 0
        self._on_change()

    def _notify_of_ended_overrides(self) -> None:
        """Notify of overrides that ended while the store could not be read."""
        ended_count = self._count_ended_overrides()
        if ended_count > self._ended_override_count:
            self.changes.notify()
        self._ended_override_count = ended_count

    def _count_ended_overrides(self) -> int:
        elapsed = self._elapsed()
        return sum(cached.is_override_over(elapsed) for cached in self.policies.values())

    def _note_empty(self) -> None:
        """Warn once that the scope has no run, as in a new store; the cached policies stay and age."""
        message = f"the store has no policy of scope {self._scope!r} yet"
        if not self._is_empty:
            _log.warning("%s: %s; is this the scope in its settings?", describe(self._url), message)
        self._is_empty = True
        self._note_error(message)

    def _save(self, path: Path) -> None:
        """Write the last-known-good file; after a failure the next refresh tries again."""
        policies = [cached.stored for cached in self.policies.values()]
        try:
            last_known.save(path, describe(self._url), self._scope, self._now(), policies)
        except (OSError, ValueError) as error:  # the latter for an invalid path
            self._note_error(f"the last known policies could not be saved: {error_message(error, self._url)}")
        else:
            self._is_saved = True

    def _note_reachable(self, is_reachable: bool, error: str | None) -> None:
        if error is not None:
            self._note_error(error)
        if is_reachable is not self._is_reachable or self._failure_count + self._refresh_count == 1:
            if is_reachable:
                _log.info("reading policies from %s, scope %s", describe(self._url), self._scope)
            else:
                _log.warning("cannot read policies from %s: %s", describe(self._url), error)
        self._is_reachable = is_reachable

    def _note_error(self, error: str) -> None:
        self._last_error, self._last_error_at = error, self._now()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)
