"""The reader where what is around it fails: disks, servers that are frozen, clocks and loggers of the bot's own."""

import logging
import os
import threading
import warnings
from datetime import datetime
from multiprocessing import Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import router_policy_client.policy_cache as cache_module
import router_policy_client.reader as reader_module
from router_policy_client import PolicyReader, ReaderSettingsError, Status
from router_policy_client.rows import Row
from storage.database.engine import is_wal_safe, sqlite_driver
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.waiting import wait_until


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


def test_policies_that_could_not_be_saved_are_saved_as_soon_as_possible(url: str, tmp_path: Path) -> None:
    kept = tmp_path / "not there yet" / "kept.json"
    with PolicyReader(url, watch=False, last_known_path=kept) as reader:
        assert reader.refresh()
        assert "could not be saved" in str(reader.status.last_error)
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
        PolicyReader(url, watch=False, last_known_path=kept) as first,
        PolicyReader(url, watch=False, last_known_path=kept) as other,
        Store(url) as store,
    ):
        for number in range(1, 6):
            publish(store, SLOT + number * QUARTER)
            threads = [threading.Thread(target=reader.refresh) for reader in (first, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with PolicyReader(url, watch=False, last_known_path=kept) as restarted:
                assert restarted.get("BTCUSDT").slot == SLOT + number * QUARTER
        assert (first.status.last_error, other.status.last_error) == (None, None)
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
    monkeypatch.setattr(cache_module, "_TURN_SECONDS", 0.2)
    with PolicyReader(url, watch=False) as reader:
        assert reader.refresh()
        assert reader.status.is_reachable
        ends = threading.Event()
        began = threading.Event()

        def frozen() -> list[Row]:
            began.set()
            ends.wait(30)
            return []

        stuck = threading.Thread(target=reader._cache.refresh, args=(frozen,))
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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"interval_seconds": "900"}, "interval_seconds must be a number, was '900'"),
        ({"interval_seconds": None}, "interval_seconds must be a number, was None"),
        ({"first_read_seconds": True}, "first_read_seconds must be a number, was True"),
        ({"poll_seconds": "5"}, "poll_seconds must be a number, was '5'"),
        ({"fallbacks": {"missing": 1}}, "fallbacks must be a Fallbacks"),
    ],
)
def test_a_setting_of_another_kind_is_refused_at_once(url: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ReaderSettingsError, match=message):
        PolicyReader(url, **settings)


def test_a_port_that_is_no_number_is_refused_at_once() -> None:
    with pytest.raises(ReaderSettingsError, match="URL is neither SQLite nor Postgres"):
        PolicyReader("postgresql://here:there/database")


def test_a_reading_that_was_kept_is_not_handed_out_again_when_the_clock_is_set_back(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, elapsed = SLOT.timestamp() + 600.0, 1000.0
    monkeypatch.setattr(reader_module, "time", lambda: wall)
    monkeypatch.setattr(reader_module, "monotonic", lambda: elapsed)
    with PolicyReader(url, watch=False) as reader:
        assert reader.refresh()
        assert reader.get("BTCUSDT").status is Status.FRESH
        wall, elapsed = wall + 0.4, elapsed + 9000.0  # hours pass, then the clock is set back

        assert (reader.get("BTCUSDT").status, reader.get("BTCUSDT").age_seconds) == (Status.EXPIRED, 9600.0)


def test_a_scope_that_has_no_run_is_reported_once(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with PolicyReader(url, scope="defualt", watch=False) as reader:
        assert reader.refresh()
        assert reader.refresh()

    warnings = [record.message for record in caplog.records if "has no policy of scope 'defualt'" in record.message]
    assert len(warnings) == 1


def test_a_clock_that_fails_does_not_let_a_look_fail_with_it(url: str) -> None:
    fails = False

    def now() -> datetime:
        if fails:
            raise OSError("no clock")
        return SLOT

    with PolicyReader(url, watch=False, now=now) as reader:
        fails = True

        assert reader.refresh() is False


@pytest.mark.parametrize("path", ["/", "kept\0.json"])
def test_a_path_that_none_can_be_costs_only_what_would_have_been_kept(url: str, path: str) -> None:
    with PolicyReader(url, watch=False, last_known_path=path) as reader:
        assert reader.refresh()
        assert reader.status.is_reachable
        assert "could not be saved" in str(reader.status.last_error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two other users")
@pytest.mark.skipif(
    not is_wal_safe(sqlite_driver().sqlite_version_info), reason="only in WAL mode a reader makes files of its own"
)
@pytest.mark.parametrize("is_open_in_its_service", [False, True])
def test_a_reader_that_may_not_write_never_locks_the_service_out(is_open_in_its_service: bool) -> None:
    with TemporaryDirectory(prefix="router-policy-") as folder:
        Path(folder).chmod(0o777)
        path = Path(folder) / "policy.db"
        with Store(f"sqlite:///{path}") as store:
            store.set_up()
            publish(store, SLOT)
        path.chmod(0o644)
        service = Store(f"sqlite:///{path}") if is_open_in_its_service else None
        if service is not None:
            service.now()

        output = as_user(23002, path)

        assert output.startswith("fresh" if is_open_in_its_service else "missing")
        assert ("is not open in its service" in output) is not is_open_in_its_service
        for made in Path(folder).iterdir():
            assert made.stat().st_uid == 0, made
        if service is not None:
            service.close()


def as_user(user: int, path: Path) -> str:
    """Read a store as another user, and say what status that gave and what went wrong."""
    ours, theirs = Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads may be running
        child = os.fork()
    if child == 0:
        try:
            os.setuid(user)
            with PolicyReader(f"sqlite:///{path}", watch=False, interval_seconds=1e9) as reader:
                reader.refresh()
                theirs.send(f"{reader.get('BTCUSDT').status} {reader.status.last_error}")
        finally:
            os._exit(0)
    theirs.close()
    try:
        assert ours.poll(60), "the child sent nothing"
        return str(ours.recv())
    finally:
        os.waitpid(child, 0)
