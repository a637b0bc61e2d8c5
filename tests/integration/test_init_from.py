"""`router-policy init --from`: a bot's data recognised, settings written that work as they are, policies shown."""

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pyarrow import feather
from starlette.testclient import TestClient

from console.records.policy_records import SnapshotRecord
from console.settings.file import load
from console.settings.plan import plan_of
from console.web.app import create_app
from jobs.analysis.health import WatchedScope
from jobs.analysis.preview import find_data_end
from jobs.analysis.recognition import recognise
from jobs.slots import Slots
from storage.read.policies import latest
from storage.store import Store
from tests.support.bot_data import utc, write_rows
from tests.support.bots import order as logged
from tests.support.command import command
from tests.support.freqtrade_rows import ORDERS, TRADES, tables

NOW = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00")
EXPORT = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
CONFIGURATION = """{
    // freqtrade allows comments, and a comma at the end
    "exchange": {"name": "binance", "key": "https://nothing.example"},
    "stake_currency": "USDT",
    "dry_run": true,
    "timeframe": "5m",
    "order_time_in_force": {"entry": "PO", "exit": "PO"},
    "unfilledtimeout": {"entry": 10, "exit": 20, "exit_timeout_count": 1, "unit": "minutes"},
}"""


def write_user_data(root: Path) -> Path:
    """Write what freqtrade keeps in a folder: configuration, database and candles."""
    folder = root / "user_data"
    (folder / "data" / "binance" / "futures").mkdir(parents=True)
    (folder / "config.json").write_text(CONFIGURATION)
    write_rows(f"sqlite:///{folder / 'tradesv3.sqlite'}", tables(), {"trades": TRADES, "orders": ORDERS})
    opened = [NOW - timedelta(minutes=5 * number) for number in range(1, 700)]
    prices = {name: [value] * len(opened) for name, value in (("high", 101.0), ("low", 99.0), ("close", 100.0))}
    for timeframe in ("5m", "1h"):
        path = folder / "data" / "binance" / "futures" / f"BTC_USDT_USDT-{timeframe}-futures.feather"
        feather.write_feather(pa.table({"date": opened, **prices}), path)
    return folder


def start(folder: Path, origin: Path | str) -> str:
    """Run init --from in a folder of its own, which must work; return what it printed."""
    home = folder / "home"
    home.mkdir()
    done = command(home, "init", "--from", str(origin))
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "home" / "router-policy.toml").read_text())


def test_the_user_data_of_freqtrade_gives_orders_candles_and_what_its_configuration_says(tmp_path: Path) -> None:
    folder = write_user_data(tmp_path)
    before = (folder / "tradesv3.sqlite").read_bytes()

    printed = start(tmp_path, folder)

    written, text = settings(tmp_path), (tmp_path / "home" / "router-policy.toml").read_text()
    assert written["orders"] == {
        "kind": "freqtrade",
        "url": f"sqlite:///{folder / 'tradesv3.sqlite'}",
        "entries": "unknown",
        "post_only": True,
    }
    assert written["candles"]["kind"] == "freqtrade"
    assert written["candles"]["interval"] == "5m"
    assert "an order that is not filled is cancelled after: entry 10 minutes, exit 20 minutes" in text
    assert "the configuration is of a dry run" in text
    assert "4 entries of the window do not count as maker starts" in text
    assert "policies as of 2026-04-25T10:09:01Z, by 7 orders of the seven days before:" in printed
    assert "BTC/USDT:USDT" in printed
    assert (folder / "tradesv3.sqlite").read_bytes() == before


