"""The order log of a maker-first bot: what is read from each layout, and what is not used and counted."""

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.engines.duckdb_session import duckdb_session
from jobs.sources.orders import read_orders
from policy import Effectiveness, Expectancy
from policy.window import Window
from storage.records import RunResult
from tests.support.order_logs import Line, close, logged, unfilled, without, write_lines
from tests.support.small_runs import AS_OF, counts_of, evidence_of, order_log, run, sample_of

GOOD_ROWS = [
    logged(1, slippage_bps=-1.0),
    logged(2, slippage_bps=2.0),
    logged(3, slippage_bps=5.0, fallback=True),
    logged(4, symbol="ETHUSDT", slippage_bps=0.5),
]
LEGACY_KEYS_MISSING = ("maker_start", "is_maker_final", "used_fallback")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """What the good rows give by themselves."""
    return run(order_log(write_lines(tmp_path_factory.mktemp("clean") / "log.jsonl", GOOD_ROWS)))


def figures(path: Path | str, symbol: str = "BTCUSDT") -> Effectiveness:
    return evidence_of(run(order_log(path)))[symbol].effectiveness


def changed(number: int, **changes: object) -> dict[str, object]:
    """A row about BTCUSDT whose changes, were they used, would be seen in its figures."""
    return logged(number, slippage_bps=777.0, fallback=True) | changes


NOT_USED: list[tuple[str, Line]] = [
    ("not_json", '{"attempt_id": "sig_9", "symbol": "BTCUSDT", "prices": {"avg_fi'),
    ("not_json", "Traceback (most recent call last):"),
    ("not_json", '"just a text"'),
    ("not_json", "[1, 2, 3]"),
    ("not_json", b"\x00" * 64),
    ("not_json", b'{"symbol": "BTC\xff\xfeUSDT", "ts": 1777161600.0}'),
    ("not_json", b"\xff\xfe\x00\x01"),
    ("not_json", json.dumps(changed(9)) + json.dumps(changed(10))),
    ("not_an_order", close(changed(9), 3.5)),
    ("not_an_order", without(changed(9), "prices", "result")),
    ("not_an_order", changed(9, event="heartbeat")),
    ("bad_time", changed(9, ts=None)),
    ("bad_time", without(changed(9), "ts")),
    ("bad_time", changed(9, ts="yesterday at noon")),
    ("bad_time", changed(9, ts="")),
    ("bad_time", changed(9, ts=True)),
    ("bad_time", changed(9, ts=[1777161600])),
    ("bad_time", changed(9, ts=0)),
    ("bad_time", changed(9, ts=-1777161600)),
    ("bad_time", changed(9, ts=-(2**63))),
    ("bad_time", changed(9, ts=2**63 - 1)),
    ("bad_time", changed(9, ts=10**40)),
    ("bad_time", changed(9, ts=float("nan"))),
    ("bad_time", changed(9, ts=float("inf"))),
    ("bad_time", changed(9, ts="infinity")),
    ("bad_time", changed(9, ts="1969-12-31T23:59:59Z")),
    ("bad_symbol", changed(9, symbol=None)),
    ("bad_symbol", without(changed(9), "symbol")),
    ("bad_symbol", changed(9, symbol=12345)),
    ("bad_symbol", changed(9, symbol=True)),
    ("bad_symbol", changed(9, symbol=["BTCUSDT"])),
    ("bad_symbol", changed(9, symbol={"name": "BTCUSDT"})),
    ("bad_symbol", changed(9, symbol="")),
    ("bad_symbol", changed(9, symbol="   ")),
    ("bad_symbol", changed(9, symbol="B" * 65)),
    ("bad_symbol", changed(9, symbol="BTC\nUSDT")),
    ("bad_symbol", changed(9, symbol="BTC\u0000USDT")),
    ("bad_value", changed(9, maker_start="perhaps")),
    ("bad_value", changed(9, is_maker_final=2)),
    ("bad_value", changed(9, used_fallback=["yes"])),
    ("bad_value", changed(9, probe="no idea")),
    ("bad_value", changed(9, slippage_bps="much")),
    ("bad_value", changed(9, slippage_bps={"bps": 3})),
    ("bad_value", changed(9, prices={"avg_fill": "about 100"})),
    ("bad_value", changed(9, prices={"avg_fill": -100.0})),
    ("bad_value", changed(9, prices={"avg_fill": [100.0]})),
    ("bad_value", changed(9, prices=100.0)),
    ("bad_value", changed(9, prices={})),
    ("bad_value", changed(9, prices={"avg_fill": None})),
    ("bad_value", changed(9, qty={"notional_usd": "a lot"})),
    ("not_finite", changed(9, slippage_bps=float("nan"))),
    ("not_finite", changed(9, slippage_bps=float("-inf"))),
    ("not_finite", changed(9, slippage_bps="NaN")),
    ("not_finite", changed(9, prices={"avg_fill": float("nan")})),
    ("not_finite", changed(9, prices={"avg_fill": float("inf")})),
    ("not_finite", changed(9, qty={"notional_usd": float("inf")})),
    ("zero_fill", changed(9, prices={"avg_fill": 0.0}, slippage_bps=-10_000.0)),
    ("zero_fill", changed(9, prices={"avg_fill": "0.00"})),
    ("zero_fill", changed(9, prices={"avg_fill": -0.0})),
    ("unknown_fill", without(changed(9, is_maker_final=False), "used_fallback")),
    ("unknown_fill", changed(9, is_maker_final=False, used_fallback=None)),
    ("unknown_fill", changed(9, is_maker_final=None, used_fallback=False)),
    ("unknown_fill", without(changed(9), "is_maker_final", "used_fallback")),
    ("sentinel_slippage", changed(9, slippage_bps=10_000.0)),
    ("sentinel_slippage", changed(9, slippage_bps=-10_000.0)),
    ("open_order", unfilled(9, status="NEW")),
    ("open_order", unfilled(9, status="PARTIALLY_FILLED")),
    ("open_order", unfilled(9, status="accepted")),
]


