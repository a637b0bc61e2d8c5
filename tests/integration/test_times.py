"""One moment, written in every way that a log writes times, read to the microsecond in every format."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.plan import OrdersSource
from tests.support.bars import bars, named
from tests.support.bars import write_csv as write_bars
from tests.support.families import product_of
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import outcome, write_csv, write_jsonl, write_parquet, write_parquet_query
from tests.support.small_runs import AS_OF, INTERVAL, candles, canonical, counts_of, evidence_of, order_log, run

MOMENT = timedelta(microseconds=1)
SECOND = datetime(2026, 4, 25, 21, 30, 15, tzinfo=UTC)
MILLISECOND = SECOND.replace(microsecond=123_000)
MICROSECOND = SECOND.replace(microsecond=123_457)
EPOCH = 1_777_152_615  # SECOND in seconds since 1970

# (moment, how it is written), as texts and as JSON numbers alike
NUMBERS = [
    (SECOND, f"{EPOCH}"),
    (SECOND, f"{EPOCH}.0"),
    (MILLISECOND, f"{EPOCH}.123"),
    (MICROSECOND, f"{EPOCH}.123457"),
    (SECOND, "1.777152615e9"),
    (MILLISECOND, f"{EPOCH}123"),
    (MILLISECOND, f"{EPOCH}123.0"),
    (MICROSECOND, f"{EPOCH}123.457"),
    (MICROSECOND, f"{EPOCH}123457"),
    (MICROSECOND, f"{EPOCH}123457.0"),
    (MICROSECOND, f"{EPOCH}123457000"),
    (MICROSECOND, f"{EPOCH}123457999"),
    (MILLISECOND, f"{EPOCH}123000000.0"),
]
TEXTS = [
    (SECOND, "2026-04-25T21:30:15Z"),
    (SECOND, "2026-04-25T21:30:15"),
    (SECOND, "2026-04-25 21:30:15"),
    (SECOND, "2026-04-25 21:30:15+00"),
    (SECOND, "2026-04-26T06:30:15+09:00"),
    (SECOND, "2026-04-25T16:00:15-05:30"),
    (SECOND, "2026-04-25T17:30:15-0400"),
    (MILLISECOND, "2026-04-25T21:30:15.123Z"),
    (MICROSECOND, "2026-04-25T21:30:15.123457+00:00"),
    (MICROSECOND, "2026-04-25T21:30:15.123457"),
    (MICROSECOND, "2026-04-25 21:30:15.123457000Z"),
    (SECOND.replace(hour=0, minute=0, second=0), "2026-04-25"),
]
# (moment, expression of DuckDB)
PARQUET = [
    (MICROSECOND, "timestamp '2026-04-25 21:30:15.123457'"),
    (MICROSECOND, "timestamptz '2026-04-26 06:30:15.123457+09:00'"),
    (SECOND, "timestamp_s '2026-04-25 21:30:15'"),
    (MILLISECOND, "timestamp_ms '2026-04-25 21:30:15.123'"),
    (MICROSECOND, "timestamp_ns '2026-04-25 21:30:15.123457000'"),
    (MICROSECOND, "timestamp_ns '2026-04-25 21:30:15.123457999'"),
    (MICROSECOND, "timestamptz_ns '2026-04-25 23:30:15.123457999+02'"),
    (SECOND.replace(hour=0, minute=0, second=0), "date '2026-04-25'"),
    (SECOND, f"{EPOCH}::integer"),
    (SECOND, f"{EPOCH}::bigint"),
    (SECOND, f"{EPOCH}::uinteger"),
    (MILLISECOND, f"{EPOCH}123::bigint"),
    (MICROSECOND, f"{EPOCH}123457::bigint"),
    (MICROSECOND, f"{EPOCH}123457000::bigint"),
    (MICROSECOND, f"{EPOCH}123457999::ubigint"),
    (MICROSECOND, f"{EPOCH}.123457::double"),
    (MICROSECOND, f"{EPOCH}123.457::double"),
    (MICROSECOND, f"{EPOCH}123457::double"),
    (MILLISECOND, f"{EPOCH}123000000::double"),
    (MICROSECOND, f"{EPOCH}.123457::decimal(20, 6)"),
    (MICROSECOND, f"'{EPOCH}123457'"),
    (MICROSECOND, "'2026-04-25T21:30:15.123457Z'"),
    (SECOND, "'2026-04-25T21:30:15'"),
]


WAYS = {f"WAY{number}": way for number, way in enumerate([*NUMBERS, *TEXTS])}
MOMENTS = sorted({moment for moment, _ in WAYS.values()})


def seen_by(orders: OrdersSource, as_of: datetime) -> set[str]:
    result = run(orders, as_of=as_of)
    assert counts_of(result) == {}
    return set(evidence_of(result))


def assert_each_way_is_read(orders: OrdersSource) -> None:
    """Fail unless each way's one outcome is seen by a run a microsecond after its moment, but not by one at it."""
    for at in MOMENTS:
        assert seen_by(orders, at) == {symbol for symbol, (moment, _) in WAYS.items() if moment < at}
        assert seen_by(orders, at + MOMENT) == {symbol for symbol, (moment, _) in WAYS.items() if moment <= at}


