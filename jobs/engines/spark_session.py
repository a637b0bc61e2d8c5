"""A session on a Spark Connect server, open for one piece of work; its failures become this project's own errors."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobs.engines.errors import EngineError
from jobs.sources.typed import first_message_line

if TYPE_CHECKING:
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.session import SparkSession

_CONNECTION_RETRIES = 4  # about 5 seconds if nothing listens, 25 if nothing answers
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",  # a time without a zone is in UTC, and needs no cast
    # Spark would sort the orders by symbol if there are more symbols than this: 128 by default.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "1000000",
    "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",  # few rows are kept in few parts
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # else Spark refuses files with times in nanoseconds
}


@contextmanager
def spark_session(remote: str | None) -> Iterator["SparkSession"]:
    """Open a session of its own on the server, with times in UTC, until the block ends.

    Raises EngineError if no address is given, the `spark` extra is not installed, the server cannot be reached, or it
    fails in the block. A server that is down is not waited for.
    """
    if remote is None:
        raise EngineError('engine.remote is missing; name the Spark Connect server, as in remote = "sc://host:15002"')
    address = remote.partition("/;")[0]  # what comes after may be a token
    session = _connect(remote, address)
    from pyspark.errors import PySparkException

    try:
        yield session
    except PySparkException as error:
        raise EngineError(f"Spark at {address} failed: {server_message(error)}") from error
    finally:
        session.stop()


def server_message(error: "PySparkException") -> str:
    """Return in one line the message of the server, or of the connection to it."""
    details = re.search(r'details = "(.+)"', str(error))
    return details[1] if details else first_message_line(error)


def _connect(remote: str, address: str) -> "SparkSession":
    with warnings.catch_warnings():
        # MetricRows come back as Arrow, so it does not matter what pyspark thinks of this pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]", UserWarning)
        session = _new_session(remote, address)
        from pyspark.errors import PySparkException

        try:
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
        except PySparkException as error:
            session.client.close()
            raise EngineError(
                f"engine.remote: no Spark Connect server can be used at {address} ({server_message(error)}); "
                "start it, or correct [engine] remote"
            ) from error
    return session


def _new_session(remote: str, address: str) -> "SparkSession":
    """Make a session without a request to the server yet."""
    try:
        with _named_main_module():
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise EngineError(
            'the Spark engine is not installed; in the clone of router-policy run: pip install ".[spark]"'
        ) from error
    try:
        session: SparkSession = SparkSession.builder.remote(remote).create()
    except PySparkException as error:
        raise EngineError(
            f"engine.remote: {address}, with its parameters, is not a valid address of a Spark Connect server; "
            "write it as sc://host:port or sc://host:port/;name=value"
        ) from error
    session.client.set_retry_policies([DefaultPolicy(max_retries=_CONNECTION_RETRIES)])
    return session


@contextmanager
def _named_main_module() -> Iterator[None]:
    """Keep pyspark from taking a process without a main script for a run of its own doctests, which it may end."""
    main = sys.modules["__main__"]
    is_nameless = not hasattr(main, "__file__")
    if is_nameless:
        main.__file__ = ""
    try:
        yield
    finally:
        if is_nameless:
            del main.__file__
