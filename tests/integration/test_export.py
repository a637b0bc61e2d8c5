"""`router-policy export`: the history as a file, whole or not at all."""

import csv
from pathlib import Path

import duckdb
import pytest

from storage.store import Store
from tests.support.command import command
from tests.support.small_history import publish_small_history


@pytest.fixture(scope="module")
def store_url(module_store: Store) -> str:
    """The URL of a store with the small history, on each database; nothing here changes it."""
    publish_small_history(module_store)
    return module_store.url.render_as_string(hide_password=False)


@pytest.fixture
def folder(tmp_path: Path, store_url: str) -> Path:
    """A folder with the settings of a bot whose store has the small history."""
    settings = f'[store]\nurl = "{store_url}"\n[orders]\npath = "logs/*.jsonl"\n'
    (tmp_path / "router-policy.toml").write_text(settings)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "history" in path.name)


def test_a_parquet_file_has_the_whole_history_of_the_scope(folder: Path) -> None:
    done = command(folder, "export", "history.parquet")
    file = folder / "history.parquet"

    assert done.stdout == (
        "history.parquet: 18 policies of 3 symbols, in force from 2025-03-03T22:00:00Z to 2025-03-04T04:30:00Z on\n"
    )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.execute(
            f"select valid_from::varchar, maker_first, override_author, codes[1].code from '{file}' "
            "where symbol = 'BTCUSDT' order by valid_from limit 1 offset 3"
        ).fetchall()
    assert rows == [("2025-03-04 00:20:00+00", False, "ann", "fallback_ratio_degraded")]
    assert names(folder) == ["history.parquet"]


def test_a_csv_file_has_what_was_asked_for(folder: Path) -> None:
    bounds = ("--since", "2025-03-04T01:00", "--until", "2025-03-04T04:00")

    done = command(folder, "export", "history.csv", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT", *bounds)

    assert done.returncode == 0, done.stderr
    with (folder / "history.csv").open(newline="") as content:
        rows = [(row["symbol"], row["valid_from"]) for row in csv.DictReader(content)]
    assert rows == [
        ("BTCUSDT", "2025-03-04T01:00:00Z"),
        ("ETHUSDT", "2025-03-04T01:00:00Z"),
        ("BTCUSDT", "2025-03-04T01:30:00Z"),
    ]


def test_another_scope_is_exported_by_its_name(folder: Path) -> None:
    assert command(folder, "export", "history.csv", "--scope", "paper").stdout.startswith(
        "history.csv: 1 policy of 1 symbol, "
    )


def test_a_file_is_replaced_only_by_force(folder: Path) -> None:
    file = folder / "history.csv"
    file.write_text("mine")

    refused = command(folder, "export", "history.csv")

    assert (refused.returncode, file.read_text()) == (2, "mine")
    assert "history.csv exists already; give another name, or --force to replace it" in refused.stderr
    assert command(folder, "export", "history.csv", "--force").returncode == 0
    assert file.read_text().startswith("valid_from,")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--symbol", "btc-usdt"), "no policy for 'btc-usdt' in scope 'default'; is it BTCUSDT?"),
        (("--scope", "live"), "no policy yet in scope 'live'"),
        (("--symbol", "BTCUSDT", "--since", "2025-03-05"), "no policy of 'BTCUSDT' came into force in that time"),
        (("--until", "2025-03-03"), "no policy came into force in that time in scope 'default'"),
    ],
)
def test_an_export_of_nothing_leaves_what_was_there(folder: Path, options: tuple[str, ...], message: str) -> None:
    (folder / "history.parquet").write_text("older")

    done = command(folder, "export", "history.parquet", "--force", *options)

    assert done.returncode == 1
    assert message in done.stderr
    assert (folder / "history.parquet").read_text() == "older"
    assert names(folder) == ["history.parquet"]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("history.xlsx", 2, "history.xlsx: the name must end with .parquet or .csv"),
        ("nowhere/history.csv", 1, "nowhere/history.csv cannot be written: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(folder: Path, name: str, code: int, message: str) -> None:
    done = command(folder, "export", name)

    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_without_pyarrow_parquet_is_refused_with_the_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.history_file.find_spec", lambda _: None)

    assert "pip install '.[export]', or write a .csv" in command(folder, "export", "history.parquet").stderr
