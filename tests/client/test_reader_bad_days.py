"""The reader where what is around it fails: disks, servers that are frozen, clocks and loggers of the bot's own."""

import logging
import os
import threading
from pathlib import Path

import pytest

import router_policy_client.memory as memory_module
from router_policy_client import PolicyReader, ReaderSettingsError, Status
from storage.store import Store
from tests.runs import QUARTER, SLOT, publish
from tests.waiting import wait_until


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a SQLite store with one run."""
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
    return url


class Unhashable(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise ValueError("no hash")


def test_a_symbol_that_no_mapping_takes_is_missing(url: str) -> None:
    with PolicyReader(url, watch=False) as reader:
        assert reader.refresh()
        assert reader.get(Unhashable("BTCUSDT")).status is Status.MISSING


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e10])
def test_a_pause_between_looks_is_a_time_that_passes(url: str, seconds: float) -> None:
    with pytest.raises(ReaderSettingsError, match="poll_seconds must be more than 0 and at most an hour"):
        PolicyReader(url, poll_seconds=seconds)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_the_first_look_is_not_waited_for_without_end(url: str, seconds: float) -> None:
    with pytest.raises(ReaderSettingsError, match="first_read_seconds must be from 0 to an hour"):
        PolicyReader(url, first_read_seconds=seconds)


def test_what_could_not_be_kept_is_kept_as_soon_as_that_works(url: str, tmp_path: Path) -> None:
    kept = tmp_path / "not there yet" / "kept.json"
    with PolicyReader(url, watch=False, last_known_path=kept) as reader:
        assert reader.refresh()
        assert "could not be kept" in str(reader.status.last_error)
        kept.parent.mkdir()
        assert reader.refresh()  # at which nothing has changed
    with PolicyReader("sqlite:////not/there.db", watch=False, last_known_path=kept) as other:
        assert other.get("BTCUSDT").status is Status.MISSING  # what was kept is of another store
    with PolicyReader(url, watch=False, last_known_path=kept) as again:
        assert again.get("BTCUSDT").slot == SLOT


def test_the_file_stays_where_it_was_named_though_the_process_moves(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with PolicyReader(url, watch=False, last_known_path="kept.json") as reader:
        (tmp_path / "elsewhere").mkdir()
        os.chdir(tmp_path / "elsewhere")
        assert reader.refresh()

    assert (tmp_path / "kept.json").is_file()


def test_two_readers_of_one_file_never_leave_it_damaged(url: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    with (
        PolicyReader(url, watch=False, last_known_path=kept) as one,
        PolicyReader(url, watch=False, last_known_path=kept) as other,
        Store(url) as store,
    ):
        for number in range(1, 6):
            publish(store, SLOT + number * QUARTER)
            threads = [threading.Thread(target=reader.refresh) for reader in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with PolicyReader(url, watch=False, last_known_path=kept) as restarted:
                assert restarted.get("BTCUSDT").slot == SLOT + number * QUARTER
        assert (one.status.last_error, other.status.last_error) == (None, None)
    assert sorted(path.name for path in tmp_path.iterdir() if "kept" in path.name) == ["kept.json"]


def test_a_logging_filter_that_fails_does_not_end_the_watch(url: str) -> None:
    def fail(_: logging.LogRecord) -> bool:
        raise OSError("the filter's own fault")

    logger = logging.getLogger("router_policy_client")
    logger.addFilter(fail)
    logger.setLevel(logging.INFO)
    try:
        with PolicyReader(url, interval_seconds=1e9) as reader, Store(url) as store:
            publish(store, SLOT + QUARTER)
            wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + QUARTER, "the second run is seen")
            assert reader.status.is_watching
    finally:
        logger.removeFilter(fail)
        logger.setLevel(logging.NOTSET)


def test_a_look_that_does_not_end_is_told_and_waited_for_no_longer_than_some_seconds(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "_TURN_SECONDS", 0.2)
    with PolicyReader(url, watch=False) as reader:
        assert reader.refresh()
        assert reader.status.is_reachable
        ends = threading.Event()
        began = threading.Event()

        def frozen() -> list[memory_module.Row]:
            began.set()
            ends.wait(30)
            return []

        stuck = threading.Thread(target=reader._memory.take, args=(frozen,))
        stuck.start()
        try:
            assert began.wait(30)
            assert reader.refresh() is False
            wait_until(lambda: not reader.status.is_reachable, "the reader says that nothing answers")
            assert reader.get("BTCUSDT").slot == SLOT
        finally:
            ends.set()
            stuck.join()
        assert reader.refresh()
        assert reader.status.is_reachable
