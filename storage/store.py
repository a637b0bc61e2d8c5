"""The snapshot store: what the rest of the project asks of the database, one short transaction a call."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, RowMapping
from sqlalchemy.exc import DBAPIError

from policy import TakerBias
from policy.rules import RuleSet, State
from storage.audit import backup, chain, verify
from storage.audit.chain import Head
from storage.audit.verify import Progress
from storage.database.engine import checkpoint_wal, describe_url, parse_url, read_engine, write_engine
from storage.database.transaction import database_now, transaction
from storage.errors import SchemaError, StoreError, StoreUnavailableError
from storage.read import breaker_states, policies, rule_set_comparison
from storage.read.explanation import BreakerRecord, ShadowDecision, breaker_of, shadows_of
from storage.read.replay_inputs import ReplayableRun, ReplayInput, replay_inputs, replayable_runs
from storage.read.rule_set_comparison import BreakerEvent, MakerFirstShare, RuleSetDifference
from storage.read.visible_policies import VisiblePolicies, visible_policies
from storage.records import PublishedRun, Reject, RunResult, Snapshot
from storage.schema import roles, upgrade
from storage.write import leases, overrides, prune
from storage.write.leases import Lease
from storage.write.overrides import Override
from storage.write.prune import Pruned
from storage.write.publish import publish_run


class Store:
    """A snapshot store at a URL. Connections are made when first used; use it as a context manager, or close it.

    Methods raise StoreUnavailableError where the database cannot be used now and SchemaError where it was not set up.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.writer: Engine = write_engine(self.url)
        self.reader: Engine = read_engine(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; a later call opens them again."""
        self.reader.dispose()
        checkpoint_wal(self.writer)
        self.writer.dispose()

    def __repr__(self) -> str:
        return f"Store({describe_url(self.url)!r})"

    def set_up(self) -> None:
        """Create the schema, or bring it up to this version; nothing is lost and nothing happens where it is there."""
        upgrade.upgrade(self.writer)

    def now(self) -> datetime:
        """Return the database's clock in UTC."""
        with transaction(self.reader) as connection:
            return database_now(connection)

    def claim(
        self, scope: str, slot: datetime, owner: str, lease: timedelta, *, dead_owner: str | None = None
    ) -> Lease:
        """Take a slot: see `storage.write.leases.claim_slot`."""
        with transaction(self.writer) as connection:
            return leases.claim_slot(connection, scope, slot, owner, lease, dead_owner=dead_owner)

    def publish(self, claim: Lease, result: RunResult) -> PublishedRun:
        """Publish a run whole, or nothing of it.

        Raises LeaseLostError where the slot was taken over. Where the answer to the commit was lost, what the database
        holds decides: the run counts as published if it is there.
        """
        digest = ""
        try:
            with transaction(self.writer) as connection:
                digest = publish_run(connection, claim, result)["digest"]
        except StoreUnavailableError as error:
            lost = error.__cause__
            if not (digest and isinstance(lost, DBAPIError) and lost.connection_invalidated):
                raise
            with transaction(self.writer) as connection:
                chain.wait_for_writer(connection)
        run = self.run_of_slot(claim.scope, claim.slot)
        if run is None or run.digest != digest:
            raise StoreError(f"the commit of slot {claim.slot.isoformat()} got no answer and did not take place")
        return run

    def states_before(self, scope: str, slot: datetime, rule_sets: Sequence[str]) -> Mapping[str, Mapping[str, State]]:
        """Return what rule sets remembered before a slot: see `storage.read.breaker_states.states_before`."""
        with transaction(self.reader) as connection:
            return breaker_states.states_before(connection, scope, slot, rule_sets)

    def fail(self, claim: Lease, error: str, retry_after: timedelta) -> bool:
        """Give a slot up after a failure: see `storage.write.leases.fail_claim`."""
        with transaction(self.writer) as connection:
            return leases.fail_claim(connection, claim, error, retry_after)

    def mark_missed(self, scope: str, slots: list[datetime]) -> None:
        """Record slots that nobody computed."""
        with transaction(self.writer) as connection:
            leases.mark_missed(connection, scope, slots)

    def last_scheduled_before(self, scope: str, slot: datetime) -> datetime | None:
        """Return the newest slot before this one that a schedule saw to: see `storage.write.leases`."""
        with transaction(self.reader) as connection:
            return leases.last_scheduled_before(connection, scope, slot)

    def oldest_gap(self, scope: str, before: datetime) -> datetime | None:
        """Return the oldest slot before this one that was missed or abandoned, or None; failed ones stay failed."""
        with transaction(self.reader) as connection:
            return policies.oldest_gap(connection, scope, before)

    def ensure_set_up(self) -> None:
        """Create the schema in an empty database; any other is left alone. Raises what `is_set_up` raises."""
        if not self.is_set_up():
            self.set_up()

    def is_set_up(self) -> bool:
        """Tell whether the schema is there: not in an empty database, nor in a file that is absent. Nothing is written.

        Raises SchemaError where it is at another version than this code's, and where only other tables are there.
        """
        if self.url.get_backend_name() == "sqlite" and not Path(self.url.database or "").exists():
            return False
        where, needed = describe_url(self.url), upgrade.needed_version()
        found = upgrade.version(self._inspection_engine(), where)
        if found not in (None, needed):
            raise SchemaError(
                f"{where} is at schema version {found} and this program needs {needed}; make a copy, "
                "then run: router-policy init"
            )
        return found is not None

    def _inspection_engine(self) -> Engine:
        """Return the reader, but for a SQLite file whose writer was killed: only a writer can roll its journal back."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        return self.writer if is_sqlite and Path(f"{self.url.database}-journal").exists() else self.reader

    def run_of_slot(self, scope: str, slot: datetime) -> PublishedRun | None:
        """Return the run that was published for a slot, or None."""
        with transaction(self.reader) as connection:
            return policies.run_of_slot(connection, scope, slot)

    def newest_run(self, scope: str) -> PublishedRun | None:
        """Return the run of a scope's newest slot, or None."""
        with transaction(self.reader) as connection:
            return policies.newest_run(connection, scope)

    def snapshots_of_run(self, run_id: int) -> list[Snapshot]:
        """Return a run's snapshots by symbol."""
        with transaction(self.reader) as connection:
            return policies.snapshots_of_run(connection, run_id)

    def rejects_of_run(self, run_id: int) -> list[Reject]:
        """Return what a run did not use, by source and reason."""
        with transaction(self.reader) as connection:
            return policies.rejects_of_run(connection, run_id)

    def in_force(self, scope: str, symbol: str, at: datetime) -> RowMapping | None:
        """Return the row of policy_history that was in force for a symbol at a moment, or None."""
        with transaction(self.reader) as connection:
            return policies.in_force(connection, scope, symbol, at)

    def breaker_of(self, snapshot: Snapshot) -> BreakerRecord | None:
        """Return what the breaker that decided a snapshot rested on, None where the rule set remembers nothing."""
        with transaction(self.reader) as connection:
            return breaker_of(connection, snapshot, snapshot.rule_set)

    def shadows_of(self, snapshot: Snapshot) -> list[ShadowDecision]:
        """Return what each rule set in the shadow would have decided instead, by name."""
        with transaction(self.reader) as connection:
            return shadows_of(connection, snapshot)

    def last_change(self, scope: str, symbol: str, until: datetime) -> RowMapping | None:
        """Return the last row of policy_change of a symbol with `slot <= until`, or None."""
        with transaction(self.reader) as connection:
            return policies.last_change(connection, scope, symbol, until)

    def rule_set_of_run(self, run_id: int) -> RuleSet:
        """Return the rule set that decided a run, with the parameters of that day."""
        with transaction(self.reader) as connection:
            return policies.rule_set_of_run(connection, run_id)

    def symbols_before(self, scope: str, slot: datetime) -> list[str]:
        """Return the symbols that had a policy in the newest run before a slot."""
        with transaction(self.reader) as connection:
            return policies.symbols_before(connection, scope, slot)

    def latest(self, scope: str, symbol: str | None = None) -> list[tuple[Snapshot, datetime]]:
        """Return the policies in force, by symbol, each with the time it was published."""
        with transaction(self.reader) as connection:
            return policies.latest(connection, scope, symbol)

    def latest_rows(self, scope: str, symbol: str | None = None) -> Sequence[RowMapping]:
        """Return the rows of policy_latest, by symbol, with what was computed and the override where there is one."""
        with transaction(self.reader) as connection:
            return policies.latest_rows(connection, scope, symbol)

    def history(
        self, scope: str, symbol: str, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[RowMapping]:
        """Return one symbol's rows of policy_history with `since <= valid_from < until`, oldest first."""
        with transaction(self.reader) as connection:
            return policies.history(connection, scope, symbol, since, until)

    def visible_policies(
        self, scope: str, start: datetime, end: datetime, named: Collection[int] = (), *, with_taker: bool = True
    ) -> VisiblePolicies:
        """Return what readers could see when: see `storage.read.visible_policies.visible_policies`."""
        with transaction(self.reader) as connection:
            return visible_policies(connection, scope, start, end, named, with_taker=with_taker)

    def rule_set_differences(self, scope: str, since: datetime | None = None) -> list[RuleSetDifference]:
        """Return the live rule set against each shadow, by symbol: see `read.rule_set_comparison`."""
        with transaction(self.reader) as connection:
            return rule_set_comparison.rule_set_differences(connection, scope, since)

    def breaker_events(self, scope: str, since: datetime | None = None) -> list[BreakerEvent]:
        """Return every opening and closing of a breaker: see `storage.read.rule_set_comparison.breaker_events`."""
        with transaction(self.reader) as connection:
            return rule_set_comparison.breaker_events(connection, scope, since)

    def maker_first_shares(
        self, scope: str, symbol: str | None, start: datetime, end: datetime
    ) -> list[MakerFirstShare]:
        """Return what every rule set said at the slots that were valid between: see `read.rule_set_comparison`."""
        with transaction(self.reader) as connection:
            return rule_set_comparison.maker_first_shares(connection, scope, symbol, start, end)

    def replayable_runs(self, scope: str, since: datetime | None = None) -> list[ReplayableRun]:
        """Return the runs of a scope, oldest first: see `storage.read.replay_inputs`."""
        with transaction(self.reader) as connection:
            return replayable_runs(connection, scope, since)

    def replay_inputs(self, runs: Sequence[ReplayableRun], breaker: str | None = None) -> dict[int, list[ReplayInput]]:
        """Return what runs rested on, by their number: see `storage.read.replay_inputs.replay_inputs`."""
        with transaction(self.reader) as connection:
            return replay_inputs(connection, runs, breaker)

    def head(self) -> Head:
        """Return the end of the chain: what to keep elsewhere."""
        with transaction(self.reader) as connection:
            return chain.head(connection)

    def verify(self, anchor: str | None = None) -> Iterator[Progress]:
        """Walk the chain as it is now: see `storage.audit.verify.verify`."""
        level = {"isolation_level": "REPEATABLE READ"} if self.url.get_backend_name() == "postgresql" else {}
        with transaction(self.reader.execution_options(**level)) as connection:
            yield from verify.verify(connection, anchor)

    def make_override(
        self,
        scope: str,
        symbol: str,
        *,
        maker_first: bool,
        taker_bias: TakerBias,
        lasting: timedelta,
        author: str,
        reason: str,
    ) -> Override:
        """Put a person's decision in force: see `storage.write.overrides.make_override`."""
        with transaction(self.writer) as connection:
            return overrides.make_override(
                connection,
                scope,
                symbol,
                maker_first=maker_first,
                taker_bias=taker_bias,
                lasting=lasting,
                author=author,
                reason=reason,
            )

    def end_override(self, scope: str, symbol: str, *, author: str, reason: str) -> Override:
        """End the override that is in force: see `storage.write.overrides.end_override`."""
        with transaction(self.writer) as connection:
            return overrides.end_override(connection, scope, symbol, author=author, reason=reason)

    def overrides_at(self, scope: str, at: datetime) -> list[Override]:
        """Return the overrides of a scope that were in force at a moment."""
        with transaction(self.reader) as connection:
            return overrides.overrides_at(connection, scope, at)

    def prune(self, keep: timedelta) -> Iterator[Pruned]:
        """Remove what is older than `keep`, a batch a transaction: see `storage.write.prune.prune`."""
        return prune.prune(self.writer, keep)

    def back_up(self, target: Path) -> Iterator[Progress]:
        """Copy the store to a new SQLite file and verify it: see `storage.audit.backup.back_up`."""
        return backup.back_up(self.reader, target)

    def restore(self, source: Path) -> Iterator[Progress]:
        """Fill this empty store from a backup: see `storage.audit.backup.restore`."""
        return backup.restore(source, self.writer)

    def apply_roles(self) -> None:
        """Make the roles on Postgres: see `storage.schema.roles`."""
        roles.apply_roles(self.writer)