def test_as_json_the_policies_have_the_names_of_the_api(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()

    done = command(home, "init", "--from", str(write_user_data(tmp_path)), "--json")

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    preview = record.pop("preview")
    assert record == {
        "settings": "router-policy.toml",
        "is_written": True,
        "store": f"sqlite:///{home / 'router_policy.db'}",
        "seen": record["seen"],
    }
    assert "freqtrade" in record["seen"]
    assert (preview["as_of"], preview["event_count"]) == ("2026-04-25T10:09:01Z", 7)
    (policy,) = preview["items"]
    assert set(policy) <= set(SnapshotRecord.model_fields)
    assert (policy["symbol"], policy["maker_started_count"], policy["maker_fill_ratio"]) == ("BTC/USDT:USDT", 2, 0.5)
    assert set(policy["codes"][0]) == {"code", "value", "threshold"}
    assert any("4 entries of the window" in note for note in preview["notes"])


def test_the_settings_work_unedited_and_nothing_is_published_before(tmp_path: Path) -> None:
    start(tmp_path, write_user_data(tmp_path))
    home = tmp_path / "home"
    with Store(f"sqlite:///{home / 'router_policy.db'}") as store, store.reading() as connection:
        assert latest(connection, "default") == []

    checked = command(home, "check", "--as-of", "2026-04-25T10:09:01Z")
    once = command(home, "once", "--as-of", "2026-04-25T10:09:01Z", "--json")

    assert checked.returncode == 0, checked.stdout
    assert "enough for all" in checked.stdout
    assert "7 orders of 1 symbol in the 7 days before 2026-04-25T10:09:01Z" in checked.stdout
    (policy,) = json.loads(once.stdout)["items"]
    # Of three exits two started as limit orders, and one of them crossed.
    assert (policy["symbol"], policy["maker_started_count"], policy["maker_fill_ratio"]) == ("BTC/USDT:USDT", 2, 0.5)


def test_what_the_data_cannot_tell_is_in_once_in_health_and_in_the_api(tmp_path: Path) -> None:
    start(tmp_path, write_user_data(tmp_path))
    home = tmp_path / "home"
    sentence = (
        "4 entries of the window do not count as maker starts, since missed entries cannot be seen; only exits do"
    )

    once = command(home, "once", "--as-of", "2026-04-25T10:09:01Z")
    health = command(home, "health")
    (record,) = json.loads(command(home, "health", "--json").stdout)["items"]

    assert f"note: orders: {sentence}" in once.stdout
    assert f"BTC/USDT:USDT: orders: {sentence}" in health.stdout
    assert f"orders: {sentence}" in [each["message"] for each in record["warnings"] if each["code"] == "source_note"]
    answer = ask(home, "/v1/health/BTC%2FUSDT%3AUSDT")
    assert f"orders: {sentence}" in [each["message"] for each in answer["warnings"]]


def ask(home: Path, address: str) -> Any:
    """Ask the API of the console for a JSON document."""
    with Store(f"sqlite:///{home / 'router_policy.db'}") as store:
        watched = WatchedScope(store=store, scope="default", slots=Slots("*/15 * * * *"))
        with TestClient(create_app(watched), base_url="http://127.0.0.1") as client:
            return client.get(address).json()


def test_the_fees_are_those_that_the_orders_paid(tmp_path: Path) -> None:
    start(tmp_path, write_user_data(tmp_path))
    end = find_data_end(plan_of(load(tmp_path / "home" / "router-policy.toml")).orders, NOW)

    # Maker fills paid fee_open of 2 bps four times and fee_close of 5 bps once; the taker's currency is not known.
    assert end is not None
    assert (end.maker_bps, end.taker_bps) == (2.0, None)
    assert "fees" not in settings(tmp_path)


def log_lines(count: int = 3) -> str:
    rows = [logged(number, TEN, "BTCUSDT", fallback=False, slippage_bps=1.0) for number in range(count)]
    return "".join(json.dumps(row) + "\n" for row in rows)


def write_order_log(folder: Path) -> Path:
    path = folder / "bot" / "order_metrics.jsonl"
    path.parent.mkdir()
    path.write_text(log_lines())
    return path.parent


def write_answers(folder: Path) -> Path:
    path = folder / "bot" / "orders.json"
    path.parent.mkdir()
    order = {"id": "1", "symbol": "BTC/USDT", "side": "buy", "type": "limit", "status": "closed", "postOnly": True}
    amounts = {"amount": 1, "filled": 1, "cost": 100, "average": 100, "timestamp": int(TEN.timestamp() * 1000)}
    path.write_text(json.dumps([{**order, **amounts, "lastUpdateTimestamp": amounts["timestamp"]}]))
    return path.parent


def write_export(folder: Path) -> Path:
    path = folder / "history.csv"
    path.write_text(
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n2026-04-25 10:00:00,BTCUSDT,BUY,1,1BTC,1USDT,0.1BNB\n"
    )
    return path


def write_canonical(folder: Path) -> Path:
    path = folder / "outcomes.csv"
    path.write_text("closed_at,pair,post_only,is_maker,note\n2026-04-25 10:00:00,BTCUSDT,true,true,x\n")
    return path


def write_catalog(folder: Path) -> Path:
    named = {"client_order_id": "A", "instrument_id": "BTCUSDT-PERP.BINANCE", "ts_init": int(TEN.timestamp()) * 10**9}
    order = {**named, "order_side": "BUY", "order_type": "LIMIT", "quantity": "1", "post_only": True}
    fill = {"client_order_id": "A", "liquidity_side": "MAKER", "last_qty": "1", "last_px": "100"}
    events = {"order_initialized": order, "order_filled": {**fill, "ts_event": named["ts_init"]}}
    for name, row in events.items():
        path = folder / "catalog" / "data" / name / "part-0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([row]), path)
    return folder / "catalog"


def write_hummingbot(folder: Path) -> Path:
    metadata = sa.MetaData()
    text, big = sa.Text(), sa.BigInteger()
    columns = {
        "Order": "id market symbol order_type last_status creation_timestamp amount last_update_timestamp",
        "OrderStatus": "order_id status timestamp",
        "TradeFill": "order_id market trade_type timestamp price amount",
    }
    for name, names in columns.items():
        kinds = {each: big if each in ("amount", "price") or "timestamp" in each else text for each in names.split()}
        present: list[sa.Column[Any]] = [sa.Column(each, kind) for each, kind in kinds.items()]
        sa.Table(name, metadata, *present)
    at = int(TEN.timestamp() * 1000)
    sent = {"id": "buy-1", "market": "binance", "symbol": "BTC-USDT", "order_type": "LIMIT_MAKER", "amount": 10**6}
    order = {**sent, "last_status": "BuyOrderCompleted", "creation_timestamp": at, "last_update_timestamp": at}
    fill = {"order_id": "buy-1", "market": "binance", "trade_type": "BUY", "timestamp": at, "price": 10**8}
    path = folder / "bot" / "data" / "conf_bot.sqlite"
    path.parent.mkdir(parents=True)
    write_rows(f"sqlite:///{path}", metadata, {"Order": [order], "TradeFill": [{**fill, "amount": 10**6}]})
    return folder / "bot"


@pytest.mark.parametrize(
    ("write", "kind", "seen"),
    [
        (write_order_log, "order-log", "an order log"),
        (write_answers, "ccxt", "orders or trades of ccxt"),
        (write_export, "binance", "a trade history that Binance exported"),
        (write_canonical, "canonical", "a table with the canonical columns"),
        (write_catalog, "nautilus", "a catalog of NautilusTrader"),
        (write_hummingbot, "hummingbot", "the database of Hummingbot"),
    ],
)
def test_each_kind_is_recognised_and_read(tmp_path: Path, write: Any, kind: str, seen: str) -> None:
    printed = start(tmp_path, write(tmp_path))

    assert f" is {seen}: wrote router-policy.toml" in printed
    assert settings(tmp_path)["orders"]["kind"] == kind
    checked = command(tmp_path / "home", "check", "--as-of", "2026-04-25T10:00:01Z")
    assert checked.returncode == 0, checked.stdout


def test_a_database_is_recognised_by_its_url_too(store_url: str) -> None:
    write_rows(store_url, tables(), {"trades": TRADES, "orders": ORDERS})

    recognition = recognise(store_url)

    assert (recognition.kind, recognition.url) == ("freqtrade", store_url)


def test_the_columns_of_a_table_are_guessed_by_their_names_or_declared_absent(tmp_path: Path) -> None:
    start(tmp_path, write_canonical(tmp_path))

    assert settings(tmp_path)["orders"]["columns"] == {
        "ts": "closed_at",
        "symbol": "pair",
        "maker_started": "post_only",
        "maker_filled": "is_maker",
        "fallback_used": "",
        "slippage_bps": "",
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "it has 5 bytes and the ending .txt. What would fit: freqtrade's database"),
        ("quotes.csv", b"a,b\n1,2\n", "it has the columns a, b. What would fit: "),
        (
            "backtest.json",
            b'{"strategy": {}, "metadata": {}}',
            "it has the columns strategy, metadata. What would fit: ",
        ),
        ("empty.csv", b"", "it has 0 bytes and the ending .csv. What would fit: "),
        ("orders.csv", b"Time,Order No,Pair,Executed,Status\n", "is the order history of Binance, which does not say"),
    ],
)
def test_where_nothing_fits_it_says_what_it_saw_and_what_would(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    done = command(tmp_path, "init", "--from", str(tmp_path / name))

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "router-policy.toml").exists()


def test_a_database_of_another_program_is_named_with_its_tables(tmp_path: Path) -> None:
    metadata = sa.MetaData()
    sa.Table("candles", metadata, sa.Column("id", sa.Integer()))
    write_rows(f"sqlite:///{tmp_path / 'other.db'}", metadata, {})

    done = command(tmp_path, "init", "--from", str(tmp_path / "other.db"))

    assert "is a database of a program that is not known, with the tables candles." in done.stderr


def test_settings_that_exist_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "router-policy.toml").write_text("kept")

    done = command(tmp_path, "init", "--from", str(write_export(tmp_path)))

    assert done.returncode == 2
    assert "exists, and is not written over" in done.stderr
    assert (tmp_path / "router-policy.toml").read_text() == "kept"