def test_each_row_that_is_not_used_is_counted_with_its_line_and_costs_no_other_row(
    tmp_path: Path, clean: RunResult
) -> None:
    reasons = [reason for reason, _ in NOT_USED]
    lines: list[Line] = [GOOD_ROWS[0], "", *(line for _, line in NOT_USED), "  ", *GOOD_ROWS[1:]]
    path = write_lines(tmp_path / "log.jsonl", lines)

    result = run(order_log(path))

    assert counts_of(result) == Counter(reasons)
    assert reasons_by_row(path) == dict(enumerate(reasons, 2))
    for reason in set(reasons):
        assert sample_of(result, reason).split(": ")[0] == f"{path}:{3 + reasons.index(reason)}"
    assert result.event_count == 4
    assert result.decisions == clean.decisions


def reasons_by_row(path: Path) -> dict[int, str]:
    """The reason of each row of a log that is rejected, by its number without blank lines."""
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, order_log(path), Window(as_of=AS_OF), folder)
        rows = f"select line, reason from ({relation.numbered(relation.files[0])}) where reason is not null"
        return dict(connection.execute(rows).fetchall())


# Of many in one log, one may hide another.
@pytest.mark.long
@pytest.mark.parametrize(("reason", "line"), NOT_USED)
def test_a_row_by_itself_that_is_not_used_is_counted_with_its_line_and_costs_no_other_row(
    tmp_path: Path, clean: RunResult, reason: str, line: Line
) -> None:
    path = write_lines(tmp_path / "log.jsonl", [GOOD_ROWS[0], "", GOOD_ROWS[1], "  ", line, *GOOD_ROWS[2:]])

    result = run(order_log(path))

    assert counts_of(result) == {reason: 1}
    assert sample_of(result, reason).split(": ")[0] == f"{path}:5"
    assert result.event_count == 4
    assert result.decisions == clean.decisions


def test_the_sample_says_the_symbol_and_the_time_where_they_are_known(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, changed(5, prices={"avg_fill": 0.0})])

    assert sample_of(run(order_log(path)), "zero_fill") == f"{path}:5: BTCUSDT 2026-04-26 00:00:00"


