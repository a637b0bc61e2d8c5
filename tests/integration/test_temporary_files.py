"""Temporary files that cannot be made or written: one line with the remedy, and nothing is published."""

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.sources.errors import SourceError
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.outcomes import outcome, write_sqlite
from tests.support.small_runs import canonical_query, run

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
NEXT = datetime(2026, 4, 26, 0, 30, tzinfo=UTC)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("arguments", [("once", "--as-of", NEXT.isoformat()), ("costs",), ("drift",), ("check",)])
def test_without_a_folder_for_temporary_files_a_command_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    write_bot(tmp_path, AS_OF)
    for before in (("init",), ("once", "--as-of", AS_OF.isoformat())):
        assert command(tmp_path, *before).returncode == 0
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))

    done = command(tmp_path, *arguments)

    assert done.returncode == 1
    assert "no folder for temporary files can be made" in done.stderr + done.stdout
    assert "set TMPDIR to a folder in which this user may write" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_rows_of_orders_that_fill_the_folder_are_one_line(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "bot.db", [outcome(number) for number in range(2000)])

    with (
        files_of_at_most(65_536),
        pytest.raises(SourceError, match=r"orders\.query: its rows cannot be written to the"),
    ):
        run(canonical_query(url, "select * from outcome"))
