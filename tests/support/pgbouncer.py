"""A pgbouncer between the tests and their Postgres, if this machine has one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.support.postgres import short_folder
from tests.support.waiting import wait_until

_PORT = 6432
# In session pooling each client keeps a connection of the server for as long as it is connected.
POOL_SIZES = {"transaction": 4, "session": 50}
_SETTINGS = """
[databases]
* = host={server} user=postgres
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {pool_mode}
default_pool_size = {pool_size}
logfile = {folder}/log
"""


@contextmanager
def pooled(url: str, pool_mode: str) -> Iterator[str]:
    """Start a pgbouncer before the server of a URL, give the URL through it, and stop it.

    Skips the test if pgbouncer is not installed.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    folder, user = short_folder(), "pgserver" if os.geteuid() == 0 else None
    settings = _SETTINGS.format(
        server=make_url(url).query["host"],
        port=_PORT,
        folder=folder,
        pool_mode=pool_mode,
        pool_size=POOL_SIZES[pool_mode],
    )
    (folder / "pgbouncer.ini").write_text(settings)
    if user is not None:
        for path in (folder, folder / "pgbouncer.ini"):
            shutil.chown(path, user)
    process = subprocess.Popen([program, "-q", str(folder / "pgbouncer.ini")], user=user, stderr=subprocess.DEVNULL)
    through = make_url(url).set(query={"host": str(folder), "port": str(_PORT)}).render_as_string(hide_password=False)
    try:
        wait_until(lambda: _answers(through, folder), "pgbouncer answers")
        yield through
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str, folder: Path) -> bool:
    try:
        psycopg.connect(url.replace("+psycopg", "")).close()
    except psycopg.OperationalError:
        assert folder.is_dir()
        return False
    return True