def test_every_reason_is_counted_by_itself_and_the_sample_is_the_first_of_its_kind(tmp_path: Path) -> None:
    lines: list[Line] = [
        *GOOD_ROWS,
        "nonsense",
        changed(5, ts="never"),
        changed(6, symbol=7),
        "more nonsense",
        changed(7, prices={"avg_fill": 0}),
        changed(8, prices={"avg_fill": 0}),
        changed(9, prices={"avg_fill": 0}),
    ]
    path = write_lines(tmp_path / "log.jsonl", lines)

    result = run(order_log(path))

    assert counts_of(result) == {"bad_symbol": 1, "bad_time": 1, "not_json": 2, "zero_fill": 3}
    assert sample_of(result, "not_json") == f"{path}:5"
    assert sample_of(result, "bad_time").startswith(f"{path}:6: BTCUSDT")
    assert sample_of(result, "bad_symbol").startswith(f"{path}:7: 2026-04-25 23:59:00")
    assert sample_of(result, "zero_fill").startswith(f"{path}:9: ")


def test_a_bad_row_outside_the_window_is_not_counted_unless_its_time_is_what_is_bad(tmp_path: Path) -> None:
    long_ago = AS_OF - timedelta(days=8)
    old = [
        logged(5, at=long_ago, prices={"avg_fill": 0.0}),
        logged(6, at=AS_OF + timedelta(hours=1), slippage_bps=float("nan")),
        logged(7, ts="never", prices={"avg_fill": 0.0}),
    ]
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, *old])

    assert counts_of(run(order_log(path))) == {"bad_time": 1}


def test_figures_of_the_layout_with_maker_flags_worked_out_by_hand(tmp_path: Path) -> None:
    rows = [
        logged(10, slippage_bps=-2.0),
        logged(20, slippage_bps=0.0),
        logged(30, slippage_bps=4.0, fallback=True),
        logged(40, slippage_bps=1.0, maker_start=False, is_maker_final=False, used_fallback=False),
        unfilled(50),
    ]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    # 4 of 5 started as maker, of them 2 filled as maker, 1 fell back, 1 was given up; slippages -2, 0, 1, 4.
    assert measured == Effectiveness(
        maker_fill_ratio=0.5,
        fallback_ratio=0.25,
        slip_q25=-0.5,
        slip_q50=0.5,
        slip_q75=1.75,
        outcome_count=5,
        maker_started_count=4,
        slippage_count=4,
    )


def test_figures_to_nine_decimals_worked_out_by_hand(tmp_path: Path) -> None:
    rows = [logged(number, slippage_bps=number / 7, fallback=number == 3) for number in (1, 2, 3)]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.maker_fill_ratio, measured.fallback_ratio) == (0.666666667, 0.333333333)
    assert (measured.slip_q25, measured.slip_q50, measured.slip_q75) == (0.214285714, 0.285714286, 0.357142857)


@pytest.mark.parametrize(
    "layout", [{"maker_start": True}, {"started_maker": True}, {"decision": {"maker_started": True}}]
)
def test_each_layout_that_has_said_started_as_maker_is_read(tmp_path: Path, layout: dict[str, object]) -> None:
    rows = [without(row, "maker_start") | layout for row in GOOD_ROWS]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.maker_started_count, measured.maker_fill_ratio, measured.fallback_ratio) == (
        3,
        0.666666667,
        0.333333333,
    )


def test_a_flag_of_null_leaves_it_to_the_older_key(tmp_path: Path) -> None:
    rows = [logged(1, maker_start=None, started_maker=True), logged(2, maker_start=None, decision=None)]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.outcome_count, measured.maker_started_count) == (2, 1)


def test_a_log_without_maker_flags_has_no_ratios_but_slippage(tmp_path: Path) -> None:
    rows = [without(row, *LEGACY_KEYS_MISSING) for row in GOOD_ROWS]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", rows)))
    measured = evidence_of(result)["BTCUSDT"].effectiveness

    assert (measured.maker_fill_ratio, measured.fallback_ratio, measured.maker_started_count) == (None, None, 0)
    assert (measured.slip_q50, measured.outcome_count, measured.slippage_count) == (2.0, 3, 3)
    decision = next(decision for evidence, decision in result.decisions if evidence.symbol == "BTCUSDT")
    assert [code.code for code in decision.policy.codes[:2]] == ["maker_fill_ratio_missing", "fallback_ratio_missing"]


