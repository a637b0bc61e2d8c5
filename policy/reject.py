"""Rows of a source that a run could not use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """How many rows of one source were rejected for one reason; `sample` says where one of them is."""

    source: str
    reason: str
    reject_count: int
    sample: str
