"""Every line of a log is used, counted as rejected, or outside the window, whatever stands beside it in its file."""

import csv
import json
import random
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import strategies as st

from jobs.sources.lines import LONGEST_LINE_BYTES
from tests.support.families import family
from tests.support.log_lines import (
    BROKEN_CSV,
    BROKEN_JSON,
    COMPRESSIONS,
    HEADER,
    LINES,
    csv_line,
    logged_line,
    rejected_count,
    source_of,
    write_file,
)
from tests.support.order_logs import logged
from tests.support.outcomes import NAMES, outcome, write_csv
from tests.support.small_runs import candles, canonical, counts_of, order_log, run, sample_of


@pytest.mark.parametrize("kind", LINES)
@family(short=3, long=200, data=st.data())
def test_a_log_of_any_lines_gives_what_its_good_lines_give_in_a_plain_file(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    good, ending = LINES[kind]
    broken = st.sampled_from(BROKEN_CSV if ending == "csv" else BROKEN_JSON)
    ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\n \r\n"])
    good_count = broken_count = 0
    for file in range(data.draw(st.integers(1, 3))):
        lines: list[bytes] = []
        for line in data.draw(st.lists(st.none() | broken, max_size=8)):
            good_count += line is None
            broken_count += line is not None
            lines.append(good(good_count) if line is None else line)
        suffix = data.draw(st.sampled_from(list(COMPRESSIONS)))
        line_ends = data.draw(st.lists(ends, min_size=len(lines) or 1, max_size=len(lines) or 1))
        path = folder / f"log-{file}.{ending}{suffix}"
        write_file(kind, path, lines or [b""], line_ends, has_mark=data.draw(st.booleans()))
    good_count += 1
    write_file(kind, folder / f"log-last.{ending}", [good(good_count)], [b"\n"], has_mark=False)
    plain = folder / f"plain.{ending}"
    write_file(kind, plain, [good(number + 1) for number in range(good_count)], [b"\n"] * good_count, has_mark=False)

    result = run(source_of(kind, folder / f"log*.{ending}"))

    assert (result.event_count, rejected_count(result)) == (good_count, broken_count)
    assert result.decisions == run(source_of(kind, plain)).decisions


@pytest.mark.parametrize("kind", LINES)
def test_every_kind_of_broken_line_is_counted_with_every_line_end_and_compression(tmp_path: Path, kind: str) -> None:
    good, ending = LINES[kind]
    broken = BROKEN_CSV if ending == "csv" else BROKEN_JSON
    ends = [b"\n", b"\r\n", b"\n\n", b"\r\n \r\n"]
    packed = [(suffix, end) for suffix in COMPRESSIONS for end in ends]
    for file, (suffix, end) in enumerate(packed):
        first = file * len(broken) + 1
        lines = [line for number, bad in enumerate(broken, first) for line in (good(number), bad)]
        write_file(kind, tmp_path / f"{file}.{ending}{suffix}", lines, [end] * len(lines), has_mark=file % 2 == 1)

    result = run(source_of(kind, tmp_path / f"*.{ending}*"))

    assert (result.event_count, rejected_count(result)) == (len(packed) * len(broken),) * 2


def mutated(line: bytes, chance: random.Random) -> bytes:
    """Change some bytes of a line, none of its time and none into the end of a line."""
    time_length = 40
    changed = bytearray(line[time_length:])
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 5])):
        index = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[index:index] = chance.choice(
                    [b'"', b"\\", b"{", b"}", b",", b":", b"\0", b"\xff", b'""', b"\x85"]
                )
            case 1:
                del changed[index : index + chance.randrange(1, 12)]
            case 2:
                changed[index : index + 1] = chance.randbytes(1)
            case _:
                start = chance.randrange(len(changed) + 1)
                changed[index:index] = changed[start : start + chance.randrange(1, 30)]
    return line[:time_length] + bytes(changed).replace(b"\n", b" ").replace(b"\r", b" ")


