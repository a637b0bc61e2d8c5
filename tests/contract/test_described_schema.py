"""Everything in the store is described: on the page for people, and on Postgres in the database itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from docs.generators.schema_page import VIEWS, described_column, schema_page
from storage.schema.tables import metadata
from storage.store import Store
from tests.support.postgres import fresh_database

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"
CATALOG = """
select c.relname, c.relkind, obj_description(c.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod),
    col_description(c.oid, a.attnum)
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and c.relname like 'policy%'
    and c.relname <> 'policy_schema_version' -- Alembic's own
order by c.relname, a.attnum
"""


@pytest.fixture(scope="module")
def catalog(postgres_url: str) -> Iterator[list[tuple[str, ...]]]:
    """What Postgres says of every column: its relation, the relation's kind and comment, name, type, comment."""
    with fresh_database(postgres_url) as url, Store(url) as store:
        store.set_up()
        with store.reader.connect() as connection:
            yield [tuple(row) for row in connection.execute(text(CATALOG))]


def columns_on_the_page() -> dict[str, list[tuple[str, str]]]:
    """Read each relation's columns with their types on Postgres from the page."""
    sections = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        section.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", section, flags=re.MULTILINE)
        for section in sections
    }


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == schema_page(), "run: python -m docs.generators.schema_page > docs/schema.md"


def test_the_page_has_every_table_and_view_with_the_columns_and_types_of_postgres(
    catalog: list[tuple[str, ...]],
) -> None:
    columns: dict[str, list[tuple[str, str]]] = {}
    for relation, _, _, column, kind, _ in catalog:
        columns.setdefault(relation, []).append((column, kind.replace("timestamp with time zone", "timestamptz")))

    assert columns_on_the_page() == columns
    assert {"policy_run", "policy_snapshot", "policy_latest", "policy_gap"} <= set(columns)


def test_postgres_describes_every_table_and_view(catalog: list[tuple[str, ...]]) -> None:
    described = {relation: comment for relation, _, comment, *_ in catalog}

    assert described == VIEWS | {table.name: table.comment for table in metadata.tables.values()}
    assert all(described.values())


def test_postgres_describes_every_column_of_every_table(catalog: list[tuple[str, ...]]) -> None:
    described = {(relation, column): comment for relation, kind, _, column, _, comment in catalog if kind == "r"}

    assert described == {(t.name, c.name): c.comment for t in metadata.tables.values() for c in t.columns}
    assert all(described.values())


def test_the_page_has_the_views_of_both_databases(store: Store) -> None:
    with store.reader.connect() as connection:
        views = {name: [c["name"] for c in inspect(connection).get_columns(name)] for name in VIEWS}
        assert set(inspect(connection).get_view_names()) == set(VIEWS)

    on_the_page = {name: [column for column, _ in columns] for name, columns in columns_on_the_page().items()}
    assert views == {name: on_the_page[name] for name in VIEWS}


def test_a_column_of_a_view_that_nothing_describes_is_refused() -> None:
    with pytest.raises(KeyError, match="the column extra of the view policy_gap has no description"):
        described_column("policy_gap", "extra")
