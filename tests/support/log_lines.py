"""Logs written line by line in each text format: good lines, lines that are no order, line ends and compressions."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from backports import zstd

from jobs.plan import OrdersSource
from storage.records import RunResult
from tests.support.order_logs import logged
from tests.support.outcomes import NAMES, outcome
from tests.support.small_runs import canonical, counts_of, order_log

BYTE_ORDER_MARK = "\ufeff".encode()
HEADER = ",".join(NAMES).encode()
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}


# Each line begins with its time, so that tests can change what comes after it.
def logged_line(number: int) -> bytes:
    row = logged(number)
    return json.dumps({"ts": row["ts"]} | row).encode()


def canonical_line(number: int) -> bytes:
    row = outcome(number)
    return json.dumps({"ts": row["ts"]} | row, default=str).encode()


def csv_line(number: int, *, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> bytes:
    row = outcome(number)
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="").writerow(
        ["" if row[name] is None else row[name] for name in NAMES]
    )
    return text.getvalue().encode()


def quoted_line(number: int) -> bytes:
    return csv_line(number, quoting=csv.QUOTE_ALL)


LINES: dict[str, tuple[Callable[[int], bytes], str]] = {
    "order log": (logged_line, "jsonl"),
    "canonical": (canonical_line, "jsonl"),
    "CSV": (csv_line, "csv"),
    "CSV in quotes": (quoted_line, "csv"),
}
BROKEN_JSON = [
    b"{",
    b"\0" * 9,
    b'\0{"ts": 1}',
    b'{"a": "\xff"}',
    b"{} {}",
    b"[{}]",
    b"7",
    b"null",
    b'{"ts": "2026',
    b"ts,symbol",
    b"\x85",
]
BROKEN_CSV = [
    b"2026-04-25T23:00:00Z,BTCUSDT,true",
    b"2026-04-25T23:00:00Z,BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,,surplus",
    b'2026-04-25T23:00:00Z,"BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,',
    b'2026-04-25T23:00:00Z,BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,"',
    b'2026-04-25T23:00:00Z,"BTCUSDT"x,true,true,false,1.0,order-9,BUY,100.0,',
    b"2026-04-25T23:00:00Z,BTC\xff\xfeUSDT,true,true,false,1.0,order-9,BUY,100.0,",
    b"2026-04-25T23:00:00Z,BTC\0USDT,true,true,false,1.0,order-9,BUY,100.0,",
    b'""""',
    b"# a note",
    b"\0\0\0\0",
    HEADER,
]


def source_of(kind: str, path: Path) -> OrdersSource:
    return order_log(path) if kind == "order log" else canonical(path)


def rejected_count(result: RunResult, source: str = "orders") -> int:
    return sum(counts_of(result, source).values())


def write_file(kind: str, path: Path, lines: Sequence[bytes], ends: Sequence[bytes], *, has_mark: bool) -> None:
    """Write lines, each with its end, below a header if the format has one; compressed if the name says so."""
    header = [HEADER] if LINES[kind][1] == "csv" else []
    ends = [ends[0], *ends] if header else ends
    content = b"".join(line + end for line, end in zip([*header, *lines], ends, strict=True))
    path.write_bytes(
        COMPRESSIONS[path.suffix if path.suffix in COMPRESSIONS else ""](BYTE_ORDER_MARK * has_mark + content)
    )