@pytest.mark.parametrize("line_count", [20_000, pytest.param(1_000_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", LINES)
def test_of_mutated_lines_each_is_used_or_rejected(tmp_path: Path, kind: str, line_count: int) -> None:
    chance = random.Random(f"{kind} {line_count}")
    good, ending = LINES[kind]
    originals = [good(number) for number in range(1, 1001)]
    lines = [mutated(originals[number % 1000], chance) for number in range(line_count)]
    ends = [b"\n", b"\r\n"] if chance.random() < 0.5 else [b"\n"]
    path = tmp_path / f"log.{ending}"
    write_file(kind, path, lines, [chance.choice(ends) for _ in lines], has_mark=False)

    result = run(source_of(kind, path))

    assert result.event_count + rejected_count(result) == line_count


@pytest.mark.parametrize("kind", LINES)
def test_lines_that_end_in_carriage_returns_are_read(tmp_path: Path, kind: str) -> None:
    good, ending = LINES[kind]
    path = tmp_path / f"log.{ending}"
    write_file(kind, path, [good(number) for number in (1, 2, 3, 4)], [b"\r", b"\r", b"\n", b"\r"], has_mark=False)

    assert run(source_of(kind, path)).event_count == 4


@pytest.mark.parametrize("kind", LINES)
def test_a_line_that_is_too_long_is_counted_and_the_lines_after_it_are_read(tmp_path: Path, kind: str) -> None:
    good, ending = LINES[kind]
    path = tmp_path / f"log.{ending}"
    too_long = [b"\0" * (2 * LONGEST_LINE_BYTES), b"x" * (LONGEST_LINE_BYTES + 1)]
    write_file(kind, path, [good(1), *too_long, good(2)], [b"\n"] * 4, has_mark=False)

    result = run(source_of(kind, path))

    assert (result.event_count, rejected_count(result)) == (2, 2)


def test_an_order_with_a_very_long_field_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(json.dumps(logged(1) | {"note": "x" * 10_000_000}).encode() + b"\n" + logged_line(2))

    assert run(order_log(path)).event_count == 2


def test_megabytes_of_rows_that_do_not_fit_cost_no_row_behind_them(tmp_path: Path) -> None:
    torn = csv_line(1) + b",surplus\n"
    path = tmp_path / "log.csv"
    path.write_bytes(HEADER + b"\n" + csv_line(1) + b"\n" + torn * 150_000 + csv_line(2) + b"\n")
    bars = tmp_path / "candles.csv"
    bar = b"2026-04-25T%02d:00:00Z,BTCUSDT,2,1,1.5\n"
    bars.write_bytes(
        b"ts,symbol,high,low,close\n"
        + bar % 20
        + b"2026-04-25T20:00:00Z,BTCUSDT,2,1,1.5,surplus\n" * 200_000
        + bar % 21
    )

    result = run(canonical(path), candles(bars))

    assert (result.event_count, counts_of(result)) == (2, {"bad_row": 150_000})
    assert counts_of(result, "candles") == {"bad_row": 200_000}
    assert sample_of(result, "bad_row").startswith(f"{path}:3: ")


@family(
    short=10,
    long=300,
    notes=st.lists(st.text('ab", \n\r;日', max_size=12), min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_fields_in_quotes_may_have_line_ends_commas_and_quotes(
    tmp_path_factory: pytest.TempPathFactory, notes: list[str], quoting: Literal[0, 1, 2], end: str
) -> None:
    folder = tmp_path_factory.mktemp("quotes")
    if quoting == csv.QUOTE_MINIMAL:  # which leaves a carriage return without quotes
        notes = [note.replace("\r", "") for note in notes]
    rows = [outcome(number) | {"note": note} for number, note in enumerate(notes, 1)]
    columns = ("ts", "note", *NAMES[1:])
    with (folder / "notes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator=end)
        writer.writerow(columns)
        writer.writerows(["" if row[name] is None else str(row[name]) for name in columns] for row in rows)
    plain = write_csv(folder / "plain.csv", rows)

    result = run(canonical(folder / "notes.csv"))

    assert (result.event_count, result.rejects) == (len(notes), ())
    assert result.decisions == run(canonical(plain)).decisions


def test_a_quote_that_is_not_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    open_quote = b'2026-04-25T23:00:00Z,"BTCUSDT,true,true,false,1.0,order-9,BUY,100.0,'
    path = tmp_path / "log.csv"
    path.write_bytes(b"\n".join([HEADER, csv_line(1), open_quote, csv_line(2), open_quote, csv_line(3), b"torn"]))

    result = run(canonical(path))

    assert (result.event_count, counts_of(result)) == (3, {"bad_row": 3})
    assert sample_of(result, "bad_row").startswith(f'{path}:3: 2026-04-25T23:00:00Z,"BTCUSDT,true')


def test_a_bad_value_below_a_row_of_several_lines_is_found_on_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    note = b'"two\nlines"'
    bad = csv_line(2).replace(b"BTCUSDT,True", b"BTCUSDT,perhaps")
    path.write_bytes(b"\n".join([HEADER + b",note", csv_line(1) + b"," + note, b"torn", bad + b",x"]))

    result = run(canonical(path))

    assert counts_of(result) == {"bad_row": 1, "bad_value": 1}
    assert sample_of(result, "bad_row") == f"{path}:4: torn"
    assert sample_of(result, "bad_value").startswith(f"{path}:5: BTCUSDT")