def test_both_layouts_in_one_log_are_read_each_by_its_keys(tmp_path: Path) -> None:
    rows = [without(GOOD_ROWS[0], *LEGACY_KEYS_MISSING), *GOOD_ROWS[1:]]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.outcome_count, measured.maker_started_count, measured.slippage_count) == (3, 2, 3)
    assert (measured.maker_fill_ratio, measured.fallback_ratio) == (0.5, 0.5)


def test_sent_post_only_is_not_filled_as_maker(tmp_path: Path) -> None:
    rows = [unfilled(1) | {"is_maker_final": True}, logged(2, fallback=True, is_maker_final=True), logged(3)]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    # The first never filled, the second says both and fell back, only the third filled as maker.
    assert (measured.maker_fill_ratio, measured.fallback_ratio) == (0.333333333, 0.333333333)


def test_a_maker_start_without_a_fill_is_a_miss_whatever_flags_are_there(tmp_path: Path) -> None:
    bare = without(unfilled(2), "is_maker_final", "used_fallback")

    measured = figures(write_lines(tmp_path / "log.jsonl", [logged(1), unfilled(3), bare]))

    assert (measured.maker_started_count, measured.maker_fill_ratio, measured.fallback_ratio) == (
        3,
        pytest.approx(1 / 3),
        0.0,
    )


def test_one_flag_that_is_true_tells_how_a_fill_came_about(tmp_path: Path) -> None:
    rows = [without(logged(1), "used_fallback"), without(logged(2, fallback=True), "is_maker_final")]

    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.maker_started_count, measured.maker_fill_ratio, measured.fallback_ratio) == (2, 0.5, 0.5)


def test_a_slippage_of_null_beside_a_fill_is_no_sample(tmp_path: Path) -> None:
    measured = figures(
        write_lines(tmp_path / "log.jsonl", [logged(1, slippage_bps=3.0), logged(2) | {"slippage_bps": None}])
    )

    assert (measured.outcome_count, measured.slippage_count, measured.slip_q50) == (2, 1, 3.0)


def test_minus_zero_is_zero(tmp_path: Path) -> None:
    measured = figures(write_lines(tmp_path / "log.jsonl", [logged(1, slippage_bps=-0.0)]))

    assert str(measured.slip_q50) == "0.0"


def test_numbers_written_as_texts_are_read(tmp_path: Path) -> None:
    row = logged(1) | {"slippage_bps": "2.5", "prices": {"avg_fill": "100.025"}, "qty": {"notional_usd": "50.0"}}
    measured = figures(write_lines(tmp_path / "log.jsonl", [row]))

    assert (measured.slip_q50, measured.maker_fill_ratio) == (2.5, 1.0)


@pytest.mark.parametrize("symbol", ["ÉTHUSDT", "币安人生USDT", "🚀USDT", 'A"B', "A\\B", "LINK/USDT:USDT", "B" * 64])
def test_a_symbol_of_any_script_is_kept_as_it_is(tmp_path: Path, symbol: str) -> None:
    escaped = json.dumps(logged(1, symbol=symbol), ensure_ascii=True)
    plain = json.dumps(logged(2, symbol=symbol), ensure_ascii=False)
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [escaped, plain])))

    assert [evidence.symbol for evidence, _ in result.decisions] == [symbol]
    assert result.event_count == 2
    assert counts_of(result) == {}


def test_blanks_around_a_symbol_are_not_part_of_it(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.jsonl", [logged(1, symbol=" BTCUSDT "), logged(2)])

    assert figures(path).outcome_count == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_of_both_kinds_are_read(tmp_path: Path, end: str) -> None:
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, "{broken"], end=end)
    result = run(order_log(path))

    assert result.event_count == 4
    assert counts_of(result) == {"not_json": 1}
    assert sample_of(result, "not_json") == f"{path}:5"


def test_a_last_line_without_an_end_is_read(tmp_path: Path) -> None:
    assert run(order_log(write_lines(tmp_path / "log.jsonl", GOOD_ROWS, last_end=""))).event_count == 4


def test_a_last_line_that_is_still_being_written_is_counted(tmp_path: Path) -> None:
    half = json.dumps(changed(9))[:80]
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, half], last_end="")
    result = run(order_log(path))

    assert result.event_count == 4
    assert counts_of(result) == {"not_json": 1}
    assert sample_of(result, "not_json") == f"{path}:5"


