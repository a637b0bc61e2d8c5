"""docs/sql.md: every query of the page gives the answer that was worked out by hand, on both databases."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Row, text

from docs.generators.documented_queries import DocumentedQuery, datasette_metadata, read_documented_queries
from storage.store import Store
from tests.support.small_history import publish_small_history
from tests.support.small_history_answers import ANSWERS, Rows

DOCS = Path(__file__).parents[2] / "docs"
QUESTIONS = read_documented_queries((DOCS / "sql.md").read_text())


@pytest.fixture(scope="module")
def small_history(module_store: Store) -> Store:
    """A store that holds the small history; nothing here changes it."""
    publish_small_history(module_store)
    return module_store


def as_text(value: object) -> object:
    """Write times and days as SQLite keeps them, so that one answer stands for both databases."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def answer(store: Store, question: DocumentedQuery, parameters: dict[str, str]) -> Rows:
    query = text(question.queries[store.url.get_backend_name()])
    with store.reader.connect() as connection:
        rows: list[Row[tuple[object, ...]]] = list(connection.execute(query, parameters))
    return [tuple(map(as_text, row)) for row in rows]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_query_of_the_page_gives_the_answer_worked_out_by_hand(
    small_history: Store, question: DocumentedQuery
) -> None:
    for parameters, rows in ANSWERS[question.name]:
        assert answer(small_history, question, parameters) == rows


def test_every_question_of_the_page_has_an_answer_and_every_answer_a_question() -> None:
    assert [question.name for question in QUESTIONS] == list(ANSWERS)
    assert all(ANSWERS.values())


def test_the_page_has_at_least_twelve_questions() -> None:
    assert len(QUESTIONS) >= 12


def test_the_explorer_has_the_queries_of_the_page() -> None:
    written = (DOCS.parent / "console" / "files" / "datasette.yml").read_text()

    assert written == datasette_metadata(QUESTIONS), (
        "run: python -m docs.generators.documented_queries < docs/sql.md > console/files/datasette.yml"
    )


def test_a_query_for_both_databases_is_one_text() -> None:
    (question,) = read_documented_queries("# Page\n\n## How many?\n\nAll of\nthem.\n\n```sql\nselect 1\n```\n\nMore.\n")

    assert (question.title, question.name, question.explanation) == ("How many?", "how-many", "All of them.")
    assert question.queries == {"sqlite": "select 1", "postgresql": "select 1"}


def test_a_query_in_two_forms_is_one_for_each_database() -> None:
    page = "## A?\n\n```sql\n-- Postgres\nselect 2\n```\n\n```sql\n-- SQLite\nselect 1\n```\n\n## Prose\n\nNo query.\n"

    (question,) = read_documented_queries(page)

    assert question.queries == {"sqlite": "-- SQLite\nselect 1", "postgresql": "-- Postgres\nselect 2"}


@pytest.mark.parametrize(
    "blocks",
    [
        ["select 1", "select 2"],
        ["-- SQLite\nselect 1"],
        ["-- SQLite\nselect 1", "-- SQLite\nselect 2"],
        ["-- SQLite\nselect 1", "-- Postgres\nselect 2", "select 3"],
        ["-- SQLite\nselect 1", "-- SQLite\nselect 2", "-- Postgres\nselect 3"],
    ],
)
def test_queries_that_do_not_say_their_database_are_refused(blocks: list[str]) -> None:
    page = "## Which?\n\n" + "\n".join(f"```sql\n{block}\n```\n" for block in blocks)

    with pytest.raises(ValueError, match=r"'Which\?' has . quer"):
        read_documented_queries(page)
