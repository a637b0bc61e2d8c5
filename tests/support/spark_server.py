"""A Spark Connect server in this process, for as long as a test needs one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def spark_server() -> Iterator[str]:
    """Give the address of a server; pysail must be installed."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RUST_LOG", "error")
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        host, port = server.listening_address
        yield f"sc://{host}:{port}"
        server.stop()
