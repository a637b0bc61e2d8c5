"""The snapshot store at a URL: the door to its database, its life cycle, and what takes more than one transaction.

What audits, prunes and publishes is imported when it is asked for: a command that only reads does not wait for it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.audit import chain
from storage.database.engine import checkpoint_wal, describe_url, parse_url, store_engines
from storage.database.postgres import unfit_for_store
from storage.database.transaction import database_now, transaction
from storage.errors import SchemaError, StoreError, StoreSettingsError, StoreUnavailableError
from storage.read.policies import run_of_slot
from storage.records import PublishedRun, RunResult
from storage.schema import roles, upgrade

if TYPE_CHECKING:
    from storage.audit.difference import Difference
    from storage.audit.verify import Progress
    from storage.write.leases import Lease
    from storage.write.prune import Pruned

__all__ = ["Connection", "Store"]


class Store:
    """A snapshot store at a URL. Connections are made when first used; use it as a context manager, or close it.

    Read and write through `reading` and `writing`: the functions of storage.read and storage.write take the connection
    that they give. Methods raise StoreUnavailableError if the database cannot be used now, and SchemaError if it was
    not set up.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.writer: Engine
        self.reader: Engine
        self.writer, self.reader = store_engines(self.url)

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

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one snapshot of the database until the block ends, and cannot write.

        The snapshot is that of its first read; what is published, overridden or pruned later is not in it.
        """
        with transaction(self.reader) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection with one write transaction: committed whole when the block ends, or not at all."""
        with transaction(self.writer) as connection:
            yield connection

    def now(self) -> datetime:
        """Return the database's clock in UTC."""
        with self.reading() as connection:
            return database_now(connection)

    def set_up(self) -> None:
        """Create the schema, or upgrade it to this version; no row is lost, and a current schema is left alone.

        Raises StoreSettingsError if the database cannot hold a store, such as for its encoding.
        """
        self._refuse_unfit_database(self.writer)
        upgrade.upgrade(self.writer)

    def ensure_set_up(self) -> None:
        """Create the schema in an empty database; any other is left alone. Raises what `is_set_up` raises."""
        if not self.is_set_up():
            self.set_up()

    def is_set_up(self) -> bool:
        """Return whether the schema is there: False for an empty database or a missing file. Nothing is written.

        Raises SchemaError if it has another version than this code needs, or if there are only tables of another
        program, and StoreSettingsError if the database cannot hold a store, such as for its encoding.
        """
        if self.url.get_backend_name() == "sqlite" and not Path(self.url.database or "").exists():
            return False
        self._refuse_unfit_database(self.reader)
        name, needed = describe_url(self.url), upgrade.needed_version()
        version = upgrade.version(self._inspection_engine(), name)
        if version not in (None, needed):
            raise SchemaError(
                f"{name} is at schema version {version} and this program needs {needed}; run router-policy upgrade"
            )
        return version is not None

    def _refuse_unfit_database(self, engine: Engine) -> None:
        if engine.dialect.name != "postgresql":
            return
        with transaction(engine) as connection:
            reason = unfit_for_store(connection)
        if reason is not None:
            raise StoreSettingsError(f"{describe_url(self.url)} cannot hold the store: {reason}")

    def _inspection_engine(self) -> Engine:
        """Return the reader, but for a SQLite file whose writer was killed: only a writer can roll its journal back."""
        is_sqlite = self.url.get_backend_name() == "sqlite"
        return self.writer if is_sqlite and Path(f"{self.url.database}-journal").exists() else self.reader

    def publish(self, lease: "Lease", result: RunResult) -> PublishedRun:
        """Publish a run whole, or nothing of it.

        Raises LeaseLostError if another process has taken the slot over. If the answer to the commit is lost, the
        database decides: the run counts as published if it is there.
        """
        from storage.write.publish import publish_run

        digest = ""
        try:
            with self.writing() as connection:
                digest = publish_run(connection, lease, result)
        except StoreUnavailableError as error:
            cause = error.__cause__
            if not (digest and isinstance(cause, DBAPIError) and cause.connection_invalidated):
                raise
            with self.writing() as connection:
                chain.wait_for_writer(connection)
        with self.reading() as connection:
            run = run_of_slot(connection, lease.scope, lease.slot)
        if run is None or run.digest != digest:
            raise StoreError(f"the commit of slot {lease.slot.isoformat()} got no answer and did not take place")
        return run

    def verify(self, anchor: str | None = None, processes: int = 1) -> Iterator["Progress"]:
        """Walk the chain as it is now: see `storage.audit.verify.verify`.

        With more than one process, that many others check the entries while this one follows the chain.
        """
        from storage.audit import check_processes, schema_objects, verify

        expected = schema_objects.expected_objects(self.writer)
        others = check_processes.check_processes(self.url, processes) if processes > 1 else nullcontext()
        with others as checking, self.reading() as connection:
            yield from verify.verify(connection, expected, anchor, checking)

    def schema_differences(self) -> list["Difference"]:
        """Return each view, index, trigger and function of the schema that somebody changed, dropped or added."""
        from storage.audit import schema_objects

        expected = schema_objects.expected_objects(self.writer)
        with self.reading() as connection:
            return list(schema_objects.schema_differences(connection, expected))

    def can_compare_schema(self) -> bool:
        """Return whether this user may compare the schema: on Postgres, only who may make one has another to compare.

        For others `verify` and `schema_differences` look at the triggers alone.
        """
        from storage.audit import schema_objects

        return schema_objects.can_compare(self.writer)

    def prune(self, keep: timedelta, through_entry_id: int | None = None) -> Iterator["Pruned"]:
        """Remove what is older than `keep`, one transaction per batch: see `storage.write.prune.prune`."""
        from storage.write import prune

        return prune.prune(self.writer, keep, through_entry_id)

    def back_up(self, target: Path) -> Iterator["Progress"]:
        """Copy the store to a new SQLite file and verify it: see `storage.audit.backup.back_up`."""
        from storage.audit import backup

        return backup.back_up(self.reader, target)

    def schema_version(self) -> str | None:
        """Return the revision of the schema, None for an empty database. Raises SchemaError as `is_set_up`."""
        return upgrade.version(self._inspection_engine(), describe_url(self.url))

    def upgrade_safely(self, backup: Path) -> Iterator["Progress"]:
        """Copy the store, upgrade it and verify it: see `storage.audit.safe_upgrade.upgrade_safely`."""
        from storage.audit import safe_upgrade

        return safe_upgrade.upgrade_safely(self.reader, self.writer, backup)

    def restore(self, source: Path) -> Iterator["Progress"]:
        """Fill this empty store from a backup: see `storage.audit.backup.restore`."""
        from storage.audit import backup

        return backup.restore(source, self.writer)

    def apply_roles(self, more: Iterable[str] = ()) -> None:
        """Make the roles on Postgres, then run `more` statements: see `storage.schema.roles`."""
        roles.apply_roles(self.writer, more)
