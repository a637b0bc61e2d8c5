"""Files of one JSON object a line: their keys, and how to read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.sources.errors import SourceError
from jobs.sources.relation import file_list, identifier, quoted
from jobs.sources.typed import first_message_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SAMPLED_OBJECTS = 1000


def json_lines(paths: Sequence[Path], fields: Mapping[str, str]) -> str:
    """Write a FROM clause over JSON lines with these fields, of every file at once; a broken line is a row of nulls."""
    columns = ", ".join(f"{identifier(name)}: {quoted(kind)}" for name, kind in fields.items())
    return (
        f"read_json({file_list(paths)}, format = 'newline_delimited', ignore_errors = true, "
        f"columns = {{{columns}}}, filename = 'file')"
    )


def keys_of(connection: "DuckDBPyConnection", source: str, paths: Sequence[Path]) -> Sequence[str]:
    """Return the keys of the first thousand objects, by name.

    Raises SourceError if the files cannot be read, or if none of their lines is an object.
    """
    import duckdb

    query = f"""
        select distinct unnest(json_keys(json)) as name
        from (
            select json from read_ndjson_objects({file_list(paths)}, ignore_errors = true)
            where json_type(json) = 'OBJECT' limit {_SAMPLED_OBJECTS}
        )
        order by name
    """
    try:
        names = [name for (name,) in connection.execute(query).fetchall()]
    except duckdb.Error as error:
        raise SourceError(
            f"{source}: {paths[0]} or a file beside it cannot be read: {first_message_line(error)}"
        ) from error
    if not names:
        raise SourceError(
            f"{source}: no line of {paths[0]} or of the files beside it is a JSON object; write one object on each line"
        )
    return names
