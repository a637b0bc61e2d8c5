"""The whole command `router-policy latest` on a small store against Python importing SQLAlchemy."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.data import Data
from benchmarks.figure import Figure, alternate, ratio, seconds_of

REPETITIONS = 21
TARGET = 2.0
_COMMAND = Path(sys.executable).with_name("router-policy")
_SETTINGS = """
[orders]
kind = "canonical"
path = "orders.csv"
"""
_ORDERS = """\
ts,symbol,maker_started,maker_filled,fallback_used,slippage_bps
2026-04-25T12:00:00Z,BTCUSDT,true,true,false,-0.5
2026-04-25T13:00:00Z,ETHUSDT,true,false,true,1.5
"""


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:  # noqa: ARG001 - it reads a store of its own
    """Time both from start to end."""
    with TemporaryDirectory(prefix="router-policy-benchmark-") as name:
        folder = Path(name)
        (folder / "router-policy.toml").write_text(_SETTINGS)
        (folder / "orders.csv").write_text(_ORDERS)
        _run(folder, str(_COMMAND), "once", "--as-of", "2026-04-26T00:00:00Z")
        seconds = alternate(
            {
                "latest": partial(seconds_of, partial(_run, folder, str(_COMMAND), "latest")),
                "import": partial(seconds_of, partial(_run, folder, sys.executable, "-c", "import sqlalchemy")),
            },
            repetitions,
        )
    how = "whole processes on a store of two symbols"
    return [ratio("router-policy latest / python -c 'import sqlalchemy'", seconds, "latest", "import", TARGET, how)]


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
