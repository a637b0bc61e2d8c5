"""One function of storage.read or storage.write on a store, in a transaction of its own."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from storage.store import Store

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


def read(
    store: Store,
    function: Callable[Concatenate[Connection, Parameters], Value],
    *given: Parameters.args,
    **named: Parameters.kwargs,
) -> Value:
    """Return what a function of storage.read gives, as in `read(store, latest, "default")`."""
    with store.reading() as connection:
        return function(connection, *given, **named)


def write(
    store: Store,
    function: Callable[Concatenate[Connection, Parameters], Value],
    *given: Parameters.args,
    **named: Parameters.kwargs,
) -> Value:
    """Return what a function of storage.write gives; what it wrote is committed."""
    with store.writing() as connection:
        return function(connection, *given, **named)
