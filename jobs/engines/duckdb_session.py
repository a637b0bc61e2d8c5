"""A DuckDB connection for one piece of work; its failures become this project's own errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from jobs.engines.errors import EngineError
from jobs.sources.relation import MACROS

_INTERRUPTED = "Query interrupted"  # what DuckDB raises, as a RuntimeError, when Ctrl-C comes while a query runs


@contextmanager
def duckdb_session() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Open a connection in UTC with the macros of the sources, and a folder for temporary files, until the block ends.

    Raises EngineError if DuckDB fails in the block, KeyboardInterrupt if Ctrl-C ended a query.
    """
    with TemporaryDirectory(prefix="router-policy-") as folder:
        connection = duckdb.connect(config={"temp_directory": folder})
        try:
            connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            connection.execute(MACROS)
            yield connection, Path(folder)
        except duckdb.Error as error:
            raise EngineError(f"DuckDB failed: {str(error).strip().splitlines()[0]}") from error
        except RuntimeError as error:
            if str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from error
            raise
        finally:
            connection.close()
