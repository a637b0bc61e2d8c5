"""What `init --from` recognises in folders and configurations as people have them."""

import json
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from jobs.analysis.freqtrade_folder import database_url_of, settings_of
from jobs.analysis.recognition import recognise
from jobs.sources.errors import SourceError
from tests.support.bot_data import write_rows
from tests.support.freqtrade_rows import ORDERS, TRADES, tables

ANSWER = {"id": "1", "symbol": "BTC/USDT", "status": "closed", "filled": 1}
LOGGED = {"ts": 1777111200, "symbol": "BTCUSDT", "prices": {"avg_fill": 1.0}}
OUTCOME = {"ts": 1777111200, "symbol": "BTCUSDT", "maker_started": True}


def written(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_several_files_of_one_kind_become_a_pattern(tmp_path: Path) -> None:
    written(tmp_path / "fetched_orders.json", ANSWER)
    written(tmp_path / "fetched_trades.json", {**ANSWER, "takerOrMaker": "maker"})
    written(tmp_path / "balance.json", {"BTC": 1})

    recognition = recognise(str(tmp_path))

    assert (recognition.kind, recognition.path) == ("ccxt", str(tmp_path / "fetched_*.json"))


def test_an_order_log_beside_other_files_is_taken_first(tmp_path: Path) -> None:
    written(tmp_path / "answers.json", ANSWER)
    log = written(tmp_path / "logs" / "order_metrics.jsonl", LOGGED)

    assert (recognise(str(tmp_path)).kind, recognise(str(tmp_path)).path) == ("order-log", str(log))


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "csv"])
def test_a_table_is_recognised_in_every_format(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"outcomes.{ending}"
    if ending == "jsonl":
        written(path, OUTCOME)
    else:
        kind = "csv, header" if ending == "csv" else "parquet"
        duckdb.execute(f"copy (select 1 as ts, 'A' as symbol, true as maker_started) to '{path}' (format {kind})")

    recognition = recognise(str(path))

    assert (recognition.kind, recognition.columns["slippage_bps"]) == ("canonical", "")


@pytest.mark.parametrize("started", ["maker_started", "MakerStarted"])
def test_a_column_is_not_taken_for_a_second_one_of_a_similar_name(tmp_path: Path, started: str) -> None:
    path = tmp_path / "outcomes.parquet"
    duckdb.execute(f"copy (select 1 as ts, 'A' as symbol, true as {started}, true as \"postOnlyRejected\") to '{path}'")

    columns = recognise(str(path)).columns

    assert {ours: theirs for ours, theirs in columns.items() if theirs and ours != "maker_started"} == {
        "post_only_rejected": "postOnlyRejected"
    }
    assert columns.get("maker_started", "maker_started") == started


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.json", ""), ("broken.json", "{"), ("numbers.json", "[1, 2]"), ("broken.parquet", "PAR1"), ("x.log", "x")],
)
def test_what_is_no_data_of_a_bot_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)

    for origin in (tmp_path, tmp_path / name):
        with pytest.raises(SourceError, match=r"is not data of a bot that is known; .* What would fit: freqtrade's"):
            recognise(str(origin))


def test_a_log_of_ones_own_is_shown_the_way(tmp_path: Path) -> None:
    log = tmp_path / "mine.jsonl"
    log.write_text('{"when": "2026-04-26T00:00:00Z", "pair": "BTCUSDT", "filled": true}\n')

    with pytest.raises(SourceError, match=r'columns when, pair, filled.* kind = "canonical", and name your columns'):
        recognise(str(log))


def test_an_empty_folder_and_a_path_that_leads_nowhere_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the folder has no file"):
        recognise(str(tmp_path))
    with pytest.raises(SourceError, match="nowhere does not exist; name the bot's data: freqtrade's database"):
        recognise(str(tmp_path / "nowhere"))


def test_reports_and_bars_of_nautilus_are_found_beside_each_other(tmp_path: Path) -> None:
    bars = tmp_path / "data" / "bar" / "BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL" / "part-0.parquet"
    bars.parent.mkdir(parents=True)
    for path in (tmp_path / "orders_report.parquet", bars):
        duckdb.execute(f"copy (select 1 as x) to '{path}' (format parquet)")

    recognition, by_file = recognise(str(tmp_path)), recognise(str(tmp_path / "orders_report.parquet"))

    assert (recognition.kind, recognition.seen) == ("nautilus", "reports of NautilusTrader")
    assert recognition.candles is not None
    assert recognition.candles.interval == timedelta(minutes=1)
    assert (by_file.kind, by_file.path) == ("nautilus", str(tmp_path))


def configured(folder: Path, **settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"stake_currency": "USDT", **settings}))
    return folder


def test_the_database_is_the_one_that_the_configuration_names(tmp_path: Path) -> None:
    for name in ("tradesv3.sqlite", "mine.sqlite"):
        write_rows(f"sqlite:///{tmp_path / name}", tables(), {"trades": TRADES, "orders": ORDERS})

    assert database_url_of(tmp_path) == f"sqlite:///{tmp_path / 'tradesv3.sqlite'}"
    assert (
        database_url_of(configured(tmp_path, db_url="sqlite:///mine.sqlite")) == f"sqlite:///{tmp_path / 'mine.sqlite'}"
    )
    postgres = "postgresql+psycopg://bot@127.0.0.1/bot"
    assert database_url_of(configured(tmp_path, db_url=postgres)) == postgres


def test_a_configuration_beside_user_data_is_read(tmp_path: Path) -> None:
    (tmp_path / "user_data").mkdir()
    configured(tmp_path, order_time_in_force={"entry": "GTC", "exit": "GTC"}, timeframe="1h")

    settings = settings_of(tmp_path / "user_data")

    assert (settings.is_post_only, settings.timeframe) == (False, timedelta(hours=1))
    assert settings.remarks == ["order_time_in_force of the configuration: entry GTC, exit GTC"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}'])
def test_a_configuration_that_cannot_be_read_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)

    assert settings_of(tmp_path).is_post_only is None
    assert database_url_of(tmp_path) is None
