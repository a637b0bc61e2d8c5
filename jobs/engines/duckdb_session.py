"""A DuckDB connection for one piece of work; its failures become this project's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from jobs.engines.errors import EngineError
from jobs.engines.temporary_folder import temporary_folder
from jobs.sources.relation import MACROS

_ENGINE_MACROS = """
create or replace temp macro quartiles(x) as quantile_cont(x, [0.25, 0.5, 0.75]);
create or replace temp macro unix_micros(t) as epoch_us(t);
create or replace temp macro sequence(first, last) as range(first, last + 1);
create or replace temp macro explode(x) as unnest(x);
"""
_INTERRUPTED = "Query interrupted"  # what DuckDB raises, as a RuntimeError, when Ctrl-C comes while a query runs


@contextmanager
def duckdb_session() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Open a connection in UTC with the macros of the sources, and a folder for temporary files, until the block ends.

    Raises EngineError if DuckDB fails in the block or no folder for temporary files can be made, KeyboardInterrupt if
    Ctrl-C ended a query.
    """
    with temporary_folder() as folder, duckdb_errors():
        connection = duckdb.connect(config={"temp_directory": str(folder)})
        try:
            connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            connection.execute(MACROS)
            connection.execute(_ENGINE_MACROS)
            yield connection, folder
        finally:
            connection.close()


@contextmanager
def duckdb_errors() -> Iterator[None]:
    """Raise EngineError if DuckDB fails in the block, KeyboardInterrupt if Ctrl-C ended a query there."""
    try:
        yield
    except duckdb.Error as error:
        raise EngineError(f"DuckDB failed: {str(error).strip().splitlines()[0]}") from error
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
