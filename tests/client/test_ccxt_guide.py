"""The guide for ccxt: its commands and its program run as written, against an exchange on this machine."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_policy_client.bots.ccxt_order import main
from router_policy_client.order import Side
from storage.store import Store
from tests.client.exchange_server import Exchange, served, settings_of
from tests.client.scripted import TAKER
from tests.support.command import command
from tests.support.runs import evidence, publish

GUIDE = (Path(__file__).parents[2] / "docs" / "bots" / "ccxt.md").read_text("utf-8")
_, INIT, ORDER, RUN = re.findall(r"```console\n(.*?)```", GUIDE, flags=re.DOTALL)
(SETTINGS,) = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)
(EXCHANGE,) = re.findall(r"```json\n(.*?)```", GUIDE, flags=re.DOTALL)
(PROGRAM,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
SYMBOL = "BTC/USDT:USDT"


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    """An exchange of the test's own, and the guide's exchange.json that leads to it in the current folder."""
    monkeypatch.chdir(tmp_path)
    with served() as (exchange, address):
        (tmp_path / "exchange.json").write_text(json.dumps(json.loads(EXCHANGE) | settings_of(address)))
        yield exchange


def with_policy(symbol: str, *, fallback: float) -> None:
    with Store("sqlite:///router_policy.db") as store:
        store.set_up()
        publish(store, datetime.now(UTC), evidence(symbol, fallback=fallback))


def logged() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("order_metrics.jsonl").read_text("utf-8").splitlines()]


def test_the_ten_minutes_lead_from_nothing_to_a_policy(
    exchange: Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange.fill_maker = 1000
    assert INIT == "$ router-policy init\n"
    assert command(tmp_path, "init").returncode == 0
    (tmp_path / "router-policy.toml").write_text(SETTINGS)
    order, printed = ORDER.removeprefix("$ ").splitlines()
    *program, side, quantity, symbol, option, order_id = shlex.split(order)
    assert program == ["python", "-m", "router_policy_client.bots.ccxt_order"]

    assert main([side, quantity, symbol, option, order_id]) == 0

    assert capsys.readouterr().out == f"{printed}\n"
    (row,) = logged()
    earlier = row | {"ts": row["ts"] - 3600}  # before the last full quarter of an hour
    (tmp_path / "order_metrics.jsonl").write_text(f"{json.dumps(earlier)}\n")
    outputs = []
    for line in RUN.splitlines():
        done = command(tmp_path, *shlex.split(line.removeprefix("$ router-policy ")))
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert "1 symbol, 1 order used, 0 rows not used" in outputs[0]
    assert SYMBOL in outputs[1]


def test_the_program_routes_by_the_policy_and_logs(exchange: Exchange) -> None:
    with_policy("BTCUSDT", fallback=0.95)
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, "docs/bots/ccxt.md", "exec"), names)

    try:
        outcome = names["trade"]("signal-2", "BTCUSDT", Side.SELL, Decimal("0.0129"))
    finally:
        names["reader"].close()
        names["exchange"].session.close()

    assert (outcome.filled, outcome.maker_started) == (Decimal("0.012"), False)
    (row,) = logged()
    assert (row["route"], row["policy_run_id"], row["policy_maker_first"]) == ("market", 1, False)


def test_an_order_from_the_shell_goes_straight_to_taker_if_the_policy_says_so(
    exchange: Exchange, capsys: pytest.CaptureFixture[str]
) -> None:
    with_policy("BTCUSDT", fallback=0.95)

    assert main(["sell", "0.5", SYMBOL, "--policy-symbol", "BTCUSDT", "--order-id", "signal-3"]) == 0

    assert "straight to taker (policy fresh, broken, run 1); all as maker: no;" in capsys.readouterr().out
    (row,) = logged()
    assert (row["symbol"], row["side"], row["maker_start"]) == ("BTCUSDT", "SELL", False)
    assert [parameters["type"] for method, _, parameters in exchange.requests if method == "POST"] == ["MARKET"]


def test_an_order_from_the_shell_waits_as_maker_and_crosses_the_rest(
    exchange: Exchange, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange.fill_maker = 0.2

    assert main(["buy", "0.5", SYMBOL, "--wait-seconds", "0.01"]) == 0

    assert "maker first (policy missing, unknown, run None); all as maker: no;" in capsys.readouterr().out
    assert [parameters["type"] for method, _, parameters in exchange.requests if method == "POST"] == [
        *("LIMIT", "MARKET")
    ]
    (row,) = logged()
    assert (row["maker_start"], row["is_maker_final"], row["used_fallback"]) == (True, False, True)


def test_an_order_from_the_shell_sends_a_sliver_if_the_policy_says_so(
    exchange: Exchange, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slivers = replace(TAKER, probe_share=0.05, symbol=SYMBOL)
    monkeypatch.setattr("router_policy_client.bots.ccxt_order.PolicyReader.get", lambda *_: slivers)
    exchange.fill_maker = 10.0

    assert main(["buy", "1.5", SYMBOL]) == 0

    assert "probe (policy fresh, broken, run 7); a sliver of 5.0% as maker: yes;" in capsys.readouterr().out
    (row,) = logged()
    assert (row["maker_share"], row["probe"], row["is_maker_final"], row["used_fallback"]) == (0.05, True, True, False)


def test_an_order_that_is_not_filled_ends_with_1_and_says_why(
    exchange: Exchange, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange.refusals = {"GTX": (-2019, "Margin is insufficient."), "MARKET": (-2019, "Margin is insufficient.")}

    assert main(["buy", "0.5", SYMBOL]) == 1

    assert capsys.readouterr().out.endswith("; unfilled: refused\n")
    assert len(logged()) == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["0.0001", SYMBOL], {}, "0.0001 of BTC/USDT:USDT is below the smallest order; order more"),
        (["0.5", "FOO/USDT:USDT"], {}, "does not have market symbol FOO/USDT:USDT"),
        (["0.5", SYMBOL], {"id": "nowhere"}, "exchange.json: its id 'nowhere' is not a valid exchange of ccxt"),
        (["0.5", SYMBOL], {"id": "kraken"}, "ccxt's kraken does not place, fetch and cancel orders by client order id"),
        (["0.5", SYMBOL, "--exchange", "none.json"], {}, "none.json"),
        (["0.5", SYMBOL, "--store", "nowhere"], {}, "the store's URL is neither SQLite nor Postgres"),
        (["0.5", SYMBOL, "--wait-seconds", "-1"], {}, "must be at least 0"),
    ],
)
def test_what_cannot_be_used_sends_nothing_and_is_named_in_one_line(
    exchange: Exchange,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    settings: dict[str, Any],
    message: str,
) -> None:
    file = tmp_path / "exchange.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))

    assert main(["buy", *arguments]) == 2

    error = capsys.readouterr().err
    assert error.startswith("nothing was sent: ")
    assert message in error
    assert error.count("\n") == 1
    assert [request for request in exchange.requests if request[0] == "POST"] == []
    assert not (tmp_path / "order_metrics.jsonl").exists()


def test_a_quantity_that_is_no_number_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["buy", "much", SYMBOL])

    assert "'much' is not a valid number" in capsys.readouterr().err
