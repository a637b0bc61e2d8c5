"""Canonical outcomes in every format: the same rows give the same evidence, and bad ones are told apart and counted."""

import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from policy import Effectiveness, Evidence, Expectancy
from tests.support.canonical_formats import FORMATS, MOMENT, ROWS, WEEK, Row, Writer, each_format
from tests.support.families import family
from tests.support.oracles import assert_close, evidence
from tests.support.outcomes import (
    outcome,
)
from tests.support.small_runs import (
    AS_OF,
    evidence_of,
    run,
)


@each_format
def test_every_format_gives_the_figures_worked_out_by_hand(tmp_path: Path, write: Writer) -> None:
    result = run(write(tmp_path, ROWS))
    by_symbol = evidence_of(result)

    # BTCUSDT: 9 outcomes in the window; 7 started as maker: 1, 2, 3, 8, 9, 10, 11; all but 2 and 3 filled; 2 fell back.
    # Slippages -1.5, 0.25, 1, 1, 1, 1, 3, 7.125. Expectancy at 00:xx: (2.5 - 1.0) / (50 + 150); 10 has no notional.
    assert by_symbol["BTCUSDT"] == Evidence(
        symbol="BTCUSDT",
        effectiveness=Effectiveness(
            maker_fill_ratio=0.714285714,
            fallback_ratio=0.142857143,
            slip_q25=0.8125,
            slip_q50=1.0,
            slip_q75=1.5,
            outcome_count=9,
            maker_started_count=7,
            slippage_count=8,
        ),
        expectancy=Expectancy(expectancy=0.0075, expectancy_count=2),
    )
    assert by_symbol["ETHUSDT"].effectiveness == Effectiveness(outcome_count=1)
    assert by_symbol["币安人生USDT"].effectiveness.slip_q50 == 0.333333333
    assert result.event_count == 11
    assert result.rejects == ()


def test_what_each_source_is_stands_in_the_record(tmp_path: Path) -> None:
    described = {write.__name__: json.loads(run(write(tmp_path, ROWS)).sources)["orders"] for write in FORMATS}

    assert described == {
        "as_parquet": {"kind": "canonical", "format": "parquet", "files": 1},
        "as_csv": {"kind": "canonical", "format": "csv", "files": 1},
        "as_jsonl": {"kind": "canonical", "format": "jsonl", "files": 1},
        "as_query": {"kind": "canonical", "format": "query", "files": 1},
    }


SYMBOLS = ("BTCUSDT", "ETHUSDT", "LINK/USDT:USDT")
figures = st.floats(min_value=-500.0, max_value=500.0)
moments = st.integers(-8 * 86_400_000_000, 3_600_000_000).map(lambda moment: AS_OF + timedelta(microseconds=moment))
# (maker_started, maker_filled, fallback_used): what a row may say without contradicting itself.
FLAGS = [
    (True, True, False),
    (True, False, True),
    (True, False, False),
    (False, False, False),
    (None, None, None),
    (None, True, False),
    (None, False, True),
    (None, None, False),
    (True, True, None),
    (True, None, True),
    (False, None, None),
]


@st.composite
def outcomes(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(1, 30))):
        started, filled, fell_back = draw(st.sampled_from(FLAGS))
        rows.append(
            outcome(
                number,
                symbol=draw(st.sampled_from(SYMBOLS)),
                at=draw(st.sampled_from([AS_OF, AS_OF - MOMENT, AS_OF - WEEK, AS_OF - WEEK - MOMENT]) | moments),
                maker_started=started,
                maker_filled=filled,
                fallback_used=fell_back,
                slippage_bps=draw(st.none() | figures),
                notional=draw(st.none() | st.floats(min_value=1.0, max_value=1e6)),
                realized_pnl=draw(st.none() | figures),
                survivor=draw(st.none() | st.booleans()),
            )
        )
    return [*rows, outcome(99, symbol="ALWAYS")]


@family(short=5, long=150, rows=outcomes())
def test_every_format_gives_what_plain_python_works_out(rows: list[Row]) -> None:
    traded = sorted({str(row["symbol"]) for row in rows if AS_OF - WEEK <= as_moment(row["ts"]) < AS_OF})
    for write in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            by_symbol = evidence_of(run(write(Path(folder), rows)))

        assert sorted(by_symbol) == traded
        for symbol in traded:
            assert_close(by_symbol[symbol], evidence(rows, symbol, AS_OF))


def as_moment(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value
