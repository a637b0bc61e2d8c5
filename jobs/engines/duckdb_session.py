"""A DuckDB of this process for one piece of work; what goes wrong in it is told in this project's own errors."""

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
    """Give a connection in UTC with the sources' macros, and a folder for what is spilled; both end with the block.

    Raises EngineError where DuckDB fails in the block, KeyboardInterrupt where Ctrl-C ended a query.
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
