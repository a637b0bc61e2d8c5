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

    Raises StoreUnavailableError if the database cannot be reached or used now, SchemaError if its tables are missing or
    of another version, StoreError for any other error of the database.
    """
    with _store_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def discarded_transaction(engine: Engine) -> Iterator[Connection]:
    """Run one transaction that is rolled back when the block ends; it raises what `transaction` raises."""
    with _store_errors(engine), engine.connect() as connection, connection.begin() as discarded:
        yield connection
        discarded.rollback()


@contextmanager
def _store_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise translated(error, engine) from error
    except PoolTimeoutError as error:
        raise StoreUnavailableError("every connection to the database is busy; try again") from error


def translated(error: DBAPIError, engine: Engine) -> StoreError:
    """Return the store's own error for one of the driver's."""
    url, message = describe_url(engine.url), str(error.orig).strip().partition("\n")[0] or "no answer"
    if _is_schema_error(error, message):
        return SchemaError(f"{url} does not hold this version's tables ({message}); run: router-policy init")
    if isinstance(error, (OperationalError, InterfaceError)):
        return StoreUnavailableError(f"{url} cannot be used now: {message}")
    return StoreError(f"{url} refused: {message}")


def _is_schema_error(error: DBAPIError, message: str) -> bool:
    if "no such table" in message or "no such column" in message:
        return True
    return isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") in {"42P01", "42703"}


def database_now(connection: Connection) -> datetime:
    """Return the database's own clock in UTC, which all processes of a store share; in milliseconds or finer."""
    if connection.dialect.name == "sqlite":
        now_text = connection.execute(text("select strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(now_text).replace(tzinfo=UTC)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def insert_or_ignore(
    connection: Connection, table: Table, values: dict[str, object] | list[dict[str, object]]
) -> Insert:
    """Make an INSERT that leaves a row that is already there as it is.

    Use RETURNING to learn whether it wrote: the row count is -1 on one driver and 0 on another.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # loaded only when used: it takes long

        return postgresql.insert(table).values(values).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).values(values).on_conflict_do_nothing()
