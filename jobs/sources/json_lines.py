"""Files of one JSON object a line: their keys, and how to read them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.compression import Compression, uncompressed
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat
from jobs.sources.lines import BYTE_ORDER_MARK, LONGEST_LINE_BYTES, is_plain, is_too_long, lines_of
from jobs.sources.relation import Relation, file_list, identifier, quoted
from jobs.sources.text_files import Part, TextFile, text_compression, write_copy
from jobs.sources.typed import first_message_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SAMPLED_OBJECTS = 1000
# CR is a blank in JSON. Between two objects it is the end of a line: one cannot follow the other without a comma.
_END_BY_CR = re.compile(rb"(?<=})[ \t]*\r[ \t]*(?={)")
_NO_OBJECT = b"null"


def json_files(source: str, paths: Sequence[Path], folder: Path) -> Sequence[TextFile]:
    """Return the files ready for DuckDB: in place, or copied to `folder` if they have lines that it does not read.

    Each line that is not blank is one row, in the file and in its copy. Raises SourceError if a file cannot be read.
    """
    return [json_file(source, path, folder / f"{source}-{number}.jsonl") for number, path in enumerate(paths)]


def json_file(source: str, path: Path, copy: Path) -> TextFile:
    """Return one file ready for DuckDB, as `json_files` does."""
    compression = text_compression(source, path)
    with uncompressed(source, path, compression) as file:
        if has_plain_lines(file):
            return TextFile(path=path, read_path=path, compression=compression)
    write_copy(source, path, _plain_lines_of(source, path, compression), copy)
    return TextFile(path=path, read_path=copy, compression=Compression.NONE)


def has_plain_lines(stream: BufferedIOBase) -> bool:
    """Return whether DuckDB reads the lines of a stream as they stand."""
    return is_plain(stream, _lines_fit)


def _lines_fit(chunk: bytes) -> bool:
    """Return whether DuckDB reads these lines as they stand: after a zero byte it loses lines."""
    return b"\0" not in chunk and (b"\r" not in chunk or chunk.count(b"\r") == chunk.count(b"\r\n"))


def _plain_lines_of(source: str, path: Path, compression: Compression) -> Iterator[bytes]:
    with uncompressed(source, path, compression) as file:
        yield from plain_lines(file)


def plain_lines(stream: BufferedIOBase) -> Iterator[bytes]:
    """Return each line that is not blank as one that DuckDB reads."""
    for _, line in _rows_of(stream):
        yield (_NO_OBJECT if is_too_long(line) or b"\0" in line else line) + b"\n"


def count_lines(stream: BufferedIOBase) -> int:
    """Return how many lines a stream has, blank ones as well."""
    return sum(1 for _ in _each_line(stream))


def _rows_of(stream: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Return each line that is not blank, with its number, counted from 1."""
    for number, line in enumerate(_each_line(stream), 1):
        text = line.removeprefix(BYTE_ORDER_MARK)
        if text.strip():
            yield number, text if is_too_long(text) else text.rstrip(b"\r\n")


def _each_line(stream: BufferedIOBase) -> Iterator[bytes]:
    return (part for line in lines_of(stream) for part in (_END_BY_CR.split(line) if b"\r" in line else (line,)))


def json_relation(
    source: str,
    files: Sequence[TextFile],
    rows: Callable[[Sequence[TextFile], str], str],
    description: Mapping[str, object],
) -> Relation:
    """Return the relation of JSON lines; `rows` writes the SELECT of the canonical rows of files and their `line`."""
    texts = {file.read_path: file for file in files}
    return Relation(
        rows=rows(files, "null as line"),
        numbered=lambda path: rows([texts[path]], "row_number() over () as line"),
        files=list(texts),
        file_format=FileFormat.JSONL,
        is_typed=False,
        description=description,
        texts=texts,
        lines_of_rows=lambda file: _lines_of_rows(source, file),
    )


def _lines_of_rows(source: str, file: TextFile) -> Iterator[int]:
    """Yield the number of the line of each row, counted from 1.

    Raises SourceError if the file can no longer be read.
    """
    compression = text_compression(source, file.path)
    with uncompressed(source, file.path, compression) as stream:
        for part in file.parts if file.parts is not None else [Part(start=0, end=None, line=1)]:
            for line, _ in _rows_of(stream_of(stream, part)):
                yield line + part.line - 1


def stream_of(stream: BufferedIOBase, part: Part) -> BufferedIOBase:
    """Return a stream of a part of a file, of which `stream` is one; it reads from `stream` if the part has no end."""
    stream.seek(part.start)
    return stream if part.end is None else BytesIO(stream.read(part.end - part.start))


def json_lines(files: Sequence[TextFile], fields: Mapping[str, str]) -> str:
    """Write a FROM clause over JSON lines with these fields, of every file at once; a broken line is a row of nulls."""
    columns = ", ".join(f"{identifier(name)}: {quoted(kind)}" for name, kind in fields.items())
    options = f"format = 'newline_delimited', columns = {{{columns}}}, filename = 'file'"
    return _from(files, "read_json", options)


def json_objects(files: Sequence[TextFile]) -> str:
    """Write a FROM clause over the objects of JSON lines, as the column `json`; a broken line is a null."""
    return _from(files, "read_ndjson_objects", "filename = 'file'")


def _from(files: Sequence[TextFile], function: str, options: str) -> str:
    by_compression: dict[Compression, list[Path]] = defaultdict(list)
    for file in files:
        by_compression[file.compression].append(file.read_path)
    calls = (
        f"select * from {function}({file_list(paths)}, {options}, compression = {quoted(compression)}, "
        f"ignore_errors = true, maximum_object_size = {LONGEST_LINE_BYTES}, hive_partitioning = false)"
        for compression, paths in by_compression.items()
    )
    return f"({' union all '.join(calls)})"


def keys_of(
    connection: "DuckDBPyConnection",
    source: str,
    files: Sequence[TextFile],
    are_enough: Callable[[Set[str]], bool],
) -> Sequence[str]:
    """Return the keys of the first thousand objects, by name; those of all objects if these are not enough.

    Writers may leave out what is null or false, so a key may come late. Raises SourceError if the files cannot be read,
    or if none of their lines is an object.
    """
    names = _keys(connection, source, files, f"limit {_SAMPLED_OBJECTS}")
    if not names:
        raise SourceError(
            f"{source}: no line of {files[0].path} or of the files beside it is a JSON object; "
            "write one object on each line"
        )
    return sorted(names if are_enough(names) else _keys(connection, source, files, ""))


def _keys(connection: "DuckDBPyConnection", source: str, files: Sequence[TextFile], limit: str) -> Set[str]:
    import duckdb

    query = f"""
        select distinct unnest(json_keys(json))
        from (select json from {_from(files, "read_ndjson_objects", "filename = 'file'")}
            where json_type(json) = 'OBJECT' {limit})
    """
    try:
        return {name for (name,) in connection.execute(query).fetchall()}
    except duckdb.Error as error:
        raise SourceError(
            f"{source}: {files[0].path} or a file beside it cannot be read: {first_message_line(error)}"
        ) from error
