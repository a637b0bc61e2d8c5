"""Rejected rows: how many for each reason, and one sample of each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.sources.relation import Relation
from jobs.sources.samples import Samples
from policy.reject import Reject

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def count_rejects(
    connection: "DuckDBPyConnection",
    source: str,
    table: str,
    in_window: str,
    bounds: dict[str, object],
    relation: Relation,
    counts: Mapping[str, int],
) -> list[Reject]:
    """Return the rejects of `table` in the window by reason: the `counts` that are given, each with a sample.

    A row whose time cannot be read counts in every run, because it may lie in the window. CSV lines that do not fit the
    header never become rows; they are counted here, as `bad_row`.
    """
    torn_count = sum(len(file.torn_lines) for file in relation.texts.values())
    if torn_count:
        counts = {**counts, "bad_row": torn_count}
    samples = Samples(
        connection=connection,
        source=source,
        table=table,
        in_window=in_window,
        bounds=bounds,
        relation=relation,
    ).of(counts)
    return [
        Reject(source=source, reason=reason, reject_count=count, sample=samples[reason])
        for reason, count in sorted(counts.items())
    ]
