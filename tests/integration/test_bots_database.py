"""A bot's SQLite database: every command reads all of it, as any user, and leaves the bot and its files as they are."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.sources.errors import SourceError
from tests.support.command import command
from tests.support.outcomes import outcome
from tests.support.small_runs import AS_OF, canonical_query, run
from tests.support.waiting import wait_until

ALL = "select * from outcome"
BOT_USER, SERVICE_USER, GROUP = 12345, 23456, 5555
NOW = datetime.now(UTC)
BETWEEN_ORDERS_SECONDS = 0.002
COMMANDS = (("check",), ("once",), ("costs",), ("drift",))

as_other_users = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
each_journal = pytest.mark.parametrize("journal", ["wal", "delete"])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; the folders of tmp_path they may not."""
    with tempfile.TemporaryDirectory(prefix="router-policy-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def open_bot(file: Path, journal: str) -> sqlite3.Connection:
    """Open the bot's database as a bot does that waits half a second for others."""
    connection = sqlite3.connect(file, timeout=0.5)
    connection.execute(f"pragma journal_mode = {journal}")
    connection.execute(
        "create table if not exists outcome (ts, symbol, maker_started, maker_filled, fallback_used, slippage_bps)"
    )
    return connection


def write_order(connection: sqlite3.Connection, at: datetime = AS_OF - timedelta(hours=1)) -> None:
    values = [at.replace(tzinfo=None).isoformat(sep=" "), *list(outcome(1).values())[2:3], 1, 1, 0, 1.0]
    with connection:
        connection.execute("insert into outcome values (?, ?, ?, ?, ?, ?)", values)


def bot_with(file: Path, journal: str, order_count: int) -> sqlite3.Connection:
    connection = open_bot(file, journal)
    for _ in range(order_count):
        write_order(connection)
    return connection


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The owner and the content of each file; the index in shared memory is the bot's own bookkeeping of readers."""
    return {
        path.name: (path.stat().st_uid, b"" if path.name.endswith("-shm") else path.read_bytes())
        for path in sorted(folder.iterdir())
    }


def count_orders(file: Path) -> int:
    return run(canonical_query(f"sqlite:///{file}", ALL)).event_count


@each_journal
def test_all_that_a_running_bot_wrote_is_read_and_its_files_stay_as_they_are(tmp_path: Path, journal: str) -> None:
    bot = bot_with(tmp_path / "bot.db", journal, 7)
    before = files_of(tmp_path)

    assert count_orders(tmp_path / "bot.db") == 7
    assert files_of(tmp_path) == before
    write_order(bot)
    assert count_orders(tmp_path / "bot.db") == 8


@each_journal
def test_a_stopped_bot_is_read_and_nothing_appears_beside_its_database(tmp_path: Path, journal: str) -> None:
    bot_with(tmp_path / "bot.db", journal, 7).close()
    before = files_of(tmp_path)

    assert count_orders(tmp_path / "bot.db") == 7
    assert files_of(tmp_path) == before
    assert list(before) == ["bot.db"]


def test_what_a_killed_bot_left_in_its_journal_is_read(tmp_path: Path) -> None:
    with in_child(lambda: bot_with(tmp_path / "bot.db", "wal", 7)):
        pass
    before = files_of(tmp_path)

    assert list(before) == ["bot.db", "bot.db-shm", "bot.db-wal"]
    assert count_orders(tmp_path / "bot.db") == 7
    assert files_of(tmp_path) == before


def test_a_journal_that_cannot_be_read_without_a_write_is_refused_by_name(tmp_path: Path) -> None:
    with in_child(lambda: bot_with(tmp_path / "bot.db", "wal", 7)):
        pass
    (tmp_path / "bot.db-shm").unlink()
    before = files_of(tmp_path)

    with pytest.raises(SourceError, match=r"orders\.url: .*/bot\.db-wal has changes, but .*/bot\.db-shm is missing"):
        count_orders(tmp_path / "bot.db")
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("is_running", [True, False])
def test_a_database_is_read_whole_through_a_link_to_it(tmp_path: Path, is_running: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    bot = bot_with(tmp_path / "elsewhere" / "bot.db", "wal", 7)
    if not is_running:
        bot.close()
    (tmp_path / "link.db").symlink_to("elsewhere/bot.db")
    before = files_of(tmp_path / "elsewhere")

    assert count_orders(tmp_path / "link.db") == 7
    assert files_of(tmp_path / "elsewhere") == before


def test_a_database_of_two_names_whose_changes_may_lie_beside_the_other_is_refused(tmp_path: Path) -> None:
    with in_child(lambda: bot_with(tmp_path / "bot.db", "wal", 7)):
        pass
    os.link(tmp_path / "bot.db", tmp_path / "name.db")

    with pytest.raises(
        SourceError, match=r"orders\.url: .*/name\.db has another name, and the newest changes may be in"
    ):
        count_orders(tmp_path / "name.db")
    assert count_orders(tmp_path / "bot.db") == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file")
def test_a_database_that_is_mounted_without_its_folder_is_read_only_while_the_bot_is_stopped(tmp_path: Path) -> None:
    file, mounted = tmp_path / "folder" / "bot.db", tmp_path / "mounted.db"
    file.parent.mkdir()
    bot_with(file, "wal", 7).close()
    mounted.touch()
    if subprocess.run(["mount", "--bind", file, mounted], check=False).returncode != 0:
        pytest.skip("this user may not mount a file")
    try:
        assert count_orders(mounted) == 7
        with in_child(lambda: write_and_wait(file, tmp_path / "stop")):
            try:
                wait_until((tmp_path / "stop.ready").exists, "the bot writes")
                with pytest.raises(SourceError, match=r"mounted\.db has another name"):
                    count_orders(mounted)
            finally:
                (tmp_path / "stop").touch()
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)


def write_and_wait(file: Path, stop: Path) -> None:
    bot = bot_with(file, "wal", 1)
    stop.with_suffix(".ready").touch()
    wait_until(stop.exists, "the database was looked at")
    bot.close()


@pytest.mark.parametrize("read_count", [6, pytest.param(60, marks=pytest.mark.long)])
def test_a_bot_that_opens_and_closes_its_database_for_each_order_never_finds_files_of_the_reader(
    tmp_path: Path, read_count: int
) -> None:
    file = tmp_path / "bot.db"
    bot_with(file, "wal", 1).close()

    def write_until_stopped() -> None:
        while not (tmp_path / "stop").exists():
            bot = open_bot(file, "wal")
            write_order(bot)
            bot.close()

    with in_child(write_until_stopped):
        counts = [count_orders(file) for _ in range(read_count)]
        (tmp_path / "stop").touch()

    (tmp_path / "stop").unlink()
    assert counts == sorted(counts)
    assert counts[-1] <= count_orders(file)
    bot_with(file, "wal", 0).close()
    assert list(files_of(tmp_path)) == ["bot.db"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///file:{file}?uri=true",
        "sqlite:///file:{file}?mode=ro&uri=true",
        "sqlite:///file:{file}?mode=rwc&uri=true",
        "sqlite:///file:{file}?immutable=1&uri=true",
        "sqlite:///file://{file}?mode=ro&uri=true",
        "sqlite:///file:{file}",
        "sqlite+pysqlite:///{file}?timeout=3",
    ],
)
def test_every_url_of_the_file_reads_the_same_rows_and_only_reads(tmp_path: Path, url: str) -> None:
    bot = bot_with(tmp_path / "bot.db", "wal", 7)

    def event_count(query: str) -> int:
        return run(canonical_query(url.format(file=tmp_path / "bot.db"), query)).event_count

    assert event_count(ALL) == 7
    with pytest.raises(SourceError, match=r"orders\.query: the database refused it: attempt to write"):
        event_count("delete from outcome returning *")
    write_order(bot)
    assert event_count(ALL) == 8


