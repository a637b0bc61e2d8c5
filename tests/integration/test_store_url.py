"""The store's URL: what it may be, and what is said of any other, without repeating a password."""

from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import router_policy_client.database
from jobs.plan import Location
from jobs.sources.database import spool
from policy.window import Window
from storage.database.engine import describe_url, parse_url, read_engine, write_engine
from storage.errors import StoreSettingsError


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:///policy.db", "sqlite"),
        ("postgresql://ann:secret@db/policies", "postgresql+psycopg"),
        ("postgresql+psycopg://ann@db:5433/policies", "postgresql+psycopg"),
        ("postgres://ann:secret@db/policies", "postgresql+psycopg"),
        ("postgres+asyncpg://ann:secret@db/policies", "postgresql+psycopg"),
    ],
)
def test_sqlite_files_and_postgres_databases_are_stores(text: str, driver: str) -> None:
    assert parse_url(text).drivername == driver


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no url", "cannot be read"),
        ("postgresql://ann@127.0.0.1:hunter2/policies", "cannot be read"),
        ("mysql://ann:hunter2@db/policies", "SQLite or Postgres"),
        ("sqlite://", "a file that others can read"),
        ("sqlite:///:memory:", "a file that others can read"),
        ("postgresql://db/policies?password=hunter2", "holds password after the question mark"),
    ],
)
def test_any_other_is_refused_without_its_password(text: str, message: str) -> None:
    with pytest.raises(StoreSettingsError, match=message) as refused:
        parse_url(text)

    assert "hunter2" not in str(refused.value)


LETTERS = st.text(st.sampled_from("abc:/?#,%"), max_size=6)


@given(before=LETTERS, after=LETTERS, hosts=st.sampled_from(["db", "db:5432", "one:1,two:2", "[::1]:5432"]))
@example(before="ab", after="c/ab", hosts="db")
@example(before="ab", after="c?ab", hosts="db")
def test_no_part_of_a_password_with_an_at_sign_is_repeated(before: str, after: str, hosts: str) -> None:
    """Wherever else the text of a password might end: each reader of URLs refuses it and repeats nothing of it."""
    text = f"postgresql://ann:hunter{before}@hunter{after}@{hosts}/policies"

    for read in (parse_url, router_policy_client.database.parse_url, _read_source):
        with pytest.raises(ValueError, match=r"URL|url") as refused:
            read(text)
        assert "hunter" not in "".join(format_exception(refused.value))


def _read_source(text: str) -> None:
    location = Location(url=text, query="select 1")
    spool(location, Window(as_of=datetime(2026, 4, 26, tzinfo=UTC)), Path("nowhere"), "orders")


@given(password=st.text(st.characters(codec="ascii", exclude_characters="%"), min_size=1, max_size=8))
def test_a_password_that_is_escaped_is_taken_whole_and_not_printed(password: str) -> None:
    text = f"postgresql://ann:{quote(password, safe='')}@one:1,two:2/policies"

    for read, describe in (
        (parse_url, describe_url),
        (router_policy_client.database.parse_url, router_policy_client.database.describe),
    ):
        assert read(text).password == password
        assert describe(read(text)).startswith("postgresql+psycopg://ann:***@/policies")


@pytest.mark.parametrize("name", ["policy.db", "my policies.db", "what?#1.db"])
def test_a_file_is_named_alike_however_it_is_opened(tmp_path: Path, name: str) -> None:
    url = parse_url("sqlite:///policy.db").set(database=str(tmp_path / name))

    assert describe_url(read_engine(url).url) == describe_url(write_engine(url).url) == describe_url(url)
    assert "mode=ro" not in describe_url(read_engine(url).url)


def test_a_plain_file_is_named_as_in_the_settings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"

    assert describe_url(read_engine(parse_url(url)).url) == url