def test_rotated_files_are_one_log(tmp_path: Path) -> None:
    parts = [
        write_lines(tmp_path / "log.jsonl", GOOD_ROWS[:1]),
        write_lines(tmp_path / "log.jsonl.1", GOOD_ROWS[1:2]),
        write_lines(tmp_path / "log.jsonl.2.gz", [*GOOD_ROWS[2:], "", "{broken"]),
    ]
    result = run(order_log(tmp_path / "log.jsonl*"))
    whole = run(order_log(write_lines(tmp_path / "whole.jsonl", GOOD_ROWS)))

    assert result.decisions == whole.decisions
    assert json.loads(result.sources) == {"orders": {"files": 3, "kind": "order-log"}}
    assert sample_of(result, "not_json") == f"{parts[2]}:4"


def test_an_empty_file_beside_a_full_one_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").touch()
    write_lines(tmp_path / "log.jsonl.1", GOOD_ROWS)

    assert run(order_log(tmp_path / "log.jsonl*")).event_count == 4


def test_a_file_that_is_no_jsonl_beside_a_log_is_counted_line_by_line(tmp_path: Path) -> None:
    health = tmp_path / "health.jsonl"
    health.write_text(json.dumps({"status": "ok", "routes": {"maker": 1}}, indent=2))
    write_lines(tmp_path / "log.jsonl", GOOD_ROWS)
    result = run(order_log(tmp_path / "*.jsonl"))

    assert result.event_count == 4
    assert counts_of(result) == {"not_json": 6}
    assert sample_of(result, "not_json") == f"{health}:1"


@pytest.mark.parametrize("name", ["bot's log.jsonl", "[live].jsonl", 'say "hi".jsonl', "größe 日.jsonl"])
def test_a_file_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    path = write_lines(tmp_path / name, [*GOOD_ROWS, "{broken"])
    result = run(order_log(tmp_path / "*.jsonl"))

    assert result.event_count == 4
    assert sample_of(result, "not_json") == f"{path}:5"


def test_of_a_repeated_id_the_row_that_was_written_last_is_used(tmp_path: Path) -> None:
    rows = [
        logged(1, slippage_bps=-1.0),
        logged(2, at=AS_OF - timedelta(hours=2), slippage_bps=50.0),
        logged(3, slippage_bps=5.0),
        logged(2, at=AS_OF - timedelta(hours=1), slippage_bps=2.0),
        logged(2, at=AS_OF - timedelta(hours=3), slippage_bps=90.0),
    ]
    path = write_lines(tmp_path / "log.jsonl", rows)
    result = run(order_log(path))
    measured = evidence_of(result)["BTCUSDT"].effectiveness

    assert (measured.slip_q25, measured.slip_q50, measured.slip_q75, measured.outcome_count) == (0.5, 2.0, 3.5, 3)
    assert counts_of(result) == {"duplicate_id": 2}
    assert sample_of(result, "duplicate_id") == f"{path}:5: BTCUSDT 2026-04-25 21:05:00, order_id sig_BTCUSDT_2"


def test_an_id_that_only_begins_like_another_is_not_taken_for_it(tmp_path: Path) -> None:
    rows = [logged(number) for number in (1, 11, 111)] + [logged(1), logged(11, at=AS_OF - timedelta(hours=5))]
    path = write_lines(tmp_path / "log.jsonl", rows)
    result = run(order_log(path))

    assert result.event_count == 3
    assert counts_of(result) == {"duplicate_id": 2}
    assert sample_of(result, "duplicate_id") in {
        f"{path}:1: BTCUSDT 2026-04-26 00:04:00, order_id sig_BTCUSDT_1",
        f"{path}:5: BTCUSDT 2026-04-25 19:05:00, order_id sig_BTCUSDT_11",
    }