def test_a_file_url_is_relative_to_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "a bot's folder, 100%"
    folder.mkdir()
    bot_with(folder / "bot.db", "wal", 0).close()
    write_settings(folder, "sqlite:///file:bot.db?mode=ro&uri=true")
    bot = open_bot(folder / "bot.db", "wal")
    write_order(bot, NOW - timedelta(hours=1))

    checked = command(tmp_path, "check", "--config", str(folder / "router-policy.toml"))

    assert "1 order of 1 symbol" in checked.stdout


def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no.db", f"sqlite:///file:{tmp_path}/no.db?mode=rwc&uri=true"):
        with pytest.raises(SourceError, match=r"orders\.url: the database file .*/no\.db does not exist"):
            run(canonical_query(url, ALL))
    assert not list(tmp_path.iterdir())


@as_other_users
@pytest.mark.parametrize(
    ("journal", "may_write"),
    [
        ("wal", False),
        ("delete", True),
        pytest.param("wal", True, marks=pytest.mark.long),
        pytest.param("delete", False, marks=pytest.mark.long),
    ],
)
def test_a_bot_of_another_user_can_write_while_and_after_every_command_reads(
    open_folder: Path, loaded_commands: None, journal: str, may_write: bool
) -> None:
    bots, ours = shared_folders(open_folder, may_write=may_write)
    write_settings(ours, f"sqlite:///{bots}/bot.db")
    with in_child(lambda: write_order(open_bot(bots / "bot.db", journal), NOW - timedelta(hours=1)), BOT_USER):
        pass
    with in_child(lambda: command(ours, "init"), SERVICE_USER):
        pass

    def write_until_stopped() -> None:
        bot = open_bot(bots / "bot.db", journal)
        while not (ours / "stop").exists():
            write_order(bot, NOW - timedelta(hours=1))
            time.sleep(BETWEEN_ORDERS_SECONDS)
        bot.close()

    def read() -> None:
        for arguments in COMMANDS:
            done = command(ours, *arguments)
            assert done.returncode == 0, done.stderr + done.stdout

    with in_child(write_until_stopped, BOT_USER):
        with in_child(read, SERVICE_USER):
            pass
        (ours / "stop").touch()
    with in_child(read, SERVICE_USER):  # of the bot that has stopped
        pass
    with in_child(lambda: write_order(open_bot(bots / "bot.db", journal)), BOT_USER):
        pass

    assert {owner for owner, _ in files_of(bots).values()} == {BOT_USER}


