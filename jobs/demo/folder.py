"""The folder of the demo: made anew at each start, and recognised by a marker file."""

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from jobs.demo.log_rows import LogRow
from jobs.demo.market import Bar
from policy.errors import RouterPolicyError

MARKER = ".router-policy-demo"
_MARKER_TEXT = """\
Made by router-policy demo. Its next start here deletes logs, candles, router-policy.toml and router_policy.db*.
"""
_PRICES = ("open", "high", "low", "close", "volume")
SCOPE = "demo"
SCHEDULE_SECONDS = 15  # a run takes several seconds on a busy laptop
SETTINGS = f"""\
# router-policy: settings of the demo. Paths are relative to this file.
scope = "{SCOPE}"

[store]
url = "sqlite:///router_policy.db"

[orders]
kind = "order-log"
path = "logs/execution/order_metrics.jsonl"

[candles]
path = "candles/*.parquet"
interval = "15m"

[fees]                                          # those of the simulated venue
maker_bps = 2
taker_bps = 5

[rules]
name = "seed"
shadow = ["breaker"]                            # decides as well, for comparison; the bot does not follow it

[schedule]
cron = "* * * * * */{SCHEDULE_SECONDS}"                       # this often for the demo only; the sixth field is seconds
tick = "1s"
"""


class DemoFolderError(RouterPolicyError, OSError):
    """The folder does not belong to the demo, is in use by another demo, or cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFolder:
    """The files of a demo."""

    path: Path

    @property
    def settings(self) -> Path:
        """The settings file, for any command."""
        return self.path / "router-policy.toml"

    @property
    def log(self) -> Path:
        """The order log of the simulated bot."""
        return self.path / "logs" / "execution" / "order_metrics.jsonl"

    @property
    def candles(self) -> Path:
        """The folder of the candles."""
        return self.path / "candles"

    @property
    def database(self) -> Path:
        """The SQLite file of the policies."""
        return self.path / "router_policy.db"

    def append_rows(self, rows: Iterable[LogRow]) -> None:
        """Append lines to the log in one write, so that a reader rarely sees half a line."""
        text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
        with self.log.open("ab", buffering=0) as file:
            file.write(text.encode())

    def add_bars(self, bars: Iterable[Bar]) -> None:
        """Add candles as one more Parquet file, which appears complete; without candles, do nothing."""
        rows = list(bars)
        if not rows:
            return
        path = self.candles / f"{rows[0].ts:%Y%m%dT%H%MZ}.parquet"
        unfinished = path.with_suffix(".unfinished")
        _write_parquet(rows, unfinished)
        unfinished.replace(path)


@contextmanager
def fresh_folder(path: Path) -> Iterator[DemoFolder]:
    """Make the folder anew, with only the settings in it, and keep other demos out of it until the block ends.

    The files of an earlier demo are deleted. Raises DemoFolderError if the folder is not empty and not a demo's, if
    another demo uses it (nothing is touched then), or if it cannot be written.
    """
    _refuse_foreign(path)
    with _folder_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        marker = (path / MARKER).open("a+")
    with marker:
        with _folder_errors(path):
            _lock(marker, path)
            folder = DemoFolder(path=path)
            _write_anew(folder)
        yield folder


@contextmanager
def _folder_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except DemoFolderError:
        raise
    except OSError as error:
        raise DemoFolderError(f"{path} cannot be used ({error.strerror or error}); choose another folder") from error


def _refuse_foreign(path: Path) -> None:
    if not path.exists() or (path / MARKER).is_file():
        return
    if not path.is_dir() or any(path.iterdir()):
        problem = "holds files that are not a demo's" if path.is_dir() else "is not a folder"
        raise DemoFolderError(f"{path} {problem}; choose another: router-policy demo FOLDER")


def _lock(marker: TextIO, path: Path) -> None:
    """Lock the marker; the lock ends with the process, even if it is killed."""
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DemoFolderError(f"another demo is running in {path}; stop it, or choose another folder") from None


def _write_anew(folder: DemoFolder) -> None:
    for stale in (folder.candles, folder.path / "logs"):
        if stale.exists():
            shutil.rmtree(stale)
    for file in folder.path.glob(f"{folder.database.name}*"):
        file.unlink()
    (folder.path / MARKER).write_text(_MARKER_TEXT, "utf-8")
    folder.settings.write_text(SETTINGS, "utf-8")
    folder.candles.mkdir()
    folder.log.parent.mkdir(parents=True)


def _write_parquet(bars: Sequence[Bar], path: Path) -> None:
    import duckdb

    values: dict[str, object] = {name: [getattr(bar, name) for bar in bars] for name in ("symbol", *_PRICES)}
    values["ts"] = [bar.ts.replace(tzinfo=None) for bar in bars]
    prices = ", ".join(f"unnest(${name}::double[]) as {name}" for name in _PRICES)
    rows = f"select unnest($ts::timestamp[]) as ts, unnest($symbol::varchar[]) as symbol, {prices}"
    try:
        with duckdb.connect() as connection:
            connection.execute(f"create table candle as {rows}", values)
            connection.table("candle").write_parquet(str(path))
    except duckdb.Error as error:
        raise DemoFolderError(f"{path} cannot be written: {error}") from error
