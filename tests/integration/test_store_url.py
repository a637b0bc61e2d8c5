"""The store's URL: what it may be, and what is said of any other, without repeating a password."""

from pathlib import Path

import pytest

from storage.database.engine import describe_url, parse_url, read_engine, write_engine
from storage.errors import StoreSettingsError


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:///policy.db", "sqlite"),
        ("postgresql://ann:secret@db/policies", "postgresql+psycopg"),
        ("postgresql+psycopg://ann@db:5433/policies", "postgresql+psycopg"),
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
        ("postgres://ann:hunter2@db/policies", r"'postgres'; write .* postgresql\+psycopg://USER@HOST/DATABASE"),
        ("sqlite://", "a file that others can read"),
        ("sqlite:///:memory:", "a file that others can read"),
        ("postgresql://db/policies?password=hunter2", "holds password after the question mark"),
    ],
)
def test_any_other_is_refused_without_its_password(text: str, message: str) -> None:
    with pytest.raises(StoreSettingsError, match=message) as refused:
        parse_url(text)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["policy.db", "my policies.db", "what?#1.db"])
def test_a_file_is_named_alike_however_it_is_opened(tmp_path: Path, name: str) -> None:
    url = parse_url("sqlite:///policy.db").set(database=str(tmp_path / name))

    assert describe_url(read_engine(url).url) == describe_url(write_engine(url).url) == describe_url(url)
    assert "mode=ro" not in describe_url(read_engine(url).url)


def test_a_plain_file_is_named_as_in_the_settings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"

    assert describe_url(read_engine(parse_url(url)).url) == url
