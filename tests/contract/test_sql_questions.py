"""docs/sql.md: every query of the page gives the answer that was worked out by hand, on both databases."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Row, text

from docs.generators.documented_queries import DocumentedQuery, datasette_metadata, read_documented_queries
from storage.store import Store
from tests.support.small_history import publish_small_history
from tests.support.small_history_answers import ANSWERS, BITCOIN, Rows

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


AT_A_TIME = [
    (question, parameters, rows)
    for question in QUESTIONS
    for parameters, rows in ANSWERS[question.name]
    if "at" in parameters
]


@pytest.mark.parametrize(
    "written",
    [
        lambda at: at.replace(" ", "T") + "Z",  # as the commands and the API print it
        lambda at: at.replace(" ", "T") + ".000+00:00",
        lambda at: (datetime.fromisoformat(at) + timedelta(hours=2)).isoformat() + "+02:00",
    ],
)
def test_a_time_may_be_in_every_form_that_the_product_prints(
    small_history: Store, written: Callable[[str], str]
) -> None:
    assert len(AT_A_TIME) >= 6
    for question, parameters, rows in AT_A_TIME:
        assert answer(small_history, question, {**parameters, "at": written(parameters["at"])}) == rows


@pytest.mark.parametrize("valid_from", ["2025-03-04 00:20:00.123456", "2025-03-04 00:20:00.123987"])
def test_a_time_copied_from_a_row_with_its_fraction_gives_that_row(valid_from: str) -> None:
    (question,) = (question for question in QUESTIONS if question.name == "what-was-in-force-for-a-symbol-at-a-time")
    columns = "maker_first, taker_bias, quality, regime, valid_from, valid_to, origin, override_author, reason"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"create table policy_history (scope, symbol, {columns})")
        connection.execute(
            "insert into policy_history (scope, symbol, valid_from) values ('default', 'BTCUSDT', ?)", [valid_from]
        )
        rows = connection.execute(question.queries["sqlite"], {**BITCOIN, "at": valid_from}).fetchall()

    assert [row[4] for row in rows] == [valid_from]


def test_the_table_of_orders_that_the_page_makes_joins_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half_past, eight = datetime(2025, 3, 4, 0, 30, tzinfo=UTC), "2025-03-04T10:00:00+02:00"
    lines = [
        {"symbol": "BTCUSDT", "ts": half_past.timestamp() + 0.25, "slippage_bps": 3.0},
        {"symbol": "ETHUSDT", "ts": eight},
        {"symbol": "ETHUSDT", "ts": eight, "event": "position_close"},
    ]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "order_metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    (recipe,) = re.findall(r"```python\n(.*?)```", (DOCS / "sql.md").read_text(), flags=re.DOTALL)

    exec(compile(recipe, "docs/sql.md", "exec"), {})

    with closing(sqlite3.connect("orders.db")) as own:
        assert own.execute("select * from orders").fetchall() == [
            ("BTCUSDT", "2025-03-04 00:30:00.250", 3.0),
            ("ETHUSDT", "2025-03-04 08:00:00.000", None),
        ]


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