def unquoted(line: str, written: str) -> str:
    """The JSON line with that text as a number, if it is one."""
    return line.replace(f'"{written}"', written) if written in {number for _, number in NUMBERS} else line


def test_times_in_an_order_log_as_texts(tmp_path: Path) -> None:
    rows = [logged(1, symbol=symbol) | {"ts": written} for symbol, (_, written) in WAYS.items()]

    assert_each_way_is_read(order_log(write_lines(tmp_path / "log.jsonl", rows)))


def test_times_in_an_order_log_as_numbers(tmp_path: Path) -> None:
    lines = [
        unquoted(json.dumps(logged(1, symbol=symbol) | {"ts": written}), written)
        for symbol, (_, written) in WAYS.items()
    ]

    assert_each_way_is_read(order_log(write_lines(tmp_path / "log.jsonl", lines)))


def test_times_in_canonical_csv(tmp_path: Path) -> None:
    rows = [outcome(1, symbol=symbol) | {"ts": written} for symbol, (_, written) in WAYS.items()]

    assert_each_way_is_read(canonical(write_csv(tmp_path / "outcomes.csv", rows)))


def test_times_in_canonical_jsonl(tmp_path: Path) -> None:
    rows = [outcome(1, symbol=symbol) | {"ts": written} for symbol, (_, written) in WAYS.items()]
    path = write_jsonl(tmp_path / "outcomes.jsonl", rows)
    lines = zip(path.read_text().splitlines(), WAYS.values(), strict=True)
    path.write_text("".join(unquoted(line, written) + "\n" for line, (_, written) in lines))

    assert_each_way_is_read(canonical(path))


@pytest.mark.parametrize(("moment", "expression"), PARQUET)
def test_times_in_canonical_parquet(tmp_path: Path, moment: datetime, expression: str) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", [outcome(1)])
    query = f"select * replace ({expression} as ts) from '{plain}'"
    orders = canonical(write_parquet_query(tmp_path / "outcomes.parquet", query))

    assert seen_by(orders, moment) == set()
    assert seen_by(orders, moment + MOMENT) == {"BTCUSDT"}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("946684800", "4102444799"),
        ("946684800000", "4102444799999"),
        ("946684800000000", "4102444799999999"),
        ("946684800000000000", "4102444799999999999"),
    ],
)
def test_times_of_the_years_2000_to_2099_are_told_apart_by_their_size(tmp_path: Path, first: str, last: str) -> None:
    begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
    early = canonical(write_csv(tmp_path / "early.csv", [outcome(1) | {"ts": first}]))
    late = canonical(write_csv(tmp_path / "late.csv", [outcome(1) | {"ts": last}]))

    assert (run(early, as_of=begin + MOMENT).event_count, run(early, as_of=begin).event_count) == (1, 0)
    assert run(late, as_of=end + timedelta(seconds=1)).event_count == 1
    assert run(late, as_of=end).event_count == 0


