"""The data that bots wrote themselves, against intents that others derived from it, row by row.

It lies in the folder that REAL_INPUTS names, else in `../shared/real` beside the checkout.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.plan import Location, OrdersKind, OrdersSource
from policy import Effectiveness
from tests.support.bot_data import canonical_rows, copy_sqlite, notes_of
from tests.support.command import command
from tests.support.postgres import fresh_database
from tests.support.small_runs import counts_of, evidence_of, run

REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[3] / "shared" / "real"))
END = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 60  # all of the data

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no data of bots here: name its folder in REAL_INPUTS")

FREQTRADE, HUMMINGBOT = REAL / "freqtrade" / "tradesv3.dryrun.sqlite", REAL / "hummingbot" / "conf_maker_first.sqlite"
Rows = list[dict[str, Any]]


def near(value: float | None) -> object:
    return None if value is None else pytest.approx(value, abs=1e-6)


def number(text: str) -> float | None:
    return float(text) if text else None


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url_of(request: pytest.FixtureRequest) -> Iterator[Mapping[Path, str]]:
    """The databases of the bots as they are, and the same tables on Postgres."""
    if request.param == "sqlite":
        yield {path: f"sqlite:///{path}" for path in (FREQTRADE, HUMMINGBOT)}
        return
    server = request.getfixturevalue("postgres_url")
    with fresh_database(server) as freqtrade, fresh_database(server) as hummingbot:
        copy_sqlite(FREQTRADE, freqtrade)
        copy_sqlite(HUMMINGBOT, hummingbot)
        yield {FREQTRADE: freqtrade, HUMMINGBOT: hummingbot}


def derived(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def freqtrade(url: str, *, entries_known: bool) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.FREQTRADE, location=Location(url=url), entries_known=entries_known)


def hummingbot(url: str) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.HUMMINGBOT, location=Location(url=url))


def nautilus(folder: Path) -> OrdersSource:
    return OrdersSource(kind=OrdersKind.NAUTILUS, location=Location(path=str(folder)))


def figures(source: OrdersSource, as_of: datetime, symbol: str) -> Effectiveness:
    return evidence_of(run(source, as_of=as_of))[symbol].effectiveness


def test_every_intent_of_freqtrade_is_as_others_derived_it(url_of: Mapping[Path, str]) -> None:
    rows = canonical_rows(freqtrade(url_of[FREQTRADE], entries_known=True), as_of=END, days=DAYS)
    expected = {
        (row["ft_trade_id"], row["side"], row["ts"][:19]): row
        for row in derived(REAL / "freqtrade" / "derived_intents.csv")
    }

    assert len(rows) == len(expected) == 1841
    for row in rows:
        theirs = expected[row["order_id"].partition("-")[0], row["side"], str(row["ts"])]
        flags = (row["maker_started"], row["maker_filled"], row["fallback_used"])
        assert row["symbol"] == theirs["symbol"]
        assert flags == tuple(theirs[name] == "1" for name in ("maker_started", "maker_filled", "fallback_used"))
        for name in ("slippage_bps", "notional", "realized_pnl"):
            assert row[name] == near(number(theirs[name])), (name, theirs)


@pytest.mark.parametrize(
    ("symbol", "counts", "ratios"),
    [
        ("BTC/USDT:USDT", (145, 134), (0.843284, 0.156716)),
        ("ETH/USDT:USDT", (207, 194), (0.855670, 0.144330)),
    ],
)
def test_freqtrade_gives_the_expected_ratios(
    url_of: Mapping[Path, str], symbol: str, counts: tuple[int, int], ratios: tuple[float, float]
) -> None:
    as_of = datetime(2026, 4, 26, 0, 1, tzinfo=UTC)
    seen = figures(freqtrade(url_of[FREQTRADE], entries_known=True), as_of, symbol)

    assert (seen.outcome_count, seen.maker_started_count) == counts
    assert (seen.maker_fill_ratio, seen.fallback_ratio) == (near(ratios[0]), near(ratios[1]))


def test_freqtrade_counts_exits_only_and_says_why(url_of: Mapping[Path, str]) -> None:
    as_of = datetime(2026, 4, 26, 0, 1, tzinfo=UTC)
    source = freqtrade(url_of[FREQTRADE], entries_known=False)

    # Of 134 starts of BTC 73 are entries, all of them filled: 40 of 61 exits filled as maker.
    seen = figures(source, as_of, "BTC/USDT:USDT")
    assert (seen.maker_started_count, seen.maker_fill_ratio) == (61, near(40 / 61))
    assert notes_of(source, as_of=END, days=DAYS)[:2] == [
        "at least 48 of 970 trade numbers are gone: freqtrade deletes an entry that was never filled, with its trade",
        "922 entries of the window do not count as maker starts, since missed entries cannot be seen; only exits do",
    ]


def test_every_intent_of_hummingbot_is_as_others_derived_it(url_of: Mapping[Path, str]) -> None:
    source = hummingbot(url_of[HUMMINGBOT])
    rows = {row["order_id"]: row for row in canonical_rows(source, as_of=END, days=DAYS)}
    expected = {row["id"]: row for row in derived(REAL / "hummingbot" / "derived_intents.csv")}

    assert rows.keys() == expected.keys()
    for name, row in rows.items():
        theirs = expected[name]
        if row["reason"] is not None:
            continue
        assert (row["symbol"], row["side"]) == (theirs["symbol"], theirs["side"])
        assert row["ts"].replace(tzinfo=UTC).timestamp() == float(theirs["ts"])
        flags = (row["maker_started"], row["maker_filled"], row["fallback_used"])
        assert flags == tuple(theirs[flag] == "1" for flag in ("maker_started", "maker_filled", "fallback_used"))
        assert row["slippage_bps"] == near(number(theirs["slippage_bps"]))
        assert (row["notional"] or 0.0, row["fees"] or 0.0) == (
            near(float(theirs["notional"])),
            near(float(theirs["fees"])),
        )
    assert [row["reason"] for row in rows.values() if row["reason"]] == ["open_order"]


@pytest.mark.parametrize(
    ("symbol", "counts", "ratios", "quartiles"),
    [
        ("ETH-USDT", (203, 178), (0.842697, 0.146067), (-1.058278, -0.021629, -0.020419)),
        ("BTC-USDT", (196, 133), (0.736842, 0.263158), (-2.013550, -0.006668, 0.394716)),
    ],
)
def test_hummingbot_gives_the_expected_figures(
    url_of: Mapping[Path, str],
    symbol: str,
    counts: tuple[int, int],
    ratios: tuple[float, float],
    quartiles: tuple[float, float, float],
) -> None:
    seen = figures(hummingbot(url_of[HUMMINGBOT]), datetime(2026, 4, 22, 12, 5, tzinfo=UTC), symbol)

    assert (seen.outcome_count, seen.maker_started_count) == counts
    assert (seen.maker_fill_ratio, seen.fallback_ratio) == (near(ratios[0]), near(ratios[1]))
    assert (seen.slip_q25, seen.slip_q50, seen.slip_q75) == tuple(map(near, quartiles))


@pytest.mark.parametrize("part", ["", "catalog", "*_report.parquet"])
def test_every_intent_of_nautilus_is_as_others_derived_it(part: str) -> None:
    with duckdb.connect() as connection:
        result = connection.execute(
            f"""select intent, make_timestamp(epoch_ns(ts) // 1000) as ts, symbol, side, maker_started, maker_filled,
                fallback_used, post_only_rejected, slippage_bps, notional, fees, realized_pnl, "open"
            from '{REAL / "nautilus" / "canonical_intents.parquet"}'"""
        )
        names = [column[0] for column in result.description or []]
        expected = {row[0]: dict(zip(names, row, strict=True)) for row in result.fetchall()}
    rows = {row["order_id"]: row for row in canonical_rows(nautilus(REAL / "nautilus" / part), as_of=END, days=DAYS)}
    exact = ["ts", "symbol", "side", "maker_started", "maker_filled", "fallback_used"]
    exact += [] if part.endswith(".parquet") else ["post_only_rejected"]  # which reports do not have

    assert rows.keys() == expected.keys()
    for name, row in rows.items():
        theirs = expected[name]
        if row["reason"] is not None:
            assert (row["reason"], theirs["open"]) == ("open_order", True)
            continue
        assert [row[column] for column in exact] == [theirs[column] for column in exact]
        assert row["slippage_bps"] == near(theirs["slippage_bps"])
        assert (row["notional"] or 0.0, row["fees"] or 0.0) == (near(theirs["notional"]), near(theirs["fees"]))
        assert row["realized_pnl"] == (near(theirs["realized_pnl"]) if part != "catalog" else None)


@pytest.mark.parametrize("layout", ["ccxt", "fapi"])
def test_ccxt_and_binance_give_the_intents_of_the_same_orders(layout: str) -> None:
    """They are the first six days of the orders that Nautilus sent, without what links their legs."""
    source = OrdersSource(kind=OrdersKind.CCXT, location=Location(path=str(REAL / "ccxt" / f"{layout}_*.json")))
    rows = canonical_rows(source, as_of=END, days=DAYS)
    others = {
        (row["symbol"].partition("-")[0], row["side"], row["ts"].replace(microsecond=0)): row
        for row in canonical_rows(nautilus(REAL / "nautilus"), as_of=END, days=DAYS)
    }
    cut_off = 0
    for row in rows:
        symbol = row["symbol"].replace("/", "").partition(":")[0]
        theirs = others.get((symbol, row["side"], row["ts"]))
        if theirs is None:
            cut_off += 1
            continue
        exact = ("maker_started", "maker_filled", "fallback_used", "posts", "maker_price", "maker_until")
        assert [row[name] for name in exact] == [theirs[name] for name in exact]
        if row["posts"]:
            assert row["maker_from"] <= theirs["maker_from"]  # Nautilus says when the venue accepted it
        assert (row["notional"], row["fees"]) == (near(theirs["notional"]), near(theirs["fees"]))

    assert len(rows) == 665
    assert cut_off == 1  # the last maker order: its market order lies behind the end of the six days


def test_an_export_of_binance_gives_no_ratio_and_says_so() -> None:
    path = REAL / "ccxt" / "web_trade_history.csv"
    source = OrdersSource(kind=OrdersKind.BINANCE, location=Location(path=str(path)))
    result = run(source, as_of=datetime(2026, 4, 23, 1, 15, tzinfo=UTC))

    assert (result.event_count, counts_of(result)) == (661, {})
    assert {evidence.effectiveness.maker_started_count for evidence, _ in result.decisions} == {0}
    assert "gives no ratio and no slippage" in result.sources
    assert "no fill or fallback ratio is known" in result.sources


@pytest.mark.parametrize(
    ("part", "end"),
    [
        ("freqtrade", "2026-05-12T23:55:01Z"),
        *(
            pytest.param(part, end, marks=pytest.mark.long)
            for part, end in (
                ("freqtrade/tradesv3.dryrun.sqlite", "2026-05-12T23:55:01Z"),
                ("hummingbot", "2026-04-23T01:15:00Z"),
                ("nautilus", "2026-05-12T23:59:59Z"),
                ("nautilus/catalog", "2026-05-12T23:59:59Z"),
                ("nautilus/canonical_intents.parquet", "2026-05-13T00:00:01Z"),
                ("ccxt", "2026-04-23T01:29:58Z"),
                ("ccxt/web_trade_history.csv", "2026-04-23T01:15:00Z"),
                ("order-log", "2026-05-12T23:59:59Z"),
            )
        ),
    ],
)
def test_each_input_gives_settings_that_work_as_they_are(tmp_path: Path, part: str, end: str) -> None:
    started = command(tmp_path, "init", "--from", str(REAL / part))
    assert started.returncode == 0, started.stderr
    assert f"policies as of {end}, by " in started.stdout

    checked = command(tmp_path, "check", "--as-of", end)
    computed = command(tmp_path, "once", "--as-of", end)

    assert (checked.returncode, computed.returncode) == (0, 0), checked.stdout + computed.stderr
    assert "published as run 1" in computed.stdout


@pytest.mark.long
def test_of_a_log_that_writes_0_for_orders_that_did_not_fill_the_check_says_what_is_lost(tmp_path: Path) -> None:
    started = command(tmp_path, "init", "--from", str(REAL / "order-log-legacy"))
    assert started.returncode == 0, started.stderr

    checked = command(tmp_path, "check", "--as-of", "2025-11-06T13:25:42Z")
    computed = command(tmp_path, "once", "--as-of", "2025-11-06T13:25:42Z")

    lost = "418 of 614 rows (68%) are not used, so no figure can be trusted; most are zero_fill"
    assert checked.returncode == 1
    assert f"WRONG orders: {lost}" in checked.stdout
    assert computed.returncode == 0
    assert lost in computed.stdout
