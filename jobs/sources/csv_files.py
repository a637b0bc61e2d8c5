"""CSV files: the names in their headers, and how to read them row by row even if single rows are broken."""

import csv
import io
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from jobs.sources.compression import Compression, uncompressed
from jobs.sources.csv_lines import csv_rows_of, each_line, first_row, lines_fit
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat
from jobs.sources.lines import LONGEST_LINE_BYTES, is_plain
from jobs.sources.relation import Relation, file_list, identifier, quoted
from jobs.sources.text_files import TextFile, text_compression, write_copy

_SHOWN_BYTES = 1000
Headers = Mapping[tuple[str, ...], Sequence[TextFile]]


def headers_of(source: str, paths: Sequence[Path], folder: Path) -> Headers:
    """Return every header that the files have, each with the files that have it, ready for DuckDB.

    Rotated files may differ in their columns, so each is read by its own header; a file without a line is left out. A
    file with lines that are no rows by themselves is copied without them to `folder`. Raises SourceError if a file
    cannot be read or names a column twice.
    """
    headers: dict[tuple[str, ...], list[TextFile]] = {}
    for number, path in enumerate(paths):
        compression = text_compression(source, path)
        header = _header(source, path, compression)
        if header:
            file = _readable(source, path, compression, header, folder / f"{source}-{number}.csv")
            headers.setdefault(header, []).append(file)
    if not headers:
        raise SourceError(f"{source}: {paths[0]} has no row, and no file beside it has one")
    return headers


def query_header(path: Path) -> Headers:
    """Return the header of rows that `spool` has written."""
    with path.open("rb") as file:
        header = tuple(first_row(file) or ())
    return {header: [TextFile(path=path, read_path=path, compression=Compression.NONE)]}


def _header(source: str, path: Path, compression: Compression) -> tuple[str, ...]:
    with uncompressed(source, path, compression) as file:
        fields = first_row(file)
    if fields is None:
        raise SourceError(f"{source}: the header of {path} cannot be read; write the names of the columns, in UTF-8")
    names = tuple(name or f"column{number}" for number, name in enumerate(fields))
    if len({name.lower() for name in names}) < len(names):
        raise SourceError(f"{source}: {path} names a column twice in its header: {', '.join(names)}")
    return names


def _readable(source: str, path: Path, compression: Compression, header: Sequence[str], copy: Path) -> TextFile:
    with uncompressed(source, path, compression) as file:
        line_end = b"\r\n" if file.readline(LONGEST_LINE_BYTES).endswith(b"\r\n") else b"\n"
    with uncompressed(source, path, compression) as file:
        if is_plain(file, lambda chunk: lines_fit(chunk, len(header), line_end)):
            return TextFile(path=path, read_path=path, compression=compression)
    torn_lines = array("Q")
    write_copy(source, path, _rows_as_text(source, path, compression, header, torn_lines), copy)
    return TextFile(path=path, read_path=copy, compression=Compression.NONE, torn_lines=torn_lines)


