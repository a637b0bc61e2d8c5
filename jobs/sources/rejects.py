"""Rejected rows: how many for each reason, and one sample of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.csv_files import TornRows, take_torn_rows
from jobs.sources.files import FileFormat
from jobs.sources.lines import count_lines
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
    torn = take_torn_rows(connection) if relation.file_format in (FileFormat.CSV, None) else {}
    if torn:
        counts = {**counts, "bad_row": _count_torn_lines(connection, relation, torn)}
    samples = Samples(
        connection=connection,
        source=source,
        table=table,
        in_window=in_window,
        bounds=bounds,
        relation=relation,
        torn=torn,
    ).of(counts)
    return [
        Reject(source=source, reason=reason, reject_count=count, sample=samples[reason])
        for reason, count in sorted(counts.items())
    ]


def _count_torn_lines(connection: "DuckDBPyConnection", relation: Relation, torn: Mapping[Path, TornRows]) -> int:
    """Count the lines that became no row; if an open quote swallowed lines, by the rows that the file lacks."""
    line_count = 0
    for path, rows in torn.items():
        if rows.may_span_lines:
            row = connection.execute(f"select count(*) from ({relation.numbered(path)})").fetchone()
            assert row is not None
            line_count += count_lines(path) - 1 - row[0]
        else:
            line_count += len(rows.lines)
    return line_count