@product_of("kind, factor", ["double", "bigint"], [1, 1000, 1_000_000, 1_000_000_000])
def test_the_years_2000_to_2099_in_parquet_begin_and_end_where_they_should(
    tmp_path: Path, kind: str, factor: int
) -> None:
    plain = write_parquet(tmp_path / "plain.parquet", [outcome(1)])
    now = int((AS_OF - MOMENT).timestamp())  # a good order: a log of which nothing can be read is refused
    numbers = [number * factor for number in (946684800, 4102444799, 946684799, 4102444800, now)]
    rows = " union all ".join(
        f"select * replace ({number}::{kind} as ts, 'S{number}' as symbol) from '{plain}'" for number in numbers
    )
    orders = canonical(write_parquet_query(tmp_path / "o.parquet", rows))

    first, last = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert set(evidence_of(run(orders, as_of=first + MOMENT))) == {f"S{numbers[0]}"}
    assert set(evidence_of(run(orders, as_of=last + MOMENT))) == {f"S{numbers[1]}"}
    assert counts_of(run(orders)) == {"bad_time": 2}


def test_a_time_outside_of_2000_to_2099_is_no_time_of_an_order(tmp_path: Path) -> None:
    numbers, texts = ["946684799", "4102444800", "-1777152615", "1.8e308", "0"], ["1999-12-31T23:59:59Z"]
    written = [*numbers, *texts, "2100-01-01T00:00:00Z"]
    rows = [outcome(number) | {"ts": time} for number, time in enumerate(written, 2)]
    result = run(canonical(write_csv(tmp_path / "outcomes.csv", [outcome(1), *rows])))

    assert counts_of(result) == {"bad_time": 7}
    assert result.event_count == 1


def write_time_beside_a_good_one(folder: Path, kind: str, written: str) -> Path:
    """Write two outcomes whose times are of one type of Parquet, the first a minute before the run."""
    plain = write_parquet(folder / "plain.parquet", [outcome(1)])
    times = (str(int((AS_OF - timedelta(minutes=1)).timestamp())), written)
    rows = (
        f"select * replace ({time}::{kind} as ts, 'order-{number}' as order_id) from '{plain}'"
        for number, time in enumerate(times)
    )
    return write_parquet_query(folder / "o.parquet", " union all ".join(rows))


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("bigint", "(-9223372036854775807 - 1)"),
        ("bigint", "9223372036854775807"),
        ("ubigint", "18446744073709551615"),
        ("integer", "0"),
    ],
)
def test_a_whole_number_in_parquet_that_is_no_time_is_counted(tmp_path: Path, kind: str, written: str) -> None:
    result = run(canonical(write_time_beside_a_good_one(tmp_path, kind, written)))

    assert counts_of(result) == {"bad_time": 1}
    assert result.event_count == 1


@pytest.mark.parametrize("written", ["'nan'", "'inf'", "1e300", "(-1e300)", "null"])
def test_a_number_in_parquet_that_is_no_time_is_counted(tmp_path: Path, written: str) -> None:
    result = run(canonical(write_time_beside_a_good_one(tmp_path, "double", written)))

    assert counts_of(result) == {"bad_time": 1}
    assert result.event_count == 1


def _epoch(at: datetime, factor: int) -> str:
    return str(int(at.timestamp()) * factor)


@pytest.mark.parametrize("factor", [1, 1000, 1_000_000, 1_000_000_000])
def test_bars_with_epochs_are_the_same_bars(tmp_path: Path, factor: int) -> None:
    orders = canonical(write_csv(tmp_path / "outcomes.csv", [outcome(1)]))
    rows = named("BTCUSDT", bars(60))
    as_text = candles(write_bars(tmp_path / "text.csv", rows))
    numbers = [row | {"ts": _epoch(AS_OF - (60 - number) * INTERVAL, factor)} for number, row in enumerate(rows)]
    as_numbers = candles(write_bars(tmp_path / "numbers.csv", numbers))

    assert evidence_of(run(orders, as_numbers)) == evidence_of(run(orders, as_text))
    assert evidence_of(run(orders, as_numbers))["BTCUSDT"].volatility.bar_count == 60
