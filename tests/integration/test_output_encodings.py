"""What commands print where letters are missing: in encodings other than UTF-8, and in pipes of any width."""

import json
import os
import sys
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

import pytest

from console.main import main
from tests.support.bots import environment, order, write_bot
from tests.support.command import command
from tests.support.families import product_of

AS_OF = datetime(2026, 4, 26, tzinfo=UTC)
SYMBOLS = (
    *("BTC/USDT:USDT", "BTC/USDT:USDC", "\u5e01\u5b89\u4eba\u751fUSDT", "\u5e01\u5b89\u4eba\u6b7bUSDT", "B\u00d6RSE"),
    *("BTC-27NOV26-120000-C/USDT:USDT-261127-CALL-A", "BTC-27NOV26-120000-C/USDT:USDT-261127-CALL-B"),
)
COMMANDS = ("latest", "health", "costs", "drift", "check", "history", "explain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot with symbols in several alphabets and of many letters, and one published run."""
    folder = tmp_path_factory.mktemp("bot")
    write_bot(folder, AS_OF)
    rows = [
        order(number, AS_OF - timedelta(hours=number + 1), symbol, fallback=False, slippage_bps=1.0)
        for symbol in SYMBOLS
        for number in range(3)
    ]
    log = folder / "logs" / "more.jsonl"
    log.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    assert command(folder, "once", "--as-of", AS_OF.isoformat()).returncode == 0
    return folder


def printed(folder: Path, encoding: str, *arguments: str) -> str:
    """Return what a command prints to a pipe of an encoding, after it has succeeded; `check` may find something."""
    pipe = BytesIO()
    stream = TextIOWrapper(pipe, encoding=encoding, write_through=True)
    with (
        chdir(folder),
        patch.object(sys, "argv", ["router-policy", *arguments]),
        patch.dict(os.environ, environment() | {"COLUMNS": "40"}, clear=True),
        patch.object(sys, "stdout", stream),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 0 or arguments[0] == "check"
    return pipe.getvalue().decode(encoding)


@product_of("name, encoding", COMMANDS, ["latin-1", "ascii", "cp1252", "koi8-r", "gb18030", "utf-8"])
def test_every_command_prints_in_every_encoding(folder: Path, encoding: str, name: str) -> None:
    for symbol in SYMBOLS if name in ("history", "explain") else ("",):
        assert printed(folder, encoding, name, *filter(None, [symbol]))


@product_of(
    "encoding, arguments",
    ["latin-1", "ascii", "koi8-r", "utf-8"],
    [("latest",), ("health",), ("once", "--as-of", AS_OF.isoformat())],
)
def test_in_a_pipe_each_symbol_stands_whole_in_a_line_of_its_own(
    folder: Path, encoding: str, arguments: tuple[str, ...]
) -> None:
    lines = printed(folder, encoding, *arguments).splitlines()

    for symbol in SYMBOLS:
        written = symbol.encode(encoding, "backslashreplace").decode(encoding)
        # Execution health names a symbol once more in its list of findings.
        assert sum(f" {written} " in f" {line} " for line in lines) >= 1, written
