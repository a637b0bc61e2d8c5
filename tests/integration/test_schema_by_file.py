"""Each file has its own columns, types and keys: none is taken from the file, or the line, that comes first."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import strategies as st

from jobs.sources.errors import SourceError
from tests.support.canonical_formats import ROWS
from tests.support.families import family
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import NAMES, outcome, write_csv, write_jsonl, write_parquet, write_parquet_query
from tests.support.small_runs import candles, canonical, order_log, run

TYPES: Mapping[str, tuple[str, ...]] = {
    "ts": ("ts", "cast(ts as varchar)", "epoch_ms(ts)", "epoch(ts)", "cast(ts as timestamp_ns)"),
    "symbol": ("symbol",),
    "maker_started": ("maker_started",),
    "slippage_bps": ("slippage_bps", "cast(slippage_bps as float)", "cast(slippage_bps as decimal(18, 3))"),
    "order_id": ("order_id", "cast(substr(order_id, 15) as bigint)"),
    "notional": ("notional", "cast(notional as integer)", "cast(notional as hugeint)"),
}
# What every type can hold: whole milliseconds, three decimals.
FIGURES = [row for row in ROWS if row["slippage_bps"] != 1 / 3 and "." not in str(row["ts"])]


def each_at_least_once(types: Sequence[str], count: int) -> st.SearchStrategy[list[str]]:
    """So many of the types, each of them once before any other comes again, in any order."""
    return st.permutations([types[number % len(types)] for number in range(count)])


@family(short=3, long=100, data=st.data())
def test_parquet_files_of_different_types_give_what_one_plain_file_gives(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("types")
    plain = write_parquet(folder / "plain.parquet", FIGURES)
    types = {name: data.draw(each_at_least_once(TYPES.get(name, (name,)), len(FIGURES))) for name in NAMES}
    for number, row in enumerate(FIGURES):
        alone = write_parquet(folder / "row.parquet", [row])
        items = [f"{types[name][number]} as {name}" for name in NAMES]
        columns = ", ".join(data.draw(st.permutations(items)))
        write_parquet_query(folder / f"log-{number}.parquet", f"select {columns} from '{alone}'")

    mixed = run(canonical(folder / "log-*.parquet"))

    assert (mixed.event_count, mixed.rejects) == (9, ())
    assert mixed.decisions == run(canonical(plain)).decisions


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("* exclude (maker_filled)", "has no column 'maker_filled'"),
        ("* replace (1 as maker_filled)", "column 'maker_filled' of .*b.parquet is INTEGER, but maker_filled must be"),
        ("* replace ([1] as ts)", "column 'ts' of .*b.parquet is INTEGER.., which is not a time"),
    ],
)
def test_the_file_and_the_column_that_do_not_fit_are_named(tmp_path: Path, query: str, message: str) -> None:
    for name in ("a.parquet", "c.parquet"):
        write_parquet(tmp_path / name, [outcome(1)])
    write_parquet_query(tmp_path / "b.parquet", f"select {query} from '{tmp_path}/a.parquet'")

    with pytest.raises(SourceError, match=f"{tmp_path}/b.parquet") as raised:
        run(canonical(tmp_path / "*.parquet"))
    assert raised.match(message)


def test_the_file_of_candles_that_does_not_fit_is_named(tmp_path: Path) -> None:
    bars = "select timestamp '2026-04-25 23:00:00' as ts, 'BTCUSDT' as symbol, 2.0 as high, 1.0 as low, {} as close"
    write_parquet_query(tmp_path / "bars-a.parquet", bars.format(1.5))
    write_parquet_query(tmp_path / "bars-b.parquet", bars.format("true"))
    orders = canonical(write_csv(tmp_path / "outcomes.csv", [outcome(1)]))

    with pytest.raises(SourceError, match=rf"candles: column 'close' of {tmp_path}/bars-b\.parquet is BOOLEAN"):
        run(orders, candles(tmp_path / "bars-*.parquet"))


def test_a_damaged_file_among_good_ones_is_named(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet", "c.parquet"):
        path = write_parquet(tmp_path / name, [outcome(number) for number in range(1, 500)])
    path = tmp_path / "b.parquet"
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(SourceError, match=f"orders: {path} cannot be read: "):
        run(canonical(tmp_path / "*.parquet"))


@family(short=5, long=150, data=st.data())
def test_keys_may_come_late_in_any_order_or_be_left_out_if_they_are_false_or_null(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    plain = write_jsonl(folder / "plain.jsonl", ROWS)
    lines = plain.read_text("utf-8").splitlines()
    for number, line in enumerate(data.draw(st.permutations(lines))):
        values = {key: value for key, value in json.loads(line).items() if value is not None}
        keys = data.draw(st.permutations(list(values)))
        text = json.dumps({key: values[key] for key in keys}, ensure_ascii=data.draw(st.booleans()))
        with (folder / f"log-{number % 3}.jsonl").open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    assert run(canonical(folder / "log-*.jsonl")).decisions == run(canonical(plain)).decisions


@pytest.mark.parametrize("key", ["fallback_used", "maker_filled", "slippage_bps", "symbol"])
def test_a_key_that_first_comes_after_a_thousand_lines_is_read(tmp_path: Path, key: str) -> None:
    early = [outcome(number) for number in range(1, 1200)]
    late = [{name: value for name, value in row.items() if name != key} for row in early]
    path = write_jsonl(tmp_path / "log.jsonl", [*late, outcome(1200)])

    assert run(canonical(path)).event_count >= 1


def test_an_order_log_that_begins_with_a_thousand_lines_of_another_kind_is_read(tmp_path: Path) -> None:
    others = [{"ts": 1, "symbol": "BTCUSDT", "note": "started"} for _ in range(1500)]

    assert run(order_log(write_lines(tmp_path / "log.jsonl", [*others, logged(1)]))).event_count == 1


def test_a_key_that_no_line_has_stops_the_run(tmp_path: Path) -> None:
    rows = [{name: value for name, value in outcome(number).items() if name != "symbol"} for number in range(1, 1200)]

    with pytest.raises(SourceError, match="has no column 'symbol'; it has fallback_used, maker_filled"):
        run(canonical(write_jsonl(tmp_path / "log.jsonl", rows)))
