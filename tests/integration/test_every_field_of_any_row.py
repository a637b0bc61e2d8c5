"""Every field of an order log and of canonical rows, whatever stands in it: each column is as read here, or counted.

The columns that a run measures are held here against plain Python, row by row: nothing is null that could not be read.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st

from jobs.engines.duckdb_session import duckdb_session
from jobs.plan import OrdersSource
from jobs.sources.canonical import ORDER_COLUMNS
from jobs.sources.orders import read_orders
from policy.window import Window
from tests.support.families import family
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import outcome, write_csv, write_jsonl
from tests.support.plain_values import (
    COUNTED,
    NO_TIMES,
    SYMBOLS,
    TIMES,
    VALUES,
    amount_of,
    count_of,
    flag_of,
    integer_of,
    number_of,
    optional_time_of,
    symbol_of,
    time_of,
    word_of,
)
from tests.support.small_runs import AS_OF, canonical, order_log

Row = Mapping[str, object]
Changes = dict[str, object]
AMOUNTS = ("slippage_bps", "notional", "realized_pnl", "fees")
FLAGS = ("maker_started", "maker_filled", "fallback_used", "post_only_rejected", "probe")
WORDS = ("order_id", "side")
_RESTING_AMOUNTS = ("maker_price", "maker_share", "arrival_quote_bps", "propensity")
OPEN, FILLED, ENDED = ("NEW", "live", "Partially-Filled"), ("FILLED", "filled"), ("CANCELED", "Expired", "rejected")
LOG_FIELDS = (
    "ts symbol side attempt_id intent_id maker_start started_maker decision is_maker_final used_fallback probe prices "
    "prices.avg_fill qty qty.notional_usd result result.status result.retries fees_usd slippage_bps pnl_at_close_usd "
    "policy_run_id event maker_price maker_from maker_until posts went_through maker_share arrival_quote_bps "
    "holdout propensity"
).split()
INTEGERS = ("policy_run_id", "result.retries", "posts")  # where a float of 16 digits or more may be spelt in two ways
STATUSES: Sequence[object] = [*OPEN, *FILLED, *ENDED, "halfway"]
WHOLE_NUMBERS: Sequence[object] = [0, 17, 17.0, 17.5, "17", "17.00", " 17", 2**63 - 1, 2**63, "-1", "1e3"]
INSTANTS: Sequence[object] = [
    *(*TIMES, *NO_TIMES),
    *(1777113015, 1777113015.25, 1777113015000, 1777113015000000, 1777113015000000000),
]
OTHERS: Mapping[str, Sequence[object]] = {
    "ts": INSTANTS,
    "symbol": SYMBOLS,
    "result": STATUSES,
    "result.status": STATUSES,
    "result.retries": WHOLE_NUMBERS,
    "policy_run_id": WHOLE_NUMBERS,
    "posts": WHOLE_NUMBERS,
    "maker_from": INSTANTS,
    "maker_until": INSTANTS,
    "prices.avg_fill": [None, 0, -1, 100.5],
}


def changes_of(fields: Sequence[str]) -> st.SearchStrategy[list[Changes]]:
    """Draw one to three fields of each of many rows, and what stands there."""
    return st.lists(
        st.lists(st.sampled_from(fields).flatmap(cell), min_size=1, max_size=3).map(dict), min_size=30, max_size=60
    )


@cache  # a strategy is costly to make
def cell(field: str) -> st.SearchStrategy[tuple[str, object]]:
    values = st.one_of(VALUES, st.sampled_from(OTHERS[field])) if field in OTHERS else VALUES
    # How a float of 16 digits or more is spelt, with an exponent or without, is the writer's own choice.
    has_one_spelling = values.filter(
        lambda value: field not in INTEGERS or not isinstance(value, float) or abs(value) < 1e15
    )
    return st.tuples(st.just(field), has_one_spelling)


def canonical_row(row: Row) -> Row | str:
    """The columns of a canonical row as plain Python reads it, or COUNTED."""
    columns: dict[str, object] = {
        "ts": time_of(row["ts"]),
        "symbol": symbol_of(row["symbol"]),
        "policy_run_id": integer_of(row["policy_run_id"]),
    }
    columns |= {name: word_of(row[name]) for name in WORDS}
    columns |= {name: flag_of(row[name]) for name in FLAGS}
    columns |= {name: amount_of(name, row[name]) for name in AMOUNTS}
    columns |= {"survivor": flag_of(row.get("survivor")), **resting_of(row)}
    started, filled, fallback = (columns[name] for name in FLAGS[:3])
    is_contradictory = (filled and fallback) or (started is False and (filled or fallback))
    is_unknown = bool(started) and not (filled or fallback) and None in (filled, fallback)
    is_counted = COUNTED in columns.values() or is_contradictory or is_unknown or ends_before_it_begins(columns)
    return COUNTED if is_counted else columns


def resting_of(row: Row) -> Row:
    """The columns of how an order rested and of its holdout, which have the same names in every layout."""
    times = ("maker_from", "maker_until")
    return {
        **{name: optional_time_of(row.get(name)) for name in times},
        **{name: amount_of(name, row.get(name)) for name in _RESTING_AMOUNTS},
        "posts": count_of(row.get("posts")),
        "went_through": flag_of(row.get("went_through")),
        "holdout": flag_of(row.get("holdout")),
    }


def ends_before_it_begins(columns: Row) -> bool:
    begin, end = columns["maker_from"], columns["maker_until"]
    return isinstance(begin, datetime) and isinstance(end, datetime) and end < begin


def logged_row(row: Row) -> Row | str:
    """The columns of a line of the order log as plain Python reads it, or COUNTED."""
    if row.get("event") is not None or (row["prices"] is None and row["result"] is None):
        return COUNTED
    price, status = number_of(inner(row["prices"], "avg_fill")), status_of(row["result"])
    retries = None if isinstance(row["result"], str) else integer_of(inner(row["result"], "retries"))
    started = flag_of(
        first(row.get("maker_start"), row.get("started_maker"), inner(row.get("decision"), "maker_started"))
    )
    final, fallback = flag_of(row["is_maker_final"]), flag_of(row["used_fallback"])
    columns: dict[str, object] = {
        "ts": time_of(row["ts"]),
        "symbol": symbol_of(row["symbol"]),
        "order_id": first(word_of(row["attempt_id"]), word_of(row.get("intent_id"))),
        "side": word_of(row["side"]),
        "slippage_bps": amount_of("slippage_bps", row["slippage_bps"]),
        "notional": amount_of("notional", inner(row["qty"], "notional_usd")),
        "realized_pnl": amount_of("realized_pnl", row["pnl_at_close_usd"]),
        "fees": amount_of("fees", row["fees_usd"]),
        "probe": flag_of(row["probe"]),
        "policy_run_id": integer_of(row["policy_run_id"]),
        **resting_of(row),
    }
    is_filled = isinstance(price, float) and price > 0
    is_read = COUNTED not in (*columns.values(), price, retries, started, final, fallback)
    if (
        not is_read
        or (price is not None and not is_filled)
        or is_end_unknown(is_filled, started, final, fallback, status)
        or ends_before_it_begins(columns)
    ):
        return COUNTED
    has_filled = bool(final) and not fallback and is_filled
    return columns | {
        "maker_started": started,
        "maker_filled": started if has_filled else False,
        "fallback_used": bool(fallback) if started else None,
        "post_only_rejected": isinstance(retries, int) and retries > 0 if started else None,
        "slippage_bps": columns["slippage_bps"] if is_filled else None,
        "notional": columns["notional"] or None,
    }


def is_end_unknown(is_filled: bool, started: object, final: object, fallback: object, status: object) -> bool:
    """Tell whether neither price and flags nor the status show how an order ended, or they do not fit each other."""
    ended = bool(final or fallback)
    if is_filled and started and not ended and None in (final, fallback):
        return True
    if is_filled and (not started or ended):
        return False
    return status not in ((None, *ENDED, *FILLED) if is_filled else (None, *ENDED))


def status_of(result: object) -> object:
    status = result if isinstance(result, str) else inner(result, "status")
    return None if isinstance(status, str) and not status.strip(" _-") else status


def inner(outer: object, name: str) -> object:
    """The field of an object; COUNTED if it is none."""
    return None if outer is None else outer.get(name) if isinstance(outer, dict) else COUNTED


def first(*values: object) -> object:
    return next((value for value in values if value is not None), None)


def is_close(shown: object, expected: object) -> bool:
    if isinstance(expected, datetime) and isinstance(shown, datetime):
        return abs(shown - expected) <= timedelta(microseconds=1)
    if isinstance(expected, float) and shown is not None:
        return float(str(shown)) == pytest.approx(expected, rel=1e-12)
    return shown == expected


def assert_each_row_is(source: OrdersSource, expected: Sequence[Row | str]) -> None:
    """Fail unless the rows of a source, in their order, have these columns, or a reason why they are not used."""
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, source, Window(as_of=AS_OF), folder)
        query = f"select {', '.join(ORDER_COLUMNS)}, reason from ({relation.numbered(relation.files[0])}) order by line"
        rows = [dict(zip((*ORDER_COLUMNS, "reason"), row, strict=True)) for row in connection.execute(query).fetchall()]
    assert len(rows) == len(expected)
    for row, columns in zip(rows, expected, strict=True):
        assert (row["reason"] is not None) == isinstance(columns, str), (row, columns)
        for name, value in {} if isinstance(columns, str) else columns.items():
            wanted = str(value).upper() if name == "side" and isinstance(value, str) else value
            assert is_close(row[name], wanted), (name, row, columns)


def as_text(value: object) -> object:
    """A value as programs write it to CSV: JSON, but texts as they are and nothing for null."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def outcomes_with(changes: Sequence[Changes]) -> list[dict[str, object]]:
    rest = {"fees": 0.1, "probe": False, "post_only_rejected": False, "policy_run_id": 17}
    # The last row is plain, for a file without any good row may stop the run.
    return [outcome(number, realized_pnl=1.5) | rest | change for number, change in enumerate([*changes, {}], 1)]