def shared_folders(folder: Path, *, may_write: bool) -> tuple[Path, Path]:
    """Make the folder of the bot, to whose group the service belongs, and the one of the service."""
    bots, ours = folder / "bots", folder / "ours"
    for path, owner in ((bots, BOT_USER), (ours, SERVICE_USER)):
        path.mkdir()
        os.chown(path, owner, GROUP)
    bots.chmod(0o2775 if may_write else 0o2755)
    return bots, ours


@pytest.fixture(scope="module")
def loaded_commands(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let this process import what the commands need; another user may not be allowed to read it."""
    folder = tmp_path_factory.mktemp("loaded")
    write_order(open_bot(folder / "bot.db", "delete"), NOW - timedelta(hours=1))
    write_settings(folder, f"sqlite:///{folder}/bot.db")
    for arguments in (("init",), *COMMANDS):
        command(folder, *arguments)


def write_settings(folder: Path, url: str) -> None:
    (folder / "router-policy.toml").write_text(
        f'[store]\nurl = "sqlite:///policy.db"\n[orders]\nkind = "canonical"\nurl = "{url}"\nquery = "{ALL}"\n'
    )


@contextmanager
def in_child(work: Callable[[], object], user: int | None = None) -> Iterator[None]:
    """Run work in a forked process, as another user if one is named, beside the block; both must end well."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if user is not None:
                os.setgroups([GROUP])
                os.setgid(GROUP)
                os.setuid(user)
                os.umask(0o022)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the child ends here, and its parent sees the code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)  # like a kill: nothing is closed
    yield
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
