"""What the store holds, written for people: tables from the models, views from a database that the migrations make.

python -m docs.generators.schema_page > docs/schema.md
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Column, Dialect, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from migrations import views_0001, views_0002
from storage.schema.tables import (
    metadata,
    policy_override,
    policy_override_end,
    policy_run,
    policy_run_failure,
    policy_slot,
    policy_snapshot,
)
from storage.store import Store

VIEWS = {**views_0001.COMMENTS, **views_0002.COMMENTS}
_SNAPSHOT, _RUN, _SLOT, _OVERRIDE = policy_snapshot.c, policy_run.c, policy_slot.c, policy_override.c
_IN_FORCE: dict[str, tuple[Column[object], str]] = {
    "maker_first": (_SNAPSHOT.maker_first, "what is in force; false: skip the maker attempt and cross"),
    "taker_bias": (_SNAPSHOT.taker_bias, "what is in force: prefer_maker, balanced or prefer_taker"),
    "computed_maker_first": (_SNAPSHOT.maker_first, "what the rules said, an override aside"),
    "computed_taker_bias": (_SNAPSHOT.taker_bias, "what the rules said, an override aside"),
    "override_id": (policy_override_end.c.override_id, "the override in force; null where there is none"),
    "override_author": (_OVERRIDE.author, "who decided it"),
    "override_reason": (_OVERRIDE.reason, "why"),
    "override_until_at": (_OVERRIDE.until_at, "when it was to end by itself, exclusive"),
}
# What only a view has, or means otherwise there: the stored column whose type it has, and what it is.
_OWN_COLUMNS: dict[str, dict[str, tuple[Column[object], str]]] = {
    "policy_latest": _IN_FORCE,
    "policy_history": _IN_FORCE
    | {
        "valid_from": (_SNAPSHOT.slot, "in force from then on, inclusive: a slot, or where an override begins or ends"),
        "valid_to": (_SNAPSHOT.slot, "in force until then, exclusive; null for the newest"),
    },
    "policy_change": {
        "maker_first": (_SNAPSHOT.maker_first, "what the rules said; overrides are no changes"),
        "taker_bias": (_SNAPSHOT.taker_bias, "what the rules said; overrides are no changes"),
        "previous_slot": (_SNAPSHOT.slot, "the slot of the run before"),
        "previous_maker_first": (_SNAPSHOT.maker_first, "what the rules said then"),
        "previous_taker_bias": (_SNAPSHOT.taker_bias, "what the rules said then"),
        "previous_quality": (_SNAPSHOT.quality, "the quality then"),
        "previous_regime": (_SNAPSHOT.regime, "the regime then"),
        "previous_reason": (_SNAPSHOT.reason, "why, then, for people"),
    },
    "policy_gap": {
        "slot": (_SLOT.slot, "the slot that should have been published"),
        "state": (_SLOT.state, "missed: nobody ran; failed: every try; abandoned: its holder died"),
        "owner": (_SLOT.owner, "host:process@start of the last holder, empty when missed"),
        "failure_count": (_SLOT.fencing_token, "how many tries failed"),
        "last_error": (policy_run_failure.c.error, "what went wrong in the last of them; null when none failed"),
    },
}
_SQLITE: Dialect = sqlite.dialect()
_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_COLUMN_HEAD = "| column | SQLite | Postgres | what it is |\n|---|---|---|---|"
_HEAD = """\
# The tables and views of the store

<!-- Made by `python -m docs.generators.schema_page > docs/schema.md`; not to be edited. -->

Times are UTC; SQLite keeps them as text, `YYYY-MM-DD HH:MM:SS` with a fraction where there is one. Flags are 0 or 1 on
SQLite. On Postgres every table, column of a table and view carries its description in the database (`\\d+` in psql).
[sql.md](sql.md) shows how to ask. The views are the public face: their names and columns stay."""


def schema_page() -> str:
    """Return docs/schema.md: every view, then every table, with each column's types and meaning."""
    views = [_section(name, VIEWS[name], _view_lines(name, columns)) for name, columns in view_columns().items()]
    tables = [_section(name, table.comment or "", _table_lines(table)) for name, table in metadata.tables.items()]
    return "\n\n".join([_HEAD, "## Views", *views, "## Tables", *tables]) + "\n"


def view_columns() -> Mapping[str, list[str]]:
    """Return the columns of every public view, as a database has them that was set up for this question."""
    with TemporaryDirectory() as folder, Store(f"sqlite:///{Path(folder) / 'empty.db'}") as store:
        store.set_up()
        with store.reader.connect() as connection:
            return {name: list(connection.execute(text(f"select * from {name} limit 0")).keys()) for name in VIEWS}


def described_column(view: str, name: str) -> tuple[Column[object], str]:
    """Return the stored column whose type a view's column has, and what it means.

    Raises KeyError for a column that nothing describes.
    """
    own = _OWN_COLUMNS[view].get(name)
    if own is not None:
        return own
    for table in (policy_slot,) if view == "policy_gap" else (policy_snapshot, policy_run):
        if name in table.columns:
            return table.columns[name], table.columns[name].comment or ""
    raise KeyError(
        f"the column {name} of the view {view} has no description; write one in docs/generators/schema_page.py"
    )


def _section(name: str, comment: str, lines: Iterable[str]) -> str:
    return "\n".join([f"### {name}", "", comment, "", _COLUMN_HEAD, *lines])


def _view_lines(view: str, columns: list[str]) -> Iterator[str]:
    for name in columns:
        like, meaning = described_column(view, name)
        yield _line(name, like, meaning)


def _table_lines(table: Table) -> Iterator[str]:
    for column in table.columns:
        notes = ["primary key"] * column.primary_key + ["may be null"] * bool(column.nullable)
        notes += [f"refers to {key.target_fullname}" for key in column.foreign_keys]
        yield _line(column.name, column, "; ".join([column.comment or "", *notes]))


def _line(name: str, like: Column[object], meaning: str) -> str:
    return f"| `{name}` | {_type(like, _SQLITE)} | {_type(like, _POSTGRES)} | {meaning} |"


def _type(column: Column[object], dialect: Dialect) -> str:
    return column.type.compile(dialect=dialect).lower().replace("timestamp with time zone", "timestamptz")


if __name__ == "__main__":
    sys.stdout.write(schema_page())