@family(short=3, long=60, changes=changes_of(ORDER_COLUMNS))
def test_each_field_of_a_canonical_row_in_json_is_what_it_plainly_is(tmp_path: Path, changes: list[Changes]) -> None:
    rows = outcomes_with(changes)
    source = canonical(write_jsonl(tmp_path / "outcomes.jsonl", rows))
    assert_each_row_is(source, [canonical_row(row) for row in rows])


@family(short=3, long=60, changes=changes_of(ORDER_COLUMNS))
def test_each_field_of_a_canonical_row_in_text_is_what_it_plainly_is(tmp_path: Path, changes: list[Changes]) -> None:
    rows = [
        {name: value if isinstance(value, datetime) else as_text(value) for name, value in row.items()}
        for row in outcomes_with(changes)
    ]
    source = canonical(write_csv(tmp_path / "outcomes.csv", rows, ORDER_COLUMNS))
    assert_each_row_is(source, [canonical_row(row) for row in rows])


@family(short=3, long=60, changes=changes_of(LOG_FIELDS))
def test_each_field_of_the_order_log_is_what_it_plainly_is(tmp_path: Path, changes: list[Changes]) -> None:
    rows = [line_with(number, change) for number, change in enumerate([*changes, {}], 1)]
    source = order_log(write_lines(tmp_path / "log.jsonl", rows))
    assert_each_row_is(source, [logged_row(row) for row in rows])


def line_with(number: int, changes: Changes) -> dict[str, object]:
    """A line of the order log with other values in some fields, which may be those of an object."""
    line = logged(number) | {"fees_usd": 0.1, "pnl_at_close_usd": 1.5, "probe": False, "policy_run_id": 17}
    for field, value in changes.items():
        outer, _, name = field.partition(".")
        within = line[outer] if name else None
        line[outer] = within | {name: value} if isinstance(within, dict) else value
    return line
