"""Columns of Parquet as Spark sees them, and how each becomes a column of a canonical table."""

from collections.abc import Mapping, Sequence

from jobs.plan import Location
from jobs.sources.columns import require_columns
from jobs.sources.errors import SourceError

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_TIMES = ("timestamp", "timestamp_ntz", "date", "string")
_SPARK_TYPES = {"varchar": "string"}

# Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size, from 2000 to before 2100.
_INSTANT_OF_NUMBER = """timestamp_micros(cast(rint(case
        when {n} >= 946684800 and {n} < 4102444800 then {n} * 1000000
        when {n} > 1000000000000 and {n} < 4102444800000 then {n} * 1000
        when {n} > 1000000000000000 and {n} < 4102444800000000 then {n}
        when {n} >= 946684800000000000 and {n} < 4102444800000000000 then {n} {divided_by} 1000
    end) as bigint))"""
# Spark would read a bare time of day as one of today, so a text that is not a number must begin with a date. Zones by
# letters, as BST, are those of several countries.
_ZONE = "(Z|UTC|GMT|[+-][0-9:]+|[A-Za-z]+/[A-Za-z0-9/_+-]+)"
_INSTANT_OF_TEXT = f"""case
        when {{text}} rlike '^ *[0-9]+ *$' then {{of_integer}}
        when try_cast({{text}} as double) is not null then {{of_number}}
        when {{text}} rlike '^ *[0-9]{{{{4}}}}-[0-9]{{{{2}}}}-[0-9]{{{{2}}}}([T ][0-9:. ]*{_ZONE}?)? *$'
            and {{parsed}} >= timestamp '2000-01-01 00:00:00'
            and {{parsed}} < timestamp '2100-01-01 00:00:00' then {{parsed}}
    end"""
# As in macros.sql, which reads every other source.
_SYMBOL_OF_TEXT = r"""case
        when length(trim({text})) between 1 and 64 and not {text} rlike '\\p{{Cc}}' then trim({text})
    end"""
_STATED_WORD = """case
        when lower(trim({text})) not in ('', 'none', 'null', 'nan', 'nil', '<na>') then trim({text})
    end"""


def canonical_columns(
    source: str, location: Location, canonical: Mapping[str, str], required: Sequence[str], present: Mapping[str, str]
) -> str:
    """Write the SELECT items that turn a file's columns into the `canonical` ones, given by name and SQL type.

    `present` gives the file's columns with their Spark types. An optional column that is not present is null. The time
    is also selected as `ts_text`, as it stands in the file, and `is_unread` is whether another time is there but could
    not be read. Raises SourceError if a required column is missing, or if one has a type that can never be read as the
    canonical one.
    """
    require_columns(source, location.path, present, location.columns, canonical=canonical, required=required)
    theirs = {name: location.columns.get(name, name) for name in canonical}
    values = {name: _value(source, location, name, kind, present.get(theirs[name])) for name, kind in canonical.items()}
    times = [
        name for name, kind in canonical.items() if kind == "timestamp" and name != "ts" and theirs[name] in present
    ]
    is_unread = " or ".join(f"({_identifier(theirs[name])} is not null and {values[name]} is null)" for name in times)
    items = [f"{value} as {name}" for name, value in values.items()]
    ts_text = f"cast({_identifier(theirs['ts'])} as string) as ts_text"
    return ", ".join([*items, ts_text, f"{is_unread or 'false'} as is_unread"])


def _value(source: str, location: Location, name: str, wanted: str, kind: str | None) -> str:
    spark_type = _SPARK_TYPES.get(wanted, wanted)
    if kind is None or kind == "void":  # every value in the file is null
        return f"cast(null as {spark_type})"
    theirs = location.columns.get(name, name)
    if not _fits(name, wanted, kind):
        raise SourceError(f"{source}: column {theirs!r} of {location.path} is {kind}, but {name} must be {wanted}")
    column = _identifier(theirs)
    if wanted == "timestamp":
        return _instant(column, kind)
    if name == "symbol":
        return _SYMBOL_OF_TEXT.format(text=column)
    if kind == "string":
        return _STATED_WORD.format(text=column)
    return f"cast({column} as {spark_type})"


def _fits(name: str, wanted: str, kind: str) -> bool:
    is_number = kind in (*_INTEGERS, "float", "double") or kind.startswith("decimal")
    return {
        "timestamp": kind in _TIMES or is_number,
        "varchar": kind == "string" or (kind in _INTEGERS and name != "symbol"),
        "boolean": kind == "boolean",
        "double": is_number,
        "bigint": kind in _INTEGERS,
    }[wanted]


def _instant(column: str, kind: str) -> str:
    """Write the expression that reads a column of this type as a time; a time without a zone is in UTC."""
    if kind == "string":
        return _INSTANT_OF_TEXT.format(
            text=column,
            of_integer=_INSTANT_OF_NUMBER.format(n=f"try_cast({column} as bigint)", divided_by="div"),
            of_number=_INSTANT_OF_NUMBER.format(n=f"try_cast({column} as double)", divided_by="/"),
            parsed=f"try_cast({column} as timestamp)",
        )
    if kind in _INTEGERS:
        return _INSTANT_OF_NUMBER.format(n=column, divided_by="div")
    if kind not in _TIMES:
        return _INSTANT_OF_NUMBER.format(n=f"cast({column} as double)", divided_by="/")
    return f"cast({column} as timestamp)"


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
