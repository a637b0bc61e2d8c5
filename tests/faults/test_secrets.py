"""A password in the settings: no error path, no record and no digest shows it."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.errors import StoreUnavailableError
from storage.store import Store
from tests.support.bots import run_command, start_command, write_bot
from tests.support.command import command
from tests.support.waiting import wait_until

MARKER = "hunter2-marker"
AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
AT = "2026-04-26T00:15:00Z"
# What a library writes past Python's own streams is seen only there.
IN_A_PROCESS = {"check"}
NOBODY = f"postgresql+psycopg://ann:{MARKER}@127.0.0.1:1/policies"


def output_of(run: subprocess.CompletedProcess[str]) -> str:
    return run.stdout + run.stderr


@pytest.mark.parametrize("name", ["check", "once", "latest", "head", "verify", "init"])
def test_a_store_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path, name: str) -> None:
    write_bot(tmp_path, AS_OF, store=NOBODY)

    failed = run_command(tmp_path, name) if name in IN_A_PROCESS else command(tmp_path, name)

    assert failed.returncode == 1
    assert "127.0.0.1" in output_of(failed)
    assert MARKER not in output_of(failed)


def test_a_store_that_run_waits_for_is_named_without_its_password(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF, store=NOBODY)
    messages = tmp_path / "messages.log"
    process = start_command(tmp_path, "run")
    try:
        wait_until(lambda: messages.read_text().count("waiting for the store") > 1, "run waits, and tries again")
    finally:
        process.terminate()
        process.wait(30)

    assert "127.0.0.1" in messages.read_text()
    assert MARKER not in messages.read_text()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://ann@127.0.0.1:1/policies?password={MARKER}",
        f"mysql://ann:{MARKER}@127.0.0.1/policies",
        f"{MARKER}",
        f"postgresql+psycopg://ann:{MARKER}@127.0.0.1:port/policies",
        f"postgresql+psycopg://ann:first@{MARKER}@127.0.0.1/policies",
    ],
)
def test_a_store_url_that_cannot_be_used_is_not_repeated(tmp_path: Path, url: str) -> None:
    write_bot(tmp_path, AS_OF, store=url)

    run = run_command if ":port/" in url else command  # what an error that nobody expects prints is seen only there
    for variables in ({}, {"ROUTER_POLICY_STORE__URL": url}):
        failed = run(tmp_path, "once", "--as-of", AT, **variables)
        assert failed.returncode != 0
        assert MARKER not in output_of(failed)


@pytest.fixture
def database_source(tmp_path: Path) -> Path:
    """Settings whose orders come from a database that cannot be reached."""
    (tmp_path / "router-policy.toml").write_text(
        f"""
[store]
url = "sqlite:///policy.db"
[orders]
kind = "canonical"
url = "{NOBODY}"
query = "select 1"
"""
    )
    return tmp_path


def test_a_source_that_cannot_be_reached_is_recorded_without_its_password(database_source: Path) -> None:
    for arguments in (["check"], ["once", "--as-of", AT]):
        run = command(database_source, *arguments)
        assert run.returncode == 1
        assert MARKER not in output_of(run)

    url = f"sqlite:///{database_source / 'policy.db'}"
    with Store(url) as store, store.reader.connect() as connection:
        errors = connection.scalars(text("select error from policy_run_failure")).all()
    assert len(errors) == 1
    assert all(MARKER not in path.read_bytes().decode("latin-1") for path in database_source.glob("policy.db*"))


def test_the_password_would_be_seen_in_a_plain_url() -> None:
    with Store(NOBODY) as store:
        assert MARKER in store.url.render_as_string(hide_password=False)
        assert MARKER not in repr(store)
        with pytest.raises(StoreUnavailableError) as refused:
            store.now()
    assert MARKER not in f"{refused.value!r} {refused.value.__cause__!r}"
