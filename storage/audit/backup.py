"""Backup and restore: a whole store as one SQLite file, taken while runs go on, and verified before it counts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Connection, Engine, Select, Table, insert, inspect, select, text, update

from storage.audit.schema_objects import expected_objects
from storage.audit.verify import Progress, verify
from storage.database.engine import create_private_file, describe_url, read_engine, sqlite_driver, write_engine
from storage.database.transaction import transaction
from storage.errors import StoreError
from storage.schema import upgrade
from storage.schema.tables import metadata, policy_head

_ROWS_AT_ONCE = 5000


class BackupError(StoreError):
    """A backup that could not be made or restored; the target is as it was."""


def back_up(source: Engine, target: Path) -> Iterator[Progress]:
    """Copy a store as it is at this moment to a new SQLite file, and verify the copy while progress is yielded.

    A store of an earlier schema is copied in that schema; for the verification a copy of the copy is upgraded. The file
    gets its name only when the copy is complete, intact and verified to its head. Raises BackupError if the target
    exists already or cannot be written, or if the copy is damaged; TamperedError if the rows are not those that were
    published.
    """
    try:
        yield from _backed_up(source, target)
    except StoreError:
        raise
    except (OSError, sqlite_driver().Error) as error:
        raise BackupError(f"backup to {target} failed: {error}; name a file that can be written") from error


def _backed_up(source: Engine, target: Path) -> Iterator[Progress]:
    if not target.absolute().parent.is_dir():
        raise BackupError(f"the folder {target.absolute().parent} for the backup {target.name} does not exist; make it")
    if target.exists():
        raise BackupError(f"{target} exists already; a backup never overwrites a file, give another name")
    unfinished = target.with_name(target.name + ".unfinished")
    _remove(unfinished)
    try:
        if source.dialect.name == "sqlite":
            _copy_file(source, unfinished)
        else:
            _copy_rows_to_file(source, unfinished)
        _settle(unfinished)
        yield from _verified(unfinished)
        unfinished.rename(target)
    finally:
        _remove(unfinished)


def _remove(unfinished: Path) -> None:
    """Remove a copy and what SQLite kept beside it, such as on a full disk."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)


def restore(backup: Path, target: Engine) -> Iterator[Progress]:
    """Copy a backup into an empty store on either database, and verify it before any of it is in force.

    A backup of an earlier schema is upgraded in a temporary copy. Raises BackupError if the store is not empty: a
    restore never mixes two histories. Raises TamperedError if the backup is not as it was published; the store is then
    still empty.
    """
    if not backup.is_file():
        raise BackupError(f"{backup} does not exist")
    upgrade.upgrade(target)
    expected = expected_objects(target)
    with _in_this_schema(backup) as source, transaction(source) as reading, transaction(target) as writing:
        if writing.execute(select(policy_head.c.entry_id)).scalar_one() != 0:
            raise BackupError("the store to restore into already has a history; name an empty database in [store] url")
        _copy_rows(reading, writing)
        yield from verify(writing, expected)


@contextmanager
def _in_this_schema(backup: Path) -> Iterator[Engine]:
    """Give an engine that reads a backup in the schema of this version; the file itself is never changed."""
    with TemporaryDirectory(prefix="router-policy-") as folder:
        source = read_engine(_url(backup))
        try:
            if upgrade.version(source, str(backup)) != upgrade.needed_version():
                source = _upgraded(source, Path(folder) / "upgraded.db")
            yield source
        finally:
            source.dispose()


def _upgraded(source: Engine, copy: Path) -> Engine:
    _copy_file(source, copy)
    source.dispose()
    writer = write_engine(_url(copy))
    try:
        upgrade.upgrade(writer)
    finally:
        writer.dispose()
    return read_engine(_url(copy))


def _url(file: Path) -> URL:
    """Return the URL of a file by its name as it is: in a text, `?` and `%` would mean something else."""
    return URL.create("sqlite", database=str(file.absolute()))


def _copy_file(source: Engine, target: Path) -> None:
    """Let SQLite copy the file in one step: in several, it would start again with every run that is published."""
    create_private_file(target)
    with closing(sqlite_driver().connect(str(target))) as copy, transaction(source) as connection:
        connection.connection.driver_connection.backup(copy, pages=-1)  # type: ignore[union-attr]


def _copy_rows_to_file(source: Engine, target: Path) -> None:
    file = write_engine(_url(target))
    try:
        version = upgrade.version(source, describe_url(source.url)) or "head"
        upgrade.upgrade(file, version.partition(",")[0])
        with transaction(source) as reading, transaction(file) as writing:
            _copy_rows(reading, writing)
    finally:
        file.dispose()


def _settle(path: Path) -> None:
    """Leave the copy as one file, without a write-ahead log beside it."""
    with closing(sqlite_driver().connect(str(path))) as copy:
        copy.execute("pragma journal_mode = delete")


def _copy_rows(reading: Connection, writing: Connection) -> None:
    """Copy every table of this schema that the source has, with the columns that it has."""
    names = set(inspect(reading).get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in names:
            continue
        selected = _selected(table, reading)
        rows = reading.execution_options(yield_per=_ROWS_AT_ONCE).execute(selected).mappings()
        for batch in rows.partitions():
            if table is policy_head:
                writing.execute(update(policy_head).values(dict(batch[0])))
            else:
                writing.execute(insert(table), [dict(row) for row in batch])


def _selected(table: Table, reading: Connection) -> Select[*tuple[object, ...]]:
    columns = {column["name"] for column in inspect(reading).get_columns(table.name)}
    return select(*(column for column in table.c if column.name in columns))


def _verified(path: Path) -> Iterator[Progress]:
    with _in_this_schema(path) as engine, transaction(engine) as connection:
        answer = connection.execute(text("pragma integrity_check")).scalar_one()
        if answer != "ok":
            raise BackupError(f"the copy is damaged: {answer}")
        yield from verify(connection, expected_objects(engine))
