"""Your own table by a query on files, columns that are declared absent, and hints for those that are missing."""

import json
from pathlib import Path

import pytest

from console.settings.file import load
from console.settings.plan import plan_of
from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.run.recompute import recompute
from jobs.sources.errors import SourceError
from storage.records import Origin, RunResult
from tests.support.bot_data import utc
from tests.support.bots import run_command
from tests.support.small_runs import canonical, evidence_of, run

AS_OF = utc("2026-04-26 00:00:00")
GUIDE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
FILL = {"symbol": "BTCUSDT", "maker_started": True, "maker_filled": True, "fallback_used": False}


def query(text: str, folder: Path, **columns: str) -> OrdersSource:
    location = Location(query=text, folder=str(folder), columns=columns)
    return OrdersSource(kind=OrdersKind.CANONICAL, location=location)


def by_settings(folder: Path, text: str) -> RunResult:
    (folder / "router-policy.toml").write_text(text)
    plan = plan_of(load(folder / "router-policy.toml"))
    return recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF)


def test_the_query_on_files_of_the_guide_reads_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    fills = [{"closed_at": at, **FILL} for at in ("2026-04-25 10:00:00", "2026-04-25 11:00:00", "2026-04-26 10:00:00")]
    (tmp_path / "fills").mkdir()
    (tmp_path / "fills" / "a.json").write_text(json.dumps(fills))
    block = GUIDE[GUIDE.index('[orders]\nkind = "canonical"\nquery') :].partition("```")[0]

    result = by_settings(tmp_path, block)

    seen = evidence_of(result)["BTCUSDT"].effectiveness
    assert (seen.outcome_count, seen.maker_fill_ratio, seen.slippage_count) == (2, 1.0, 0)


def test_the_bounds_of_the_window_are_times_in_utc(tmp_path: Path) -> None:
    rows = "(values (timestamp '2026-04-19 00:00:00'), (timestamp '2026-04-18 23:59:59')) as t(ts)"
    flags = "true as maker_started, true as maker_filled, false as fallback_used, 1 as slippage_bps"
    chosen = f"select ts, 'A' as symbol, {flags} from {rows}"

    assert run(query(f"{chosen} where ts >= :window_start and ts < :as_of", tmp_path), as_of=AS_OF).event_count == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("delete from orders", "orders.query: it is not one SELECT; a source is only read"),
        ("select 1; select 2", "orders.query: it is not one SELECT; a source is only read"),
        ("copy (select 1) to 'out.csv'", "orders.query: it is not one SELECT; a source is only read"),
        ("select * from read_csv('nowhere.csv')", "orders.query: DuckDB refused it: IO Error: No files found"),
        ("select 1 as ts where false", "orders.query: the query returned no row; check its files"),
        ("select 1 as ts, 2 as pair", "has no column 'symbol', 'maker_started', 'maker_filled', 'fallback_used'"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_and_changes_nothing(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError) as refused:
        run(query(text, tmp_path), as_of=AS_OF)

    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def table(folder: Path, header: str) -> Path:
    path = folder / "orders.csv"
    path.write_text(f"{header}\n" + ",".join(["2026-04-25 10:00:00", "BTCUSDT", *["true"] * (header.count(",") - 1)]))
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_column_that_is_declared_absent_is_null(tmp_path: Path, ending: str) -> None:
    import duckdb

    path = tmp_path / f"orders.{ending}"
    row = "timestamp '2026-04-25 10:00:00' as ts, 'BTCUSDT' as symbol, true as maker_started, true as maker_filled"
    kind = {"csv": "csv, header", "parquet": "parquet", "jsonl": "json"}[ending]
    duckdb.execute(f"copy (select {row}) to '{path}' (format {kind})")

    result = run(canonical(path, {"fallback_used": "", "slippage_bps": ""}), as_of=AS_OF)

    seen = evidence_of(result)["BTCUSDT"].effectiveness
    assert (seen.outcome_count, seen.maker_fill_ratio, seen.slippage_count) == (1, 1.0, 0)


def test_the_time_and_the_symbol_cannot_be_absent(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"orders\.columns: ts cannot be absent; name the column that has it"):
        run(canonical(table(tmp_path, "at,symbol,x"), {"ts": ""}), as_of=AS_OF)


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("timestamp,pair,post_only,is_maker,used_fallback,slippage", 'ts = "timestamp", symbol = "pair"'),
        ("timestamp,pair,post_only,is_maker,used_fallback,slippage", 'maker_started = "post_only"'),
        ("closed_at,Symbol,MakerStarted,maker_fild,fell_back,slip_bps", 'maker_filled = "maker_fild"'),
        ("amount,price,a,b,c,d", "None of its columns looks like ts, symbol"),
        ("ts,symbol,a,b,c,d", 'if it has none, write: maker_started = ""'),
    ],
)
def test_the_hint_for_a_missing_column_guesses_by_its_name_or_says_that_none_fits(
    tmp_path: Path, header: str, hint: str
) -> None:
    with pytest.raises(SourceError) as refused:
        run(canonical(table(tmp_path, header)), as_of=AS_OF)

    assert hint in str(refused.value)
    assert 'amount"' not in str(refused.value)


def test_orders_and_candles_of_different_spellings_are_said_loudly_and_settings_join_them(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(
        json.dumps({"ts": "2026-04-25 10:00:00", **FILL, "symbol": "BTC/USDT:USDT", "slippage_bps": 1})
    )
    (tmp_path / "bars.csv").write_text("ts,symbol,high,low,close\n2026-04-25 10:00:00,BTCUSDT,2,1,1.5\n")
    settings = '[orders]\nkind = "canonical"\npath = "orders.jsonl"\n[candles]\npath = "bars.csv"\ninterval = "15m"\n'
    (tmp_path / "router-policy.toml").write_text(settings)
    at = ("--as-of", AS_OF.isoformat())

    output = run_command(tmp_path, "once", *at).stdout
    joined = by_settings(tmp_path, settings + '[orders.symbols]\nstyle = "compact"\n')

    assert "note: candles: orders and candles share no symbol, so every regime is unknown" in output
    assert 'set style = "compact" in [orders.symbols]' in output
    assert "notes" not in json.loads(joined.sources)
    assert evidence_of(joined)["BTCUSDT"].volatility.bar_count == 1
