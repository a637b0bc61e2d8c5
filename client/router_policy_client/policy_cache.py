"""What a reader knows, and how it comes to know it: from the store, or from what it kept when it last could."""

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
from router_policy_client.database import describe, said
from router_policy_client.reader_status import ReaderStatus
from router_policy_client.rows import Row, read_rows

_log = logging.getLogger("router_policy_client")
LEASE_SECONDS = 2.0  # an override that the store has just said to be in force goes on so long, and is looked at anew
_AHEAD_SECONDS, _AGAIN_SECONDS = 0.1, 0.1
_TURN_SECONDS = 5.0  # longer than any answer of a database that works: a server that is frozen gives none


class PolicyCache:
    """Every symbol's policy as it was last seen, in one mapping that is never changed, only replaced.

    `wall` and `elapsed` are the clocks of `known`; `on_change` is called after each replacement. An override that the
    store has just said to be in force is so for `lease_seconds` at least, whatever these clocks say. Who reads `seen`
    needs no lock; whoever brings rows takes turns with others who do, so that older rows never replace newer ones.
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
        self.seen: Mapping[str, CachedPolicy] = {}
        self.changes = ChangeNotifier()
        self._url, self._scope, self._path = url, scope, last_known_path
        self._wall, self._elapsed, self._on_change = wall, elapsed, on_change
        self._lease_seconds = lease_seconds
        self._turn = Lock()
        self._turn_since: float | None = None
        self._is_reachable = False
        self._is_kept = True
        self._is_empty = False
        self._ended_count = 0
        self._refresh_count = self._failure_count = 0
        self._last_refresh_at: datetime | None = None
        self._last_error: str | None = None
        self._last_error_at: datetime | None = None

    def take(self, read: Callable[[], list[Row]]) -> bool:
        """Bring what `read` returns, and tell whether that worked; what it raises is remembered for people."""
        turn = self._turn  # a fork meanwhile gives the child another
        if not turn.acquire(timeout=_TURN_SECONDS):
            return False
        try:
            self._turn_since = monotonic()
            return self._taken(read)
        except Exception:  # noqa: BLE001 - a clock or a logging filter of the bot's own
            return False
        finally:
            self._turn_since = None
            turn.release()

    def _taken(self, read: Callable[[], list[Row]]) -> bool:
        try:
            self._bring(read())
        except Exception as error:  # noqa: BLE001 - whatever a database does, the router goes on with what is known
            self._failure_count += 1
            self._tell_of_ended()
            self._note_reachable(False, said(error, self._url))
            return False
        self._refresh_count += 1
        self._last_refresh_at = self._now()
        self._note_reachable(True, None)
        return True

    def recall(self) -> None:
        """Begin with what was kept in the last-known-good file, where there is one that can be used."""
        if self._path is None:
            return
        try:
            known, saved_at = last_known.load(self._path, describe(self._url), self._scope)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._note_error(said(error, self._url))
            return
        # At least as old as when it was saved, even where the clock has been set back since.
        wall = max(self._wall(), saved_at.timestamp())
        self.seen = {one.policy.symbol: observe(one, None, wall, self._elapsed()) for one in known}
        self._ended_count = self._count_ended()
        self._on_change()

    def seconds_to_change(self) -> float:
        """Return how long until an override that is in force is about to end by itself; infinite where none is.

        A little before, so that the store can say what follows before the end by this clock comes; and soon again where
        that has passed while by the store's clock it has not.
        """
        elapsed = self._elapsed()
        due = [one.override_due for one in self.seen.values() if elapsed < one.override_until]
        return max(_AGAIN_SECONDS, min(due, default=inf) - elapsed - _AHEAD_SECONDS)

    def status(self, *, is_watching: bool) -> ReaderStatus:
        """Return what has been done so far."""
        return ReaderStatus(
            store=describe(self._url),
            scope=self._scope,
            is_watching=is_watching,
            is_reachable=self._is_reachable and not self._is_stuck(),
            symbol_count=len(self.seen),
            refresh_count=self._refresh_count,
            failure_count=self._failure_count,
            change_count=self.changes.count,
            last_refresh_at=self._last_refresh_at,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
        )

    def _is_stuck(self) -> bool:
        """Tell whether a look at the store has lasted for so long that there is no telling whether it ends."""
        since = self._turn_since
        return since is not None and monotonic() - since > _TURN_SECONDS

    def continue_in_child(self) -> None:
        """Go on after a fork: the turns and the tasks that waited stayed with the parent."""
        self._turn, self._turn_since, self.changes = Lock(), None, ChangeNotifier(self.changes.count)
        self._is_reachable = False

    def _bring(self, rows: list[Row]) -> None:
        read, problems = read_rows(rows)
        for problem in problems.values():
            self._note_error(problem)
        if not rows:
            self._note_empty()
            return
        self._is_empty = False
        before = {symbol: one.known for symbol, one in self.seen.items()}
        known = {symbol: one for symbol, one in before.items() if symbol in problems} | read
        is_changed = known != before
        if is_changed or any(one.computed is not None for one in read.values()):
            is_changed |= self._ended_count > 0  # what had ended by this clock is in force by the store's
            self._see(known, read.keys())  # also where the store has but said anew that its overrides are in force
        if is_changed:
            self.changes.say()
            self._is_kept = False
        if self._path is not None and not self._is_kept:
            self._keep(self._path)

    def _see(self, known: Mapping[str, StoredPolicy], read: Set[str]) -> None:
        """Remember what is known; what was not read now, since its row cannot be, stays as it was seen."""
        wall, elapsed, before = self._wall(), self._elapsed(), self.seen
        unread = {symbol: before[symbol] for symbol in known.keys() - read}
        lease = self._lease_seconds
        self.seen = unread | {
            symbol: observe(known[symbol], before.get(symbol), wall, elapsed, lease) for symbol in read
        }
        self._ended_count = 0
        self._on_change()

    def _tell_of_ended(self) -> None:
        """Say that a policy has changed where an override has ended by itself and no look at the store could tell."""
        ended = self._count_ended()
        if ended > self._ended_count:
            self.changes.say()
        self._ended_count = ended

    def _count_ended(self) -> int:
        elapsed = self._elapsed()
        return sum(one.has_ended(elapsed) for one in self.seen.values())

    def _note_empty(self) -> None:
        """Say once that the scope has no run: a store that was just made; what is known stays, and grows old."""
        said = f"the store has no policy of scope {self._scope!r} yet"
        if not self._is_empty:
            _log.warning("%s: %s; is that the scope of its settings?", describe(self._url), said)
        self._is_empty = True
        self._note_error(said)

    def _keep(self, path: Path) -> None:
        """Write the last-known-good file; where that fails, the next look at the store tries again."""
        known = [one.known for one in self.seen.values()]
        try:
            last_known.save(path, describe(self._url), self._scope, self._now(), known)
        except (OSError, ValueError) as error:  # the latter for a path that none can be
            self._note_error(f"the last known policies could not be kept: {said(error, self._url)}")
        else:
            self._is_kept = True

    def _note_reachable(self, is_reachable: bool, error: str | None) -> None:
        if error is not None:
            self._note_error(error)
        if is_reachable is not self._is_reachable or self._failure_count + self._refresh_count == 1:
            if is_reachable:
                _log.info("policies are read from %s, scope %s", describe(self._url), self._scope)
            else:
                _log.warning("policies cannot be read now from %s: %s", describe(self._url), error)
        self._is_reachable = is_reachable

    def _note_error(self, error: str) -> None:
        self._last_error, self._last_error_at = error, self._now()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)
