"""An Arrow table as the kind of table that the caller works with."""

from importlib.util import find_spec
from typing import Any

import pyarrow

from router_policy_client.errors import ReaderSettingsError

# A pandas.DataFrame, polars.DataFrame or pyarrow.Table, as `to` says: a union would have to be narrowed at each use.
Frame = Any
_LIBRARIES = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}


def require(to: str) -> None:
    """Raise ReaderSettingsError if `to` names no kind of table, or its library is not installed."""
    if to not in _LIBRARIES:
        raise ReaderSettingsError(f"to: {to!r} is not a kind of table; use {', '.join(map(repr, _LIBRARIES))}")
    if find_spec(_LIBRARIES[to]) is None:
        raise ReaderSettingsError(
            f"to={to!r} needs {_LIBRARIES[to]}, which is not installed; install router-policy-client[analysis]"
        )


def to_frame(table: pyarrow.Table, to: str) -> Frame:
    """Return the table as `to` names it; the caller has called `require`."""
    if to == "pandas":
        return _to_pandas(table)
    if to == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def _to_pandas(table: pyarrow.Table) -> Frame:
    """Convert with nullable counts and flags: a column's type is the same whether it has nulls or not."""
    import pandas

    nullable = {pyarrow.int64(): pandas.Int64Dtype(), pyarrow.bool_(): pandas.BooleanDtype()}
    return table.to_pandas(types_mapper=nullable.get)
