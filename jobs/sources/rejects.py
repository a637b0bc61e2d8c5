"""The account of rows that were not used: how many for which reason, and where one of each is."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.csv_files import TornRows, take_torn_rows
from jobs.sources.files import FileFormat
from jobs.sources.lines import count_lines
from jobs.sources.relation import Relation
from jobs.sources.samples import Samples
from storage.records import Reject

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
    """Give the `counts` by reason of the rows of `table`, of the window, that are not used, each with a sample.

    A row whose time cannot be read counts in every run: it cannot be told to be outside the window. CSV lines that do
    not fit the header are no rows and are counted here, as `bad_row`.
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
    """Count the lines that became no row; where an open quote took lines along, by what is missing of the file."""
    lost = 0
    for path, rows in torn.items():
        if rows.may_span_lines:
            read = connection.execute(f"select count(*) from ({relation.numbered(path)})").fetchone()
            assert read is not None
            lost += count_lines(path) - 1 - read[0]
        else:
            lost += len(rows.lines)
    return lost
