"""Candles from every format: true ranges as plain Python works them out, of bars that had closed; bad ones counted."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import strategies as st

from jobs.plan import CandlesSource, Location, OrdersSource
from jobs.sources.errors import SourceError
from policy import Code, Regime, Volatility
from storage.records import RunResult
from tests.support.bars import NAMES, bars, named, write_csv, write_parquet, write_sqlite
from tests.support.families import family, product_of
from tests.support.oracles import Bar, assert_close, volatility
from tests.support.outcomes import outcome
from tests.support.outcomes import write_parquet as write_outcomes
from tests.support.small_runs import AS_OF, INTERVAL, candles, canonical, counts_of, evidence_of, run, sample_of

MOMENT = timedelta(microseconds=1)
BAR_COUNTS = (1, 49, 50, 51, 499, 500, 501, 700)  # around the 50 bars of the short range and the 500 of the long one
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> OrdersSource:
    """One outcome each of two symbols, so that both are traded, in the format that is read in the least time."""
    path = tmp_path_factory.mktemp("orders") / "outcomes.parquet"
    return canonical(write_outcomes(path, [outcome(1), outcome(2, symbol="ETHUSDT")]))


def as_csv(folder: Path, rows: Rows) -> CandlesSource:
    return candles(write_csv(folder / "bars.csv", rows))


def as_parquet(folder: Path, rows: Rows) -> CandlesSource:
    return candles(write_parquet(folder / "bars.parquet", rows))


def as_query(folder: Path, rows: Rows) -> CandlesSource:
    query = "select * from bar where ts < :as_of"
    return CandlesSource(location=Location(url=write_sqlite(folder / "bars.db", rows), query=query), interval=INTERVAL)


each_format = pytest.mark.parametrize("write", [as_csv, as_parquet, as_query])
Writer = Callable[[Path, Rows], CandlesSource]


def measured(orders: OrdersSource, source: CandlesSource, symbol: str = "BTCUSDT") -> Volatility:
    return evidence_of(run(orders, source))[symbol].volatility


def regime_of(result: RunResult, symbol: str = "BTCUSDT") -> tuple[Regime, Code]:
    decision = next(decision for evidence, decision in result.decisions if evidence.symbol == symbol)
    return decision.regime, decision.policy.codes[-1]


@each_format
def test_true_ranges_are_what_plain_python_works_out(tmp_path: Path, write: Writer) -> None:
    made = {f"OF{count}AT{base}": bars(count, base=base) for count in BAR_COUNTS for base in (3.0, 100.0)}
    traded = [outcome(number, symbol=symbol) for number, symbol in enumerate(made, 1)]
    source = write(tmp_path, [row for symbol, own in made.items() for row in named(symbol, own)])

    measured = evidence_of(run(canonical(write_outcomes(tmp_path / "outcomes.parquet", traded)), source))

    for symbol, own in made.items():
        assert_close(measured[symbol].volatility, volatility(own, AS_OF, INTERVAL))


def test_true_ranges_worked_out_by_hand(tmp_path: Path, orders: OrdersSource) -> None:
    # 451 bars of range 2, then 49 that open with a gap of 5 up or down from the close before: |high - close before|
    # = 6 and |low - close before| = 6. Short: (49 x 6 + 2) / 50 = 5.92; long: (49 x 6 + 451 x 2) / 500 = 2.392.
    calm = [(AS_OF - (500 - number) * INTERVAL, 101.0, 99.0, 100.0) for number in range(451)]
    wild = [
        (AS_OF - (500 - number) * INTERVAL, *((106.0, 104.0, 105.0) if number % 2 else (101.0, 99.0, 100.0)))
        for number in range(451, 500)
    ]
    figures = measured(orders, candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", [*calm, *wild]))))

    assert wild[-1][3] == 105.0
    assert figures == Volatility(
        atr_short_pct=round(5.92 / 105 * 100, 9),
        atr_long_pct=round(2.392 / 105 * 100, 9),
        atr_ratio=round(5.92 / 2.392, 9),
        bar_count=500,
        bar_age_seconds=0.0,
    )


@family(
    short=5,
    long=150,
    moves=st.lists(
        st.tuples(st.floats(0.5, 2.0), st.floats(0.0, 0.2), st.floats(0.0, 0.2), st.floats(0.0, 1.0)),
        min_size=1,
        max_size=60,
    ),
    repeats=st.integers(1, 12),
    holes=st.sets(st.integers(0, 720)),
    shift=st.integers(-2, 2),
)
def test_any_bars_give_what_plain_python_works_out(
    tmp_path_factory: pytest.TempPathFactory,
    orders: OrdersSource,
    moves: list[tuple[float, float, float, float]],
    repeats: int,
    holes: set[int],
    shift: int,
) -> None:
    made: list[Bar] = []
    for back, (middle, up, down, position) in enumerate(moves * repeats):
        if back not in holes:
            high, low = middle * (1 + up), middle * (1 - down)
            made.append((AS_OF - (back + shift) * INTERVAL, high, low, min(high, low + (high - low) * position)))
    made.append((AS_OF - 2000 * INTERVAL, 900.0, 1.0, 500.0))
    path = write_csv(tmp_path_factory.mktemp("any") / "bars.csv", named("BTCUSDT", made))

    assert_close(measured(orders, candles(path)), volatility(made, AS_OF, INTERVAL))


@each_format
def test_a_bar_that_closes_with_the_slot_is_in_and_a_moment_later_is_out(
    tmp_path: Path, orders: OrdersSource, write: Writer
) -> None:
    made = bars(500)
    closes_later = [(made[-1][0] + MOMENT, 1e6, 1.0, 500.0)]
    source = write(tmp_path, named("BTCUSDT", [*made, *closes_later]))
    figures = measured(orders, source)

    assert (figures.bar_count, figures.bar_age_seconds) == (500, 0.0)
    assert_close(figures, volatility(made, AS_OF, INTERVAL))


def test_a_moment_after_the_slot_one_more_bar_has_closed(tmp_path: Path, orders: OrdersSource) -> None:
    source = candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", bars(3, last_close=AS_OF + MOMENT))))

    assert evidence_of(run(orders, source))["BTCUSDT"].volatility.bar_count == 2
    assert evidence_of(run(orders, source, as_of=AS_OF + MOMENT))["BTCUSDT"].volatility.bar_count == 3


def test_bars_are_looked_for_a_thousand_intervals_back_and_no_further(tmp_path: Path, orders: OrdersSource) -> None:
    first = (AS_OF - 1000 * INTERVAL, 2.0, 1.0, 1.5)
    too_old = (AS_OF - 1000 * INTERVAL - MOMENT, 2.0, 1.0, 1.5)
    figures = measured(orders, candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", [too_old, first]))))

    assert (figures.bar_count, figures.bar_age_seconds) == (1, 999 * 900.0)


def test_holes_between_bars_are_stepped_over(tmp_path: Path, orders: OrdersSource) -> None:
    made = [bar for number, bar in enumerate(bars(990)) if number % 3]
    figures = measured(orders, candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", made))))

    assert figures.bar_count == 500
    assert_close(figures, volatility(made, AS_OF, INTERVAL))


def test_the_order_of_rows_and_files_changes_nothing(tmp_path: Path, orders: OrdersSource) -> None:
    made = bars(510)
    write_csv(tmp_path / "b.csv", named("BTCUSDT", made[:100]))
    write_csv(tmp_path / "a.csv", named("BTCUSDT", reversed(made[100:])))

    assert_close(measured(orders, candles(tmp_path / "*.csv")), volatility(made, AS_OF, INTERVAL))


def test_bars_that_do_not_move_have_no_ratio_and_an_unknown_regime(tmp_path: Path, orders: OrdersSource) -> None:
    still = [(at, 100.0, 100.0, 100.0) for at, *_ in bars(500)]
    result = run(orders, candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", still))))

    assert evidence_of(result)["BTCUSDT"].volatility == Volatility(
        atr_short_pct=0.0, atr_long_pct=0.0, atr_ratio=None, bar_count=500, bar_age_seconds=0.0
    )
    assert regime_of(result) == (Regime.UNKNOWN, Code(code="atr_ratio_missing"))


def test_a_symbol_without_candles_has_an_unknown_regime_and_says_so(tmp_path: Path, orders: OrdersSource) -> None:
    result = run(orders, candles(write_csv(tmp_path / "bars.csv", named("BTCUSDT", bars(500)))))

    assert regime_of(result)[0] is not Regime.UNKNOWN
    assert regime_of(result, "ETHUSDT") == (
        Regime.UNKNOWN,
        Code(code="regime_unknown_too_few_bars", value=0.0, threshold=500.0),
    )


def test_without_candles_every_regime_is_unknown_and_says_so(orders: OrdersSource) -> None:
    result = run(orders)

    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert regime_of(result, symbol) == (
            Regime.UNKNOWN,
            Code(code="regime_unknown_too_few_bars", value=0.0, threshold=500.0),
        )


def test_candles_of_a_symbol_that_is_not_traded_make_no_decision(tmp_path: Path, orders: OrdersSource) -> None:
    result = run(orders, candles(write_csv(tmp_path / "bars.csv", named("DOGEUSDT", bars(500)))))

    assert sorted(evidence_of(result)) == ["BTCUSDT", "ETHUSDT"]


LAST = AS_OF - INTERVAL
BAD_BARS = [
    ("bad_symbol", (LAST, "", 2, 1, 1.5)),
    ("bad_symbol", (LAST, "B" * 65, 2, 1, 1.5)),
    ("bad_value", (LAST, "BTCUSDT", "", 1, 1.5)),
    ("bad_value", (LAST, "BTCUSDT", 2, "", 1.5)),
    ("bad_value", (LAST, "BTCUSDT", 2, 1, "")),
    ("not_finite", (LAST, "BTCUSDT", "nan", 1, 1.5)),
    ("not_finite", (LAST, "BTCUSDT", "inf", 1, 1.5)),
    ("not_finite", (LAST, "BTCUSDT", 2, "-inf", 1.5)),
    ("not_finite", (LAST, "BTCUSDT", 2, 1, "nan")),
    ("impossible_bar", (LAST, "BTCUSDT", 1, 2, 1.5)),
    ("impossible_bar", (LAST, "BTCUSDT", 2, 1, 2.5)),
    ("impossible_bar", (LAST, "BTCUSDT", 2, 1, 0.5)),
    ("impossible_bar", (LAST, "BTCUSDT", 2, 0, 1)),
    ("impossible_bar", (LAST, "BTCUSDT", 2, -1, 1)),
    ("bad_time", ("", "BTCUSDT", 2, 1, 1.5)),
]


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_all_bars_that_cannot_be_are_counted_by_their_reasons_and_cost_no_other(
    tmp_path: Path, orders: OrdersSource, write: Writer
) -> None:
    made = bars(501)
    bad = [dict(zip(NAMES, bar, strict=True)) for _, bar in BAD_BARS]
    source = write(tmp_path, [*named("BTCUSDT", made[:1]), *bad, *named("BTCUSDT", made[1:])])
    result = run(orders, source)

    assert counts_of(result, "candles") == {
        "bad_symbol": 2, "bad_value": 3, "not_finite": 4, "impossible_bar": 5, "bad_time": 1,
    }  # fmt: skip
    for reason in ("bad_symbol", "bad_value", "not_finite", "impossible_bar", "bad_time"):
        first = [reason for reason, _ in BAD_BARS].index(reason)
        position = f":{first + 3}" if write is as_csv else f": row {first + 2}"
        assert f"{sample_of(result, reason, 'candles')}: ".startswith(f"{source.location.path}{position}: ")
    assert_close(evidence_of(result)["BTCUSDT"].volatility, volatility(made, AS_OF, INTERVAL))


@pytest.mark.long
@pytest.mark.parametrize("write", [as_csv, as_parquet])
@pytest.mark.parametrize(("reason", "bar"), BAD_BARS)
def test_a_bar_that_cannot_be_is_counted_with_its_place_and_costs_no_other(
    tmp_path: Path, orders: OrdersSource, write: Writer, reason: str, bar: tuple[object, ...]
) -> None:
    made, others = bars(502)[:-1], bars(501, base=3.0)
    bad = dict(zip(NAMES, bar, strict=True))
    source = write(
        tmp_path, [*named("ETHUSDT", others[:1]), bad, *named("BTCUSDT", made), *named("ETHUSDT", others[1:])]
    )
    result = run(orders, source)
    position = ":3" if write is as_csv else ": row 2"

    assert counts_of(result, "candles") == {reason: 1}
    assert f"{sample_of(result, reason, 'candles')}: ".startswith(f"{source.location.path}{position}: ")
    assert_close(evidence_of(result)["BTCUSDT"].volatility, volatility(made, AS_OF, INTERVAL))
    assert_close(evidence_of(result)["ETHUSDT"].volatility, volatility(others, AS_OF, INTERVAL))


@pytest.mark.parametrize(("reason", "text"), [("bad_time", "noon"), ("bad_value", "1,5"), ("bad_value", "n/a")])
def test_a_text_that_is_no_time_or_price_is_counted(
    tmp_path: Path, orders: OrdersSource, reason: str, text: str
) -> None:
    bad = named("BTCUSDT", bars(1))[0] | ({"ts": text} if reason == "bad_time" else {"high": text})
    path = write_csv(tmp_path / "bars.csv", [*named("BTCUSDT", bars(3)[:-1]), bad])
    result = run(orders, candles(path))

    assert counts_of(result, "candles") == {reason: 1}
    assert sample_of(result, reason, "candles").startswith(f"{path}:4: BTCUSDT")
    assert evidence_of(result)["BTCUSDT"].volatility.bar_count == 2


@each_format
def test_a_bar_that_is_there_twice_counts_once(tmp_path: Path, orders: OrdersSource, write: Writer) -> None:
    made = bars(501)
    rows = named("BTCUSDT", made)
    source = write(tmp_path, [*rows, rows[400], rows[10], rows[400]])
    result = run(orders, source)

    assert counts_of(result, "candles") == {"duplicate_bar": 3}
    assert_close(evidence_of(result)["BTCUSDT"].volatility, volatility(made, AS_OF, INTERVAL))


@family(
    short=8,
    long=150,
    opened=st.lists(
        st.tuples(
            st.sampled_from(["BTCUSDT", "ETHUSDT"]),
            st.sampled_from([1000, 999, 3, 2, 1]),  # how many intervals before the slot
            st.sampled_from([timedelta(0), MOMENT, INTERVAL - MOMENT]),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_bars_of_one_interval_are_repeats_only_if_they_open_at_the_same_time(
    tmp_path_factory: pytest.TempPathFactory, orders: OrdersSource, opened: list[tuple[str, int, timedelta]]
) -> None:
    times = [(symbol, AS_OF - back * INTERVAL + late) for symbol, back, late in opened]
    rows = [row for symbol, at in times for row in named(symbol, [(at, 2.0, 1.0, 1.5)])]
    in_window = [(symbol, at) for symbol, at in times if at <= AS_OF - INTERVAL]
    result = run(orders, as_csv(tmp_path_factory.mktemp("bars"), rows))

    repeats = len(in_window) - len(set(in_window))
    assert counts_of(result, "candles") == ({"duplicate_bar": repeats} if repeats else {})
    for symbol in ("BTCUSDT", "ETHUSDT"):
        count = len({at for name, at in in_window if name == symbol})
        assert evidence_of(result)[symbol].volatility.bar_count == count


def test_the_sample_of_a_repeated_bar_names_its_line(tmp_path: Path, orders: OrdersSource) -> None:
    rows = named("BTCUSDT", bars(5))
    path = write_csv(tmp_path / "bars.csv", [*rows, rows[3]])

    assert sample_of(run(orders, candles(path)), "duplicate_bar", "candles") == (
        f"{path}:5: BTCUSDT 2026-04-25 23:35:00"
    )


def other_ranges(made: list[Bar], index: int, factor: float) -> list[Bar]:
    """The bars from `index` on with ranges of another size, as a recorder sees them before they close."""
    return [
        (at, low + (high - low) * factor, low, low + (close - low) * factor) for at, high, low, close in made[index:]
    ]


# A bar that was written while it ran is smaller, one that is corrected may be larger.
@product_of("write, factor", [as_csv, as_parquet, as_query], [0.1, 5.0])
def test_of_two_bars_of_one_time_the_one_written_later_counts(
    tmp_path: Path, orders: OrdersSource, write: Writer, factor: float
) -> None:
    made = bars(550)
    written_twice = other_ranges(made, 500, factor)
    rows = [bar for pair in zip(written_twice, made[500:], strict=True) for bar in pair]
    result = run(orders, write(tmp_path, named("BTCUSDT", [*made[:500], *rows])))

    assert counts_of(result, "candles") == {"duplicate_bar": 50}
    assert_close(evidence_of(result)["BTCUSDT"].volatility, volatility(made, AS_OF, INTERVAL))


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_of_two_bars_of_one_time_in_two_files_the_wider_counts(
    tmp_path: Path, orders: OrdersSource, names: tuple[str, str]
) -> None:
    made = bars(550)
    write_csv(tmp_path / names[0], named("BTCUSDT", made))
    write_csv(tmp_path / names[1], named("BTCUSDT", other_ranges(made, 500, 0.1)))
    result = run(orders, candles(tmp_path / "*.csv"))

    assert counts_of(result, "candles") == {"duplicate_bar": 50}
    assert_close(evidence_of(result)["BTCUSDT"].volatility, volatility(made, AS_OF, INTERVAL))


@pytest.mark.parametrize("torn", ["2026-04-25T23:50:00Z,BTCUSDT,2", "2026-04-25T23:50:00Z,BTCUSDT,2,1,1.5,9", "?"])
def test_a_torn_row_is_counted(tmp_path: Path, orders: OrdersSource, torn: str) -> None:
    path = write_csv(tmp_path / "bars.csv", named("BTCUSDT", bars(3)))
    path.write_text(path.read_text() + torn + "\n")
    result = run(orders, candles(path))

    assert counts_of(result, "candles") == {"bad_row": 1}
    assert sample_of(result, "bad_row", "candles") == f"{path}:5: {torn}"
    assert counts_of(result) == {}
    assert evidence_of(result)["BTCUSDT"].volatility.bar_count == 3


def test_bars_outside_of_what_is_looked_at_are_not_counted(tmp_path: Path, orders: OrdersSource) -> None:
    rows = [
        *named("BTCUSDT", bars(2)),
        dict(zip(NAMES, (AS_OF, "BTCUSDT", 1, 2, 1), strict=True)),
        dict(zip(NAMES, (AS_OF - 1001 * INTERVAL, "BTCUSDT", 1, 2, 1), strict=True)),
    ]

    assert counts_of(run(orders, as_csv(tmp_path, rows)), "candles") == {}


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_columns_of_other_names_are_read_as_they_are_named(
    tmp_path: Path, orders: OrdersSource, write: Callable[..., Path]
) -> None:
    made = bars(500)
    path = write(tmp_path / f"bars.{'csv' if write is write_csv else 'parquet'}", named("BTCUSDT", made))
    if write is write_csv:
        path.write_text(path.read_text().replace("ts,symbol,high", "Open time,pair,high", 1))
    else:
        path = _renamed(path)

    figures = measured(orders, candles(path, {"ts": "Open time", "symbol": "pair"}))
    assert_close(figures, volatility(made, AS_OF, INTERVAL))


def _renamed(path: Path) -> Path:
    import duckdb

    renamed = path.with_name("renamed.parquet")
    chosen = 'ts as "Open time", symbol as pair, high, low, close'
    with duckdb.connect() as connection:
        connection.execute(f"copy (select {chosen} from '{path}') to '{renamed}' (format parquet)")
    return renamed


@product_of("name, suffix", NAMES, [".csv", ".parquet"])
def test_a_column_that_is_not_there_stops_the_run(tmp_path: Path, orders: OrdersSource, suffix: str, name: str) -> None:
    write = write_csv if suffix == ".csv" else write_parquet
    path = write(tmp_path / f"bars{suffix}", named("BTCUSDT", bars(3)))

    with pytest.raises(SourceError, match=rf"candles: .* has no column 'their_{name}'; it has .*\[candles\.columns\]"):
        run(orders, candles(path, {name: f"their_{name}"}))


def test_a_name_that_is_no_candle_column_stops_the_run(tmp_path: Path, orders: OrdersSource) -> None:
    path = write_csv(tmp_path / "bars.csv", named("BTCUSDT", bars(3)))

    with pytest.raises(
        SourceError, match=r"candles\.columns: 'hihg' is not a canonical column; the columns are ts, symbol, high"
    ):
        run(orders, candles(path, {"hihg": "high"}))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere.csv", None, r"candles\.path: no file matches .*/nowhere\.csv"),
        ("bars.csv", b"", r"candles\.path: .*/bars\.csv is empty"),
        ("bars.csv", b"ts,symbol,high,low,close\n", r"candles: .*/bars\.csv has no row"),
        ("bars.parquet", b"not parquet at all, though it is called so", r"candles: .*/bars\.parquet .*cannot be read"),
        (
            "bars.jsonl",
            b'{"ts": 1}\n',
            r"candles\.path: .*/bars\.jsonl is jsonl; candles are read from Parquet, CSV or",
        ),
    ],
)
def test_candles_that_cannot_be_used_stop_the_run(
    tmp_path: Path, orders: OrdersSource, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=message):
        run(orders, candles(tmp_path / name))


def test_a_price_column_of_texts_in_parquet_stops_the_run(tmp_path: Path, orders: OrdersSource) -> None:
    import duckdb

    path = tmp_path / "bars.parquet"
    with duckdb.connect() as connection:
        row = "select timestamp '2026-04-25' as ts, 'BTCUSDT' as symbol, '2' as high, 1.0 as low, 1.0 as close"
        connection.execute(f"copy ({row}) to '{path}' (format parquet)")

    with pytest.raises(SourceError, match=f"candles: column 'high' of {path} is VARCHAR, but high must be DOUBLE"):
        run(orders, candles(path))
