"""A store's past as tables of pandas, polars or Arrow; needs router-policy-client[analysis]."""

try:
    import pyarrow  # noqa: F401 - every table is read through it
except ImportError as error:
    raise ImportError(f"{error}; analysis needs router-policy-client[analysis]") from error

from router_policy_client.analysis.read import (
    read_changes,
    read_costs,
    read_drift,
    read_gaps,
    read_history,
    read_latest,
    read_overrides,
    read_runs,
    read_savings,
)

__all__ = [
    "read_changes",
    "read_costs",
    "read_drift",
    "read_gaps",
    "read_history",
    "read_latest",
    "read_overrides",
    "read_runs",
    "read_savings",
]
