"""Orders of which none can be read stop the run: they must not be taken for a quiet week, which lifts every lock."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.sources.errors import SourceError
from tests.support.bots import order, write_bot
from tests.support.command import command
from tests.support.order_logs import Line, close, logged, write_lines
from tests.support.outcomes import outcome, write_csv, write_parquet
from tests.support.small_runs import AS_OF, candles, canonical, counts_of, order_log, run

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
NEXT = "2026-04-26T00:30:00Z"
AT_NOON = {"ts": "22.11.2026 10:00:00"}
LONG_AGO: dict[str, Any] = {"at": AS_OF - timedelta(days=8)}


def write_fallbacks(folder: Path, **changes: object) -> None:
    """Write a log of 100 orders of BADUSDT, all of them fallbacks."""
    rows = [order(n, SLOT - timedelta(minutes=n + 1), "BADUSDT", fallback=True, slippage_bps=1.0) for n in range(100)]
    lines = "".join(json.dumps(row | changes) + "\n" for row in rows)
    (folder / "logs" / "order_metrics.jsonl").write_text(lines)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (AT_NOON, "bad_time"),
        ({"used_fallback": "Y"}, "bad_value"),
        ({"slippage_bps": "1.2 bps"}, "bad_value"),
    ],
)
def test_a_lock_stays_when_the_log_can_no_longer_be_read(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    write_bot(tmp_path, SLOT)
    write_fallbacks(tmp_path)
    assert command(tmp_path, "once", "--as-of", SLOT.isoformat()).returncode == 0
    write_fallbacks(tmp_path, **changes)

    failed = command(tmp_path, "once", "--as-of", NEXT)

    assert failed.returncode == 1
    assert f"100 {reason}, as {tmp_path}/logs/order_metrics.jsonl:1: BADUSDT" in failed.stderr
    assert "the last policies stay" in failed.stderr
    [bad] = json.loads(command(tmp_path, "latest", "--json").stdout)["items"]
    assert (bad["symbol"], bad["quality"], bad["maker_first"]) == ("BADUSDT", "broken", False)


def test_check_says_that_a_log_of_which_nothing_can_be_read_is_wrong(tmp_path: Path) -> None:
    write_bot(tmp_path, SLOT)
    write_fallbacks(tmp_path, **AT_NOON)

    checked = command(tmp_path, "check")

    assert checked.returncode == 1
    assert "WRONG sources: orders: no order of the window gives an outcome" in checked.stdout


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"ts": "22.11.2026"}, ": BTCUSDT, ts '22.11.2026'"),
        ({"ts": None}, ": BTCUSDT, no usable ts"),
        ({"symbol": "BTC\nUSDT"}, ": 2026-04-26 00:03:00, symbol 'BTC\\nUSDT'"),
        ({"symbol": 7}, ": 2026-04-26 00:03:00, no usable symbol"),
        ({"maker_start": "Y"}, ": BTCUSDT 2026-04-26 00:03:00, maker_start 'Y'"),
        ({"slippage_bps": "1.2 bps"}, ": BTCUSDT 2026-04-26 00:03:00, slippage_bps '1.2 bps'"),
        ({"qty": {"notional_usd": "a lot"}}, ": BTCUSDT 2026-04-26 00:03:00, qty.notional_usd 'a lot'"),
        ({"prices": {"avg_fill": -100.0}}, ": BTCUSDT 2026-04-26 00:03:00, prices.avg_fill '-100.0'"),
        ({"prices": {}}, ": BTCUSDT 2026-04-26 00:03:00, no usable prices.avg_fill"),
    ],
)
def test_the_sample_names_the_key_of_a_log_and_what_stands_there(
    tmp_path: Path, changes: dict[str, object], ending: str
) -> None:
    path = write_lines(tmp_path / "log.jsonl", [logged(1), logged(2) | changes])

    [reject] = run(order_log(path)).rejects

    assert reject.sample == f"{path}:2{ending}"


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"ts": "22.11.2026"}, ": BTCUSDT, ts '22.11.2026'"),
        ({"symbol": "B" * 65}, f": 2026-04-26 00:03:00, symbol '{'B' * 65}'"),
        ({"fallback_used": "N"}, ": BTCUSDT 2026-04-26 00:03:00, fallback_used 'N'"),
        ({"realized_pnl": "1,5"}, ": BTCUSDT 2026-04-26 00:03:00, realized_pnl '1,5'"),
    ],
)
def test_the_sample_names_the_column_and_what_stands_there(
    tmp_path: Path, changes: dict[str, object], ending: str
) -> None:
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1), outcome(2) | changes])

    [reject] = run(canonical(path)).rejects

    assert reject.sample == f"{path}:3{ending}"


def test_the_sample_of_a_bar_names_the_column_and_what_stands_there(tmp_path: Path) -> None:
    bars = tmp_path / "candles.csv"
    bars.write_text("ts,symbol,high,low,close\n2026-04-25T23:00:00Z,BTCUSDT,1,about 1,1\n")

    [reject] = run(canonical(write_csv(tmp_path / "outcomes.csv", [outcome(1)])), candles(bars)).rejects

    assert reject.sample == f"{bars}:2: BTCUSDT 2026-04-25 23:00:00, low 'about 1'"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["Traceback (most recent call last):", logged(1, **LONG_AGO)],
            "1 not_json, as .*:1 [(]write one whole JSON object on each line[)][.]",
        ),
        ([logged(1) | {"symbol": 7}], "1 bad_symbol, as .*:1: 2026-04-26"),
        ([logged(1, slippage_bps=float("nan"))], "1 not_finite, as .*:1: BTCUSDT"),
        (
            [logged(1, ts="never"), logged(2, ts="soon"), logged(3) | {"symbol": 7}],
            "1 bad_symbol, as .*; 2 bad_time, as ",
        ),
        ([logged(1, prices={"avg_fill": 0.0}), logged(2, ts="never")], "cannot be read: 1 bad_time, as "),
    ],
)
def test_every_reason_why_a_row_cannot_be_read_is_told(tmp_path: Path, lines: Sequence[Line], message: str) -> None:
    path = write_lines(tmp_path / "log.jsonl", lines)

    with pytest.raises(SourceError, match=message):
        run(order_log(path))


def test_flags_that_nothing_can_read_stop_the_run_in_a_csv(tmp_path: Path) -> None:
    rows = [outcome(number) | {"maker_filled": "Y", "fallback_used": "N"} for number in range(1, 4)]

    with pytest.raises(SourceError, match=r"3 bad_value, as .*outcomes\.csv:2: BTCUSDT"):
        run(canonical(write_csv(tmp_path / "outcomes.csv", rows)))


def test_torn_rows_alone_stop_the_run(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1, **LONG_AGO)])
    path.write_text(path.read_text() + "2026-04-26T00:00:00Z,BTCUSDT,true\n")

    with pytest.raises(SourceError, match=r"1 bad_row, as .*outcomes\.csv:3: "):
        run(canonical(path))


def test_flags_that_were_never_filled_in_stop_the_run_in_parquet(tmp_path: Path) -> None:
    rows = [outcome(number, maker_filled=None, fallback_used=None) for number in (1, 2)]

    with pytest.raises(SourceError, match=r"2 unknown_fill, as .*: row 1: BTCUSDT"):
        run(canonical(write_parquet(tmp_path / "outcomes.parquet", rows)))


def test_one_order_that_can_be_read_is_enough(tmp_path: Path) -> None:
    lines: list[Line] = [*(logged(number, ts="never") for number in range(2, 52)), logged(1)]

    result = run(order_log(write_lines(tmp_path / "log.jsonl", lines)))

    assert (result.event_count, counts_of(result)) == (1, {"bad_time": 50})


def test_rows_that_can_be_read_and_are_no_outcomes_make_a_quiet_week(tmp_path: Path) -> None:
    lines: list[Line] = [
        close(logged(6), 5.0),
        logged(2, prices={"avg_fill": 0.0}),
        logged(3, prices={"avg_fill": None}, result={"status": "NEW", "retries": 0}),
        logged(4, slippage_bps=10_000.0),
        logged(5, slippage_bps=float("nan"), **LONG_AGO),
    ]

    result = run(order_log(write_lines(tmp_path / "log.jsonl", lines)), known_symbols=("BTCUSDT",))

    assert (result.event_count, len(result.decisions)) == (0, 1)
    assert counts_of(result) == {"not_an_order": 1, "open_order": 1, "sentinel_slippage": 1, "zero_fill": 1}


def test_candles_that_cannot_be_read_cost_no_policy_of_a_quiet_week(tmp_path: Path) -> None:
    orders = canonical(write_csv(tmp_path / "outcomes.csv", [outcome(1, **LONG_AGO)]))

    bars = tmp_path / "candles.csv"
    bars.write_text("ts,symbol,high,low,close\nnever,BTCUSDT,1,1,1\n")

    result = run(orders, candles(bars), known_symbols=("BTCUSDT",))

    assert (result.event_count, counts_of(result, "candles")) == (0, {"bad_time": 1})
