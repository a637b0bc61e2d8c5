"""Values of another shape than expected: each is used as what it plainly is, or its row is counted."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from jobs.engines.duckdb_session import duckdb_session
from jobs.plan import OrdersSource
from tests.support.families import product_of
from tests.support.order_logs import Line, logged, unfilled, write_lines
from tests.support.outcomes import NAMES, outcome, write_csv, write_jsonl, write_parquet, write_sqlite
from tests.support.small_runs import canonical, canonical_query, counts_of, evidence_of, order_log, run, sample_of

GOOD = [logged(number) for number in range(1, 5)]
RESTING = (
    "maker_price maker_from maker_until posts went_through maker_share arrival_quote_bps holdout propensity"
).split()
OPTIONAL = ("post_only_rejected", "fees", "probe", "policy_run_id", *RESTING)
ALL_NAMES = (*NAMES, *OPTIONAL)

# Every field of the order log that is read, and how to put a value there.
LOG_FIELDS = {
    "ts": "bad_time",
    "symbol": "bad_symbol",
    **dict.fromkeys(
        (
            "side attempt_id prices prices.avg_fill qty qty.notional_usd result result.retries fees_usd slippage_bps "
            "maker_start is_maker_final used_fallback pnl_at_close_usd probe policy_run_id " + " ".join(RESTING)
        ).split(),
        "bad_value",
    ),
}
WORDS = ("symbol", "side", "attempt_id", "order_id")
FLAGS = (
    "maker_start maker_started is_maker_final maker_filled used_fallback fallback_used post_only_rejected probe "
    "went_through survivor holdout"
).split()
# Values that are of the wrong type for every field but those that the comment names.
WRONG: list[object] = [
    "much",  # a word may be any text, and `result` may be the status itself
    "0,5",
    "0.0008 BNB",
    "1.5.2",
    {"BNB": 0.0008},  # an object may have other fields
    [1],
    [],
    True,  # a flag
]


def changed(row: dict[str, object], field: str, value: object) -> dict[str, object]:
    """The row with another value in a field, which may be one of an object."""
    outer, _, inner = field.partition(".")
    if not inner:
        return row | {outer: value}
    fields = row[outer]
    assert isinstance(fields, dict)
    return row | {outer: fields | {inner: value}}


def is_used(field: str, value: object) -> bool:
    """Tell whether a value, although it is not the usual one, is plain in this field."""
    if isinstance(value, str):
        return field in (*WORDS, "result")
    if isinstance(value, bool):
        return field in FLAGS
    return isinstance(value, dict) and field in ("qty", "result")


def wrong_values(field: str) -> list[object]:
    return [value for value in WRONG if not is_used(field, value)]


def counted(fields: Mapping[str, str]) -> Counter[str]:
    """How many rows are rejected for each reason if each field has each wrong value in a row of its own."""
    counts: Counter[str] = Counter()
    for field, reason in fields.items():
        counts[reason] += len(wrong_values(field))
    return counts


def test_every_field_of_the_log_with_values_of_the_wrong_type_costs_its_rows_and_is_counted(tmp_path: Path) -> None:
    wrong: list[Line] = [changed(logged(9), field, value) for field in LOG_FIELDS for value in wrong_values(field)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, *wrong])))

    assert counts_of(result) == counted(LOG_FIELDS)
    assert result.event_count == len(GOOD)


@pytest.mark.long
@pytest.mark.parametrize(("field", "reason"), LOG_FIELDS.items())
def test_a_field_of_the_log_with_a_value_of_the_wrong_type_costs_its_row_and_is_counted(
    tmp_path: Path, field: str, reason: str
) -> None:
    wrong: list[Line] = [changed(logged(number), field, value) for number, value in enumerate(wrong_values(field), 9)]
    path = write_lines(tmp_path / "log.jsonl", [*GOOD, *wrong])
    result = run(order_log(path))

    assert counts_of(result) == {reason: len(wrong)}
    assert result.event_count == len(GOOD)
    assert sample_of(result, reason).startswith(f"{path}:5")


CANONICAL_REASONS = {"ts": "bad_time", "symbol": "bad_symbol"} | dict.fromkeys(
    (name for name in ALL_NAMES if name not in ("ts", "symbol")), "bad_value"
)


def test_every_canonical_field_in_json_of_the_wrong_type_costs_its_rows_and_is_counted(tmp_path: Path) -> None:
    wrong = [outcome(9) | {name: value} for name in CANONICAL_REASONS for value in wrong_values(name)]
    path = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2), *wrong])
    result = run(canonical(path))

    assert counts_of(result) == counted(CANONICAL_REASONS)
    assert result.event_count == 2


@pytest.mark.long
@pytest.mark.parametrize(("name", "reason"), CANONICAL_REASONS.items())
def test_a_canonical_field_in_json_of_the_wrong_type_costs_its_row_and_is_counted(
    tmp_path: Path, name: str, reason: str
) -> None:
    wrong = [outcome(number) | {name: value} for number, value in enumerate(wrong_values(name), 9)]
    path = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2), *wrong])
    result = run(canonical(path))

    assert counts_of(result) == {reason: len(wrong)}
    assert result.event_count == 2
    assert sample_of(result, reason).startswith(f"{path}:3")


TEXTS = ["much", "0,5", "0.0008 BNB", "1.5.2", '{"BNB": 0.0008}', "[1]"]
NAMES_OF_TEXTS = [name for name in ALL_NAMES if name not in WORDS]


def test_texts_that_are_not_of_their_columns_cost_their_rows_and_are_counted(tmp_path: Path) -> None:
    wrong = [outcome(9) | {name: text} for name in NAMES_OF_TEXTS for text in TEXTS]
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1), outcome(2), *wrong], ALL_NAMES)
    result = run(canonical(path))

    assert counts_of(result) == {"bad_time": len(TEXTS), "bad_value": len(TEXTS) * (len(NAMES_OF_TEXTS) - 1)}
    assert result.event_count == 2


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES_OF_TEXTS)
def test_a_canonical_text_that_is_not_of_its_column_costs_its_row_and_is_counted(tmp_path: Path, name: str) -> None:
    wrong = [outcome(number) | {name: text} for number, text in enumerate(TEXTS, 9)]
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1), outcome(2), *wrong], ALL_NAMES)
    result = run(canonical(path))
    reason = CANONICAL_REASONS[name]

    assert counts_of(result) == {reason: len(TEXTS)}
    assert sample_of(result, reason).endswith(f"{name} 'much'")
    assert result.event_count == 2


@pytest.mark.parametrize("field", ["policy_run_id", "result.retries"])
def test_a_number_that_is_not_an_integer_of_64_bits_is_not_rounded(tmp_path: Path, field: str) -> None:
    values = ["17.5", 17.5, 2**63, -(2**63) - 1, "1e3", "run 17", "0x11"]
    wrong: list[Line] = [changed(logged(number), field, value) for number, value in enumerate(values, 9)]

    assert counts_of(run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, *wrong])))) == {"bad_value": 7}


# Yes and no, each pair in the orders of a symbol of its own.
SPELLINGS: dict[str, tuple[object, object]] = {
    f"SPELLING{number}": pair
    for number, pair in enumerate(
        [
            (True, False),
            (1, 0),
            (1.0, 0.0),
            ("true", "false"),
            ("True", "FALSE"),
            ("t", "f"),
            ("T", "F"),
            ("1", "0"),
            ("1.0", "0.0"),
            ("1.00", "-0"),
            ("yes", "no"),
            (" Yes ", " NO "),
        ]
    )
}


def in_every_spelling(names: tuple[str, str, str], row: Callable[..., dict[str, object]]) -> list[dict[str, object]]:
    """Four orders of each symbol with these flags: three started as maker, of which one filled and one fell back."""
    return [
        row(number, symbol=symbol) | dict(zip(names, flags, strict=True))
        for symbol, (yes, no) in SPELLINGS.items()
        for number, flags in enumerate([(yes, yes, no), (yes, no, yes), (yes, no, no), (no, no, no)], 1)
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".log.jsonl"])
def test_a_flag_is_read_in_every_plain_spelling(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"orders{suffix}"
    if suffix == ".log.jsonl":
        names = ("maker_start", "is_maker_final", "used_fallback")
        source = order_log(write_lines(path, in_every_spelling(names, logged)))
    else:
        names = ("maker_started", "maker_filled", "fallback_used")
        outcomes = in_every_spelling(names, outcome)
        source = canonical(write_jsonl(path, outcomes) if suffix == ".jsonl" else write_csv(path, outcomes))
    result = run(source)

    assert counts_of(result) == {}
    assert set(evidence_of(result)) == set(SPELLINGS)
    for symbol, evidence in evidence_of(result).items():
        effectiveness = evidence.effectiveness
        assert (symbol, effectiveness.maker_started_count, effectiveness.outcome_count) == (symbol, 3, 4)
        assert (effectiveness.maker_fill_ratio, effectiveness.fallback_ratio) == (0.333333333, 0.333333333)


OPEN = (
    "NEW PARTIALLY_FILLED PENDING_NEW PENDING_CANCEL open live created New PartiallyFilled Untriggered partial-filled "
    "submitted active init partial_fill partially_filled Submitted PreSubmitted resting accepted pending working"
).split()
FILLED = "FILLED filled Filled full_fill EXECUTED complete".split()
UNFILLED = (
    "CANCELED CANCELLED Cancelled canceled EXPIRED EXPIRED_IN_MATCH Rejected PartiallyFilledCanceled "
    "partial-canceled marginCanceled closed failed"
).split()


@pytest.mark.parametrize("as_text", [True, False], ids=["result is the status", "result has the status"])
@pytest.mark.parametrize("price", [None, 100.0])
def test_an_open_order_never_counts_as_a_miss(tmp_path: Path, as_text: bool, price: float | None) -> None:
    results: list[object] = [status if as_text else {"status": status} for status in OPEN]
    rows: list[Line] = [
        unfilled(number, result=value, prices={"avg_fill": price}, used_fallback=False)
        for number, value in enumerate(results, 9)
    ]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, *rows])))

    assert counts_of(result) == {"open_order": len(OPEN)}
    assert evidence_of(result)["BTCUSDT"].effectiveness.maker_fill_ratio == 1.0


def test_an_order_that_ended_without_a_fill_is_a_miss(tmp_path: Path) -> None:
    rows: list[Line] = [unfilled(number, status) for number, status in enumerate(UNFILLED, 9)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, *rows])))

    # 4 of 16 orders filled.
    assert (counts_of(result), len(UNFILLED)) == ({}, 12)
    assert evidence_of(result)["BTCUSDT"].effectiveness.maker_fill_ratio == 0.25


def test_a_filled_order_without_its_price_is_counted(tmp_path: Path) -> None:
    rows: list[Line] = [unfilled(number, status) for number, status in enumerate(FILLED, 9)]

    assert counts_of(run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, *rows])))) == {"bad_value": len(FILLED)}


def test_a_status_that_is_not_known_is_counted_if_nothing_else_shows_how_the_order_ended(tmp_path: Path) -> None:
    # An order is still open, or may be, when the request to cancel or change it is rejected.
    requests = [
        "CANCEL_REJECTED",
        "OrderModifyRejected",
        "replace-rejected",
        "BEST_EFFORT_CANCELED",
        "PENDING_CANCELED",
    ]
    words: list[object] = ["halfway", *requests, "状態", 2, True, {"code": 1}, ["NEW"]]
    rows: list[Line] = [unfilled(number, result={"status": word}) for number, word in enumerate(words, 9)]
    path = write_lines(tmp_path / "log.jsonl", [*GOOD, *rows])
    result = run(order_log(path))

    assert counts_of(result) == {"unknown_status": len(words)}
    assert sample_of(result, "unknown_status").endswith("result.status 'halfway'")
    assert evidence_of(result)["BTCUSDT"].effectiveness.maker_fill_ratio == 1.0


def test_a_price_and_a_flag_show_how_an_order_ended_whatever_its_status(tmp_path: Path) -> None:
    statuses = ("halfway", "NEW", "FILLED", "live")
    rows: list[Line] = [row | {"result": {"status": status}} for row, status in zip(GOOD, statuses, strict=True)]
    result = run(order_log(write_lines(tmp_path / "log.jsonl", rows)))

    assert counts_of(result) == {}
    assert evidence_of(result)["BTCUSDT"].effectiveness.maker_fill_ratio == 1.0


@pytest.mark.parametrize("profit", ["much", {"USD": 1}, "1,5"])
def test_the_profit_of_a_close_that_cannot_be_read_is_counted(tmp_path: Path, profit: object) -> None:
    close = {"ts": GOOD[0]["ts"], "symbol": "BTCUSDT", "event": "position_close", "pnl_at_close_usd": profit}
    result = run(order_log(write_lines(tmp_path / "log.jsonl", [*GOOD, close])))

    assert counts_of(result) == {"bad_value": 1}
    assert "pnl_at_close_usd" in sample_of(result, "bad_value")


# Three orders without an id for each way in which programs write that.
NO_IDS = dict(enumerate(["", "  ", None, "None", "nan", " NULL"] * 3, 1))


@pytest.mark.parametrize("write", ["log", "log with intent_id", "json", "csv", "parquet", "query"])
def test_orders_with_an_empty_id_are_no_duplicates_of_each_other(tmp_path: Path, write: str) -> None:
    outcomes = [outcome(number, order_id=no_id) for number, no_id in NO_IDS.items()]
    logs: list[Line] = [logged(number, attempt_id=no_id) for number, no_id in NO_IDS.items()]
    sources: dict[str, Callable[[], OrdersSource]] = {
        "log": lambda: order_log(write_lines(tmp_path / "log.jsonl", logs)),
        "log with intent_id": lambda: order_log(
            write_lines(
                tmp_path / "log.jsonl", [logged(n, attempt_id=no_id, intent_id=f"i{n}") for n, no_id in NO_IDS.items()]
            )
        ),
        "json": lambda: canonical(write_jsonl(tmp_path / "outcomes.jsonl", outcomes)),
        "csv": lambda: canonical(write_csv(tmp_path / "outcomes.csv", outcomes)),
        "parquet": lambda: canonical(write_parquet(tmp_path / "outcomes.parquet", outcomes), deduplicate=True),
        "query": lambda: canonical_query(
            write_sqlite(tmp_path / "bot.db", outcomes), "select * from outcome", deduplicate=True
        ),
    }
    result = run(sources[write]())

    assert (result.event_count, counts_of(result)) == (18, {})


# Written by hand: 10:30:15.25 on 25 April 2026 in UTC, and coarser times of that day.
ISO_TIMES = {
    "2026-04-25T10:30:15.25Z": "10:30:15.25",
    "2026-04-25T10:30:15,25Z": "10:30:15.25",
    "2026-04-25 10:30:15,25": "10:30:15.25",
    "2026-04-25t10:30:15.25z": "10:30:15.25",
    "2026-04-25T12:30:15,25+02:00": "10:30:15.25",
    "2026-04-25T12:30:15.25+0200": "10:30:15.25",
    "2026-04-25T12:30:15.25+02": "10:30:15.25",
    "2026-04-25T07:00:15.25−03:30": "10:30:15.25",
    "20260425T103015.25Z": "10:30:15.25",
    "20260425T103015,25Z": "10:30:15.25",
    "20260425T123015.25+0200": "10:30:15.25",
    "20260425T103015": "10:30:15",
    "20260425T1030Z": "10:30:00",
    "20260425T1030+0000": "10:30:00",
    "20260425T10Z": "10:00:00",
    "20260425": "00:00:00",
    "2026-04-25": "00:00:00",
    "2026-04-25T10": "10:00:00",
    "2026-04-25T10Z": "10:00:00",
    "2026-04-25T10:30Z": "10:30:00",
    "2026-04-25  10:30 ": "10:30:00",
    "2026-04-25 10:30:15 UTC": "10:30:15",
    "2026-04-25 12:30:15 Europe/Berlin": "10:30:15",
    "2026-04-25 07:30:15 America/Argentina/Buenos_Aires": "10:30:15",
    "2026-04-25 15:30:15 Etc/GMT-5": "10:30:15",
    "2026-04-24T24:00:00Z": "00:00:00",
    "20260424T240000Z": "00:00:00",
}


def test_every_form_of_an_iso_time_is_read() -> None:
    with duckdb_session() as (connection, _):
        query = "select cast(instant_of_text($text) as varchar)"
        times = {text: connection.execute(query, {"text": text}).fetchone() for text in ISO_TIMES}

    assert times == {text: (f"2026-04-25 {time}",) for text, time in ISO_TIMES.items()}


UNREAD_TIMES = [
    ("a week date", ["2026-W17-6", "2026-W17-6T10:30:00Z", "2026W176", "2026W176T103000Z", "2026-W17"]),
    ("an ordinal date", ["2026-115", "2026-115T10:30:00Z", "2026115", "2026115T103000Z"]),
    # British Summer Time or Bangladesh's, China's or Chicago's, India's or Israel's: hours apart.
    ("a zone by its letters", ["2026-04-25 10:30:15 BST", "2026-04-25T10:30:15.5CST", "2026-04-25 10:30 IST"]),
]


@product_of("suffix, unread", [".log.jsonl", ".jsonl", ".csv"], UNREAD_TIMES)
def test_dates_and_zones_that_are_not_read_are_refused_by_name(
    tmp_path: Path, suffix: str, unread: tuple[str, list[str]]
) -> None:
    kind, texts = unread
    path = tmp_path / f"orders{suffix}"
    if suffix == ".log.jsonl":
        lines: list[Line] = [logged(number, ts=text) for number, text in enumerate(texts, 9)]
        result = run(order_log(write_lines(path, [*GOOD, *lines])))
    else:
        write = write_jsonl if suffix == ".jsonl" else write_csv
        rows = [outcome(number) | {"ts": text} for number, text in enumerate(texts, 9)]
        result = run(canonical(write(path, [outcome(1), *rows])))

    assert counts_of(result) == {"bad_time": len(texts)}
    assert f"({kind}; write " in sample_of(result, "bad_time")


def test_a_text_that_is_not_a_time_is_not_guessed(tmp_path: Path) -> None:
    texts = ["2026-04", "2026-13-01", "20261301", "2026-04-25T10:30:60Z", "20260425103000", "26-04-25"]
    texts += ["2026-04-25T10:30:15+99", "2026-04-25 (BC)", "2026-04-25 10:30:15 Europe/Nowhere"]
    rows = [outcome(number) | {"ts": text} for number, text in enumerate(texts, 9)]
    path = write_csv(tmp_path / "outcomes.csv", [outcome(1), *rows])

    assert counts_of(run(canonical(path))) == {"bad_time": len(texts)}


@pytest.mark.parametrize("name", ["maker_from", "maker_until"])
def test_a_time_in_parquet_that_cannot_be_read_costs_its_row_and_is_counted(tmp_path: Path, name: str) -> None:
    rows = write_jsonl(tmp_path / "outcomes.jsonl", [outcome(1), outcome(2) | {name: "much"}, outcome(3)])
    path = tmp_path / "outcomes.parquet"
    duckdb.execute(f"copy (select * from read_json('{rows}')) to '{path}'")

    result = run(canonical(path))

    assert counts_of(result) == {"bad_value": 1}
    assert result.event_count == 2
