"""A source as SQL for DuckDB: canonical rows, each with the file it is from and the reason why it is not used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

MACROS = files(__package__).joinpath("macros.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Rows of one source.

    `rows` selects the canonical columns with `file`, `line` (null) and `reason` (null where the row is good) from all
    files at once. `numbered` selects the same from one file with `line` filled in, to say where a bad row is.
    `is_typed` is True where the values carry their types, so that reading them again costs little.
    """

    rows: str
    numbered: Callable[[Path], str]
    files: Sequence[Path]
    is_typed: bool
    description: Mapping[str, object]


def quoted(text: str | Path) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: Sequence[Path]) -> str:
    """Write paths as an SQL list."""
    return "[" + ", ".join(map(quoted, paths)) + "]"


def json_lines(paths: Sequence[Path], fields: Mapping[str, str]) -> str:
    """Write a FROM clause over JSON lines with these fields, of every file at once; a broken line is a row of nulls."""
    columns = ", ".join(f"{identifier(name)}: {quoted(kind)}" for name, kind in fields.items())
    return (
        f"read_json({file_list(paths)}, format = 'newline_delimited', ignore_errors = true, "
        f"columns = {{{columns}}}, filename = 'file')"
    )


def numbered_json_lines(path: Path, fields: Mapping[str, str]) -> str:
    """Write a FROM clause over the JSON lines of one file with the same fields and the number of each line."""
    structure = "{" + ", ".join(f'"{name}": {_structure(kind)}' for name, kind in fields.items()) + "}"
    return (
        "(select unnest(case when json_valid(text) then json_transform(text, "
        f"{quoted(structure)}) end), {quoted(path)} as file, line from {text_lines(path)} where text is not null)"
    )


def text_lines(path: Path) -> str:
    """Write a FROM clause over the lines of a text file: `text` and `line`, the first line being 1."""
    return (
        f"(select text, row_number() over () as line from read_csv({quoted(path)}, columns = {{text: 'VARCHAR'}}, "
        "delim = '\\x01', quote = '', escape = '', header = false, auto_detect = false, strict_mode = false, "
        "max_line_size = 16777216))"
    ).replace("\\x01", "\x01")


def _structure(kind: str) -> str:
    if not kind.startswith("STRUCT("):
        return f'"{kind}"'
    inner = (field.rsplit(" ", 1) for field in kind.removeprefix("STRUCT(").removesuffix(")").split(", "))
    return "{" + ", ".join(f'"{name}": "{inner_kind}"' for name, inner_kind in inner) + "}"
