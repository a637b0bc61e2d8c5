"""The account of rows that were not used: how many for which reason, and where one of each is."""

from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.relation import Relation, quoted, text_lines
from storage.records import Reject

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS_AT_A_TIME = 2048
_SAMPLE_LENGTH = 300


def count_rejects(
    connection: "DuckDBPyConnection",
    source: str,
    table: str,
    in_window: str,
    bounds: dict[str, object],
    relation: Relation,
) -> list[Reject]:
    """Count the rows of the window that have a reason, and find one of each.

    A row whose time cannot be read counts in every run: it cannot be told to be outside the window. CSV rows that do
    not fit the header are counted as `bad_row`.
    """
    found = connection.execute(
        f"select reason, count(*) from {table} where reason is not null and ({in_window}) group by reason", bounds
    ).fetchall()
    counts = dict(found)
    torn = _torn_csv_rows(connection, relation)
    if torn:
        counts["bad_row"] = len(torn)
    wanted = set(counts) - {"bad_row"}
    samples = _samples(connection, relation, wanted, in_window, bounds) if wanted else {}
    samples |= {"bad_row": f"{relation.files[0]}:{torn[0][0]}: {torn[0][1]}"[:_SAMPLE_LENGTH]} if torn else {}
    return [
        Reject(source=source, reason=reason, reject_count=count, sample=samples.get(reason, ""))
        for reason, count in sorted(counts.items())
    ]


def _torn_csv_rows(connection: "DuckDBPyConnection", relation: Relation) -> list[tuple[int, str]]:
    """Take the rows that DuckDB's CSV reader could not fit to the header, and empty its list for the next source."""
    if relation.description.get("format") not in ("csv", "query"):
        return []
    rows = connection.execute("select distinct line, csv_line from reject_errors order by line").fetchall()
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    return rows


def _samples(
    connection: "DuckDBPyConnection", relation: Relation, wanted: set[str], in_window: str, bounds: dict[str, object]
) -> dict[str, str]:
    """Say for each reason where a row of it is; files are read again, with line numbers, until all are found."""
    samples = {}
    if "duplicate_id" in wanted:
        samples["duplicate_id"] = _duplicate_sample(connection, relation)
    if "duplicate_bar" in wanted:
        samples["duplicate_bar"] = _duplicate_bar_sample(connection)
    left = wanted - samples.keys()
    for path in relation.files:
        if not left:
            break
        found = _first_of_each(connection, relation.numbered(path), left, in_window, bounds)
        samples |= {reason: f"{path}:{line}{what}"[:_SAMPLE_LENGTH] for reason, (line, what) in found.items()}
        left -= found.keys()
    return samples


def _first_of_each(
    connection: "DuckDBPyConnection", rows: str, wanted: set[str], in_window: str, bounds: dict[str, object]
) -> dict[str, tuple[int, str]]:
    reasons = ", ".join(map(quoted, sorted(wanted)))
    result = connection.execute(
        f"select reason, line, symbol, cast(ts as varchar) from ({rows}) where reason in ({reasons}) and ({in_window})",
        bounds,
    )
    found: dict[str, tuple[int, str]] = {}
    while len(found) < len(wanted) and (batch := result.fetchmany(_ROWS_AT_A_TIME)):
        for reason, line, symbol, at in batch:
            found.setdefault(reason, (line, _what(symbol, at)))
    return found


def _what(symbol: str | None, at: str | None) -> str:
    named = " ".join(part for part in (symbol, at) if part)
    return f": {named}" if named else ""


def _duplicate_sample(connection: "DuckDBPyConnection", relation: Relation) -> str:
    row = connection.execute("select order_id, file from order_event where reason = 'duplicate_id' limit 1").fetchone()
    assert row is not None
    order_id, path = row
    if relation.is_typed:
        return f"{path}: order_id {order_id}"
    line = connection.execute(
        f"select line from {text_lines(Path(path))} where contains(text, ?) order by line desc limit 1", [order_id]
    ).fetchone()
    return f"{path}:{line[0] if line else '?'}: order_id {order_id}"


def _duplicate_bar_sample(connection: "DuckDBPyConnection") -> str:
    row = connection.execute(
        "select file, symbol, cast(ts as varchar) from candle_event where reason = 'duplicate_bar' limit 1"
    ).fetchone()
    assert row is not None
    return f"{row[0]}: {row[1]} {row[2]}"
