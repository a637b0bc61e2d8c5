"""The folder for temporary files while other processes make theirs and remove abandoned ones."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from jobs.engines.temporary_folder import temporary_folder


def _use_folders(count: int) -> int:
    for _ in range(count):
        with temporary_folder() as folder:
            (folder / "rows").write_text("1\n")
            assert (folder / "rows").read_text() == "1\n"
    return count


def test_no_process_removes_the_folder_of_another_that_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(_use_folders, [150] * 4)) == [150] * 4

    assert list(tmp_path.iterdir()) == []
