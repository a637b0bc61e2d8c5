"""Transactions: the driver's errors become the store's own, with the cause kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Insert, Table, func, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.database.engine import describe_url
from storage.errors import SchemaError, StoreError, StoreUnavailableError


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run one transaction: committed whole when the block ends, rolled back whole when it raises.

    Raises StoreUnavailableError where the database cannot be reached or used now, SchemaError where its tables are
    missing or of another version, StoreError for any other complaint of the database.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise translated(error, engine) from error
    except PoolTimeoutError as error:
        raise StoreUnavailableError("every connection to the database is busy; try again") from error


def translated(error: DBAPIError, engine: Engine) -> StoreError:
    """Return the store's own error for one of the driver's."""
    where, said = describe_url(engine.url), str(error.orig).strip().splitlines()[0] if str(error.orig) else "no answer"
    if _is_schema_trouble(error, said):
        return SchemaError(f"{where} does not hold this version's tables ({said}); run: router-policy init")
    if isinstance(error, (OperationalError, InterfaceError)):
        return StoreUnavailableError(f"{where} cannot be used now: {said}")
    return StoreError(f"{where} refused: {said}")


def _is_schema_trouble(error: DBAPIError, said: str) -> bool:
    if "no such table" in said or "no such column" in said:
        return True
    return isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") in {"42P01", "42703"}


def database_now(connection: Connection) -> datetime:
    """Return the database's own clock: the one clock that all processes of a store share. Milliseconds or finer."""
    if connection.dialect.name == "sqlite":
        said = connection.execute(text("select strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(said).replace(tzinfo=UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def insert_or_ignore(
    connection: Connection, table: Table, values: dict[str, object] | list[dict[str, object]]
) -> Insert:
    """Make an INSERT that leaves a row that is already there as it is.

    Ask it for RETURNING to learn whether it wrote: the row count says -1 on one driver and 0 on another.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # loaded only where it is used: it takes long

        return postgresql.insert(table).values(values).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).values(values).on_conflict_do_nothing()