def _rows_as_text(
    source: str, path: Path, compression: Compression, header: Sequence[str], torn_lines: "array[int]"
) -> Iterator[bytes]:
    """Return the rows that fit, every field in quotes, and note the lines that do not."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    with uncompressed(source, path, compression) as file:
        for line, fields in csv_rows_of(file, len(header)):
            if fields is None:
                torn_lines.append(line)
                continue
            writer.writerow(fields)
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()


def _lines_of_rows(source: str, file: TextFile) -> Iterator[int]:
    """Yield the number of the line, counted from 1, on which each row after the header begins.

    Raises SourceError if the file can no longer be read.
    """
    compression = text_compression(source, file.path)
    header = _header(source, file.path, compression)
    with uncompressed(source, file.path, compression) as stream:
        lines = (line for line, fields in csv_rows_of(stream, len(header)) if fields is not None)
        yield from islice(lines, 1, None)


def text_of_csv_line(source: str, file: TextFile, line: int) -> str:
    """Return the beginning of a line, counted from 1, as text; bytes that are not UTF-8 are marked."""
    compression = text_compression(source, file.path)
    with uncompressed(source, file.path, compression) as stream:
        text = next(islice(each_line(stream), line - 1, None), b"")
    return text[:_SHOWN_BYTES].decode("utf-8", "replace").strip()


def csv_relation(
    source: str,
    headers: Headers,
    columns: Mapping[str, str],
    judged: Callable[[str, str], str],
    description: Mapping[str, object],
) -> Relation:
    """Return the relation of CSV files with these canonical columns, each given by its name in the files.

    `judged` writes the SELECT of the canonical rows from one of the same columns as text, and an expression for `line`.
    """
    texts = {file.read_path: file for files in headers.values() for file in files}
    unjudged = _csv_rows(headers, columns)
    return Relation(
        rows=judged(unjudged, "cast(null as bigint) as line"),
        numbered=lambda path: judged(_csv_rows(_only(headers, path), columns), "row_number() over () as line"),
        files=list(texts),
        file_format=FileFormat.CSV,
        is_typed=False,
        description={**description, "files": len(texts)},
        texts=texts,
        lines_of_rows=lambda file: _lines_of_rows(source, file),
        unjudged=unjudged,
        columns=set().union(*headers),
    )


def query_relation(
    path: Path, columns: Mapping[str, str], judged: Callable[[str, str], str], description: Mapping[str, object]
) -> Relation:
    """Return the relation of the rows of a database query that `spool` has written, as `csv_relation` does."""
    relation = csv_relation("", query_header(path), columns, judged, description)
    return replace(relation, file_format=None, texts={}, lines_of_rows=None)


def csv_rows(headers: Headers, columns: Mapping[str, str]) -> str:
    """Write a SELECT of these columns, as text, each by its name in the files; one that is not there is null."""
    items = ", ".join(map(identifier, columns))
    return f"select {items} from ({_csv_rows(headers, {identifier(name): theirs for name, theirs in columns.items()})})"


def query_rows(path: Path, columns: Sequence[str]) -> str:
    """Write a SELECT of these columns, as text, from rows that `spool` has written; one that is not there is null."""
    return csv_rows(query_header(path), {name: name for name in columns})


def _only(headers: Headers, path: Path) -> Headers:
    """Return the header of the one file that DuckDB reads at `path`."""
    return {
        header: [file for file in files if file.read_path == path]
        for header, files in headers.items()
        if any(file.read_path == path for file in files)
    }


def _csv_rows(headers: Headers, columns: Mapping[str, str]) -> str:
    """Write a SELECT from CSV files: each of `columns` as text by its value there, and the `file` that DuckDB reads.

    An empty value is null, and so is a column that a file does not have.
    """
    return " union all ".join(
        _rows(paths, compression, header, columns)
        for header, files in headers.items()
        for compression, paths in _by_compression(files).items()
    )


def _by_compression(files: Sequence[TextFile]) -> Mapping[Compression, Sequence[Path]]:
    by_compression: dict[Compression, list[Path]] = defaultdict(list)
    for file in files:
        by_compression[file.compression].append(file.read_path)
    return by_compression


def _rows(paths: Sequence[Path], compression: Compression, header: Sequence[str], columns: Mapping[str, str]) -> str:
    items = ", ".join(
        f"{identifier(theirs) if theirs in header else 'cast(null as varchar)'} as {name}"
        for name, theirs in columns.items()
    )
    types = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in header)
    # In parallel, DuckDB 2.0 loses rows beside quotes and errors. Errors can only be in lines that the bot has written
    # since the file was looked at.
    return (
        f"select {items}, file from read_csv({file_list(paths)}, columns = {{{types}}}, auto_detect = false, "
        "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        f"null_padding = false, ignore_errors = true, parallel = false, compression = {quoted(compression)}, "
        f"max_line_size = {LONGEST_LINE_BYTES}, hive_partitioning = false, filename = 'file')"
    )
