"""How figures are written on the screen, and lines and JSON on standard output."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pydantic import BaseModel


def figure(value: float | None) -> str:
    """Write a figure with two decimals; None, which was not measured, as a dash."""
    return "-" if value is None else f"{value:z.2f}"


def exact_figure(value: float | None, missing: str = "-") -> str:
    """Write a figure with six significant digits; None, which was not measured, as `missing`."""
    return missing if value is None else f"{value:.6g}"


def percent(value: float | None) -> str:
    """Write a share as a percentage with one decimal and no sign; None, a share of nothing, as a dash."""
    return "-" if value is None else f"{value * 100:z.1f}"


def write_any_text(stream: TextIO) -> None:
    """Let a stream write letters that its encoding lacks as escapes, as in `\\u5e01`, so that no output fails."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def open_nowhere() -> TextIO:
    """Return a stream whose text nobody reads."""
    return Path(os.devnull).open("w", encoding="utf-8")


def print_nowhere() -> None:
    """Let the text that waits to be printed, and all after it, go nowhere."""
    with suppress(OSError, ValueError):  # a stream of a test has no descriptor
        os.dup2(open_nowhere().fileno(), sys.stdout.fileno())


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, each with a line break after it."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_page(records: Iterable["BaseModel | Mapping[str, object]"]) -> None:
    """Print records as one page of the API: all of them, so there is no next one."""
    print_record({"items": [_values(record) for record in records], "next": None})


def print_record(record: "BaseModel | Mapping[str, object]") -> None:
    """Print one record as JSON."""
    json.dump(_values(record), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def _values(record: "BaseModel | Mapping[str, object]") -> Mapping[str, object]:
    return record if isinstance(record, Mapping) else record.model_dump(mode="json")
