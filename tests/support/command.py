"""`router-policy` in this very process: what a command does, prints and ends with, without the start of a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from console.main import main
from tests.support.bots import environment


def command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; not for `run`, which sets up signals and messages for its whole process."""
    assert arguments[:1] != ("run",)
    printed, complained = StringIO(), StringIO()
    with _as_in(folder, arguments, variables), redirect_stdout(printed), redirect_stderr(complained):
        code = _code_of_main()
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), complained.getvalue())


@contextmanager
def _as_in(folder: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> Iterator[None]:
    with (
        chdir(folder),
        patch.object(sys, "argv", ["router-policy", *arguments]),
        patch.object(sys.modules["__main__"], "__package__", None),  # `python -m pytest` is not what the help names
        patch.dict(os.environ, environment() | variables, clear=True),
    ):
        yield


def _code_of_main() -> int:
    """Return the exit code that the process would have."""
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