def test_the_same_id_of_two_symbols_is_two_orders_each_with_its_own_profit(tmp_path: Path) -> None:
    day_before = AS_OF - timedelta(days=1)
    bitcoin = logged(1, at=day_before, slippage_bps=1.0, attempt_id="7")
    ether = logged(1, symbol="ETHUSDT", at=day_before - timedelta(minutes=1), slippage_bps=2.0, attempt_id="7")
    later = logged(1, at=day_before + timedelta(minutes=1), slippage_bps=3.0, attempt_id="7")
    path = write_lines(tmp_path / "log.jsonl", [bitcoin, ether, close(ether, 5.0), later])
    result = run(order_log(path), as_of=day_before + timedelta(minutes=50))
    measured = evidence_of(result)

    assert {symbol: one.effectiveness.slip_q50 for symbol, one in measured.items()} == {"BTCUSDT": 3.0, "ETHUSDT": 2.0}
    assert measured["BTCUSDT"].expectancy.expectancy_count == 0
    assert counts_of(result) == {"duplicate_id": 1, "not_an_order": 1}
    assert sample_of(result, "duplicate_id") == f"{path}:1: BTCUSDT 2026-04-25 00:05:00, order_id 7"


def test_of_rows_with_one_id_and_one_time_the_same_one_is_used_in_every_run(tmp_path: Path) -> None:
    rows = [logged(1, slippage_bps=2.0), logged(1, slippage_bps=9.0)]
    forth = run(order_log(write_lines(tmp_path / "forth.jsonl", rows)))
    back = run(order_log(write_lines(tmp_path / "back.jsonl", reversed(rows))))

    assert forth.decisions == back.decisions
    assert evidence_of(forth)["BTCUSDT"].effectiveness.slip_q50 == 2.0
    assert sample_of(forth, "duplicate_id").startswith(f"{tmp_path / 'forth.jsonl'}:2: ")
    assert sample_of(back, "duplicate_id").startswith(f"{tmp_path / 'back.jsonl'}:1: ")


def test_a_copy_of_the_log_beside_it_changes_no_figure(tmp_path: Path) -> None:
    alone = run(order_log(write_lines(tmp_path / "alone.jsonl", GOOD_ROWS)))
    write_lines(tmp_path / "log.jsonl", GOOD_ROWS)
    write_lines(tmp_path / "log.jsonl.1.gz", GOOD_ROWS)
    result = run(order_log(tmp_path / "log.jsonl*"))

    assert result.decisions == alone.decisions
    assert counts_of(result) == {"duplicate_id": 4}


def test_rows_without_an_id_are_never_taken_for_one_another(tmp_path: Path) -> None:
    rows = [without(logged(1), "attempt_id"), without(logged(1), "attempt_id")]

    assert figures(write_lines(tmp_path / "log.jsonl", rows)).outcome_count == 2


def test_a_bad_copy_does_not_push_out_the_good_row(tmp_path: Path) -> None:
    rows = [logged(2, slippage_bps=3.0), logged(2, at=AS_OF - timedelta(minutes=1), prices={"avg_fill": 0.0})]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", rows)))

    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q50 == 3.0
    assert counts_of(result) == {"zero_fill": 1}


def test_the_profit_of_a_close_belongs_to_its_order(tmp_path: Path) -> None:
    rows = [logged(number, at=AS_OF - timedelta(days=number)) for number in (1, 2, 3)]
    lines = [*rows, close(rows[0], 3.0), close(rows[1], -1.5, minutes_later=30)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", lines)))

    # All three at 00:05, the hour of the run; two closed something: (3.0 - 1.5) / (100 + 100).
    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy(expectancy=0.0075, expectancy_count=2)
    assert counts_of(result) == {"not_an_order": 2}


def test_orders_whose_logger_calls_each_line_an_event_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    rows = [logged(number) | {"event": "order done"} for number in (1, 2)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", rows)))

    assert counts_of(result) == {"not_an_order": 2}
    assert "2 lines are read as events" in result.sources


def test_a_position_closed_in_two_parts_adds_up(tmp_path: Path) -> None:
    row = logged(1, at=AS_OF - timedelta(days=1))
    lines = [row, close(row, 3.0), close(row, 3.0, minutes_later=5), close(row, None, minutes_later=9)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", lines)))

    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy(expectancy=0.06, expectancy_count=1)


def test_a_close_that_is_repeated_in_a_rotated_copy_counts_once(tmp_path: Path) -> None:
    row = logged(1, at=AS_OF - timedelta(days=1))
    write_lines(tmp_path / "log.jsonl", [row, close(row, 3.0)])
    write_lines(tmp_path / "log.jsonl.1", [row, close(row, 3.0)])
    result = run(order_log(tmp_path / "log.jsonl*"))

    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy(expectancy=0.03, expectancy_count=1)
    assert counts_of(result) == {"duplicate_id": 1, "not_an_order": 2}


@pytest.mark.parametrize("pnl", [None, "soon", float("nan"), float("inf")])
def test_a_close_whose_profit_is_no_number_closes_nothing(tmp_path: Path, pnl: object) -> None:
    row = logged(1, at=AS_OF - timedelta(days=1))
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [row, close(row, pnl)])))

    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy()
    assert evidence_of(result)["BTCUSDT"].effectiveness.outcome_count == 1


def test_a_close_after_the_run_has_not_happened_yet(tmp_path: Path) -> None:
    row = logged(1, at=AS_OF - timedelta(minutes=1))
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [row, close(row, 3.0, minutes_later=1)])))

    assert evidence_of(result)["BTCUSDT"].expectancy == Expectancy()
    assert counts_of(result) == {}


def test_only_the_hour_of_the_run_counts_for_expectancy(tmp_path: Path) -> None:
    rows = [
        logged(1, at=AS_OF.replace(day=25, minute=0)),
        logged(2, at=AS_OF.replace(day=25, minute=59)),
        logged(3, at=AS_OF.replace(day=25, hour=1, minute=0)),
    ]
    path = write_lines(tmp_path / "log.jsonl", [*rows, *(close(row, 1.0, minutes_later=60) for row in rows)])

    assert evidence_of(run(order_log(path)))["BTCUSDT"].expectancy == Expectancy(expectancy=0.01, expectancy_count=2)


def test_the_window_begins_with_its_first_moment_and_ends_before_the_run(tmp_path: Path) -> None:
    moment = timedelta(microseconds=1)
    rows = [
        logged(1, at=AS_OF - timedelta(days=7) - moment, slippage_bps=100.0),
        logged(2, at=AS_OF - timedelta(days=7), slippage_bps=1.0),
        logged(3, at=AS_OF - moment, slippage_bps=2.0),
        logged(4, at=AS_OF, slippage_bps=200.0),
    ]
    measured = figures(write_lines(tmp_path / "log.jsonl", rows))

    assert (measured.outcome_count, measured.slip_q50) == (2, 1.5)


def test_a_symbol_that_went_quiet_keeps_getting_decisions_that_say_so(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, logged(9, symbol="SOLUSDT", at=AS_OF - timedelta(days=9))])
    result = run(order_log(path), symbols=("ADAUSDT",), known_symbols=("SOLUSDT", "BTCUSDT"))

    assert [evidence.symbol for evidence, _ in result.decisions] == ["ADAUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"]
    for evidence, decision in (result.decisions[0], result.decisions[3]):
        assert evidence.effectiveness == Effectiveness()
        assert decision.policy.codes[0].code == "maker_fill_ratio_missing"


def test_the_same_log_gives_the_same_result_twice(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.jsonl", [*GOOD_ROWS, GOOD_ROWS[0], "{broken", changed(9, symbol=1)])
    first, second = run(order_log(path)), run(order_log(path))

    assert replace(first, started_at=second.started_at) == second


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_zone_of_the_machine_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    rows = [
        logged(1, ts="2026-04-25T23:59:59"),
        logged(2, ts="2026-04-26T00:05:00"),
        logged(3, ts="2026-04-19 00:05:00"),
    ]
    path = write_lines(tmp_path / "log.jsonl", rows)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert figures(path).outcome_count == 2
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_row_far_down_a_long_log_is_found_by_its_line(tmp_path: Path) -> None:
    lines: list[Line] = [json.dumps(logged(number % 10_000 + 1)) for number in range(20_000)]
    lines[15_000] = "{broken"
    lines[17_000] = json.dumps(changed(3, prices={"avg_fill": 0}))
    lines.insert(12_000, "")
    path = write_lines(tmp_path / "log.jsonl", lines)
    result = run(order_log(path))

    assert sample_of(result, "not_json") == f"{path}:15002"
    assert sample_of(result, "zero_fill").startswith(f"{path}:17002: ")
    assert counts_of(result) == {"duplicate_id": 9_998, "not_json": 1, "zero_fill": 1}
