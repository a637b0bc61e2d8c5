"""The controller part for hummingbot, against classes with the interface of its own."""

import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from jobs.plan import Location, OrdersKind, OrdersSource
from router_policy_client import OrderLog, PolicyReader
from storage.store import Store
from tests.client import hummingbot_fake as fake
from tests.client.policies import reading
from tests.integration.test_source_hummingbot import tables
from tests.support.bot_data import canonical_rows, write_rows
from tests.support.command import command
from tests.support.runs import evidence, publish

PAIR = "BTC-USDT"
GUIDE = (Path(__file__).parents[2] / "docs" / "bots" / "hummingbot.md").read_text("utf-8")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
LOG, DATABASE = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)
_, COMMANDS = re.findall(r"```console\n(.*?)```", GUIDE, flags=re.DOTALL)


@dataclass
class Prices:
    """The time and the prices that a test says."""

    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp())
    bid: Decimal = Decimal("99")
    ask: Decimal = Decimal("101")

    def time(self) -> float:
        """Return the time."""
        return self.now

    def get_price_by_type(self, connector_name: str, trading_pair: str, price_type: fake.PriceType) -> Decimal:
        """Return a price."""
        assert (connector_name, trading_pair) == ("binance_perpetual", PAIR)
        return {fake.PriceType.BestBid: self.bid, fake.PriceType.BestAsk: self.ask}[price_type]


@dataclass
class Executor:
    """An executor as hummingbot shows it to a controller."""

    config: fake.OrderExecutorConfig
    is_done: bool = False
    close_type: fake.CloseType | None = None
    id: str = "executor-1"
    cum_fees_quote: Decimal = Decimal(0)
    custom_info: dict[str, object] = field(
        default_factory=lambda: {"executed_amount_base": 0, "average_executed_price": 0, "current_retries": 0}
    )

    def end(self, close_type: fake.CloseType, filled: str = "0", price: str = "0", retries: int = 0) -> None:
        """End it, with what it has filled."""
        self.is_done, self.close_type = True, close_type
        self.cum_fees_quote = Decimal(filled) * Decimal(price) / 10_000
        self.custom_info = {
            "executed_amount_base": Decimal(filled),
            "average_executed_price": Decimal(price),
            "current_retries": retries,
        }


class Controller:
    """A controller with the part, and the executors that hummingbot would keep for it."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self.folder = folder
        self.prices = Prices()
        self.reader = PolicyReader(f"sqlite:///{folder}/policy.db", watch=False)
        self.reader.refresh()
        self.part = module.RouterPolicyPart(
            "c1", self.prices, self.reader, full_wait_seconds=60.0, order_log=OrderLog(folder / "orders.jsonl")
        )
        self.executors: list[Executor] = []

    def trade(self, side: fake.TradeType = fake.TradeType.BUY) -> Executor:
        """Trade two, and start the executor that the part asks for."""
        return self.start(self.part.trade("binance_perpetual", PAIR, side, Decimal(2)))

    def start(self, action: fake.CreateExecutorAction) -> Executor:
        """Start an executor."""
        assert action.controller_id == "c1"
        self.executors.append(Executor(action.executor_config))
        return self.executors[-1]

    def follow(self, seconds: float = 0.0) -> list[Any]:
        """Let time pass, and return what the part asks for."""
        self.prices.now += seconds
        return list(self.part.follow(self.executors))

    def logged(self) -> list[dict[str, Any]]:
        """Return the lines of the log."""
        path = self.folder / "orders.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    """A controller; a test that wants a policy publishes it and reads again."""
    fake.install(monkeypatch)
    monkeypatch.delitem(sys.modules, "router_policy_client.bots.hummingbot", raising=False)
    controller = Controller(importlib.import_module("router_policy_client.bots.hummingbot"), tmp_path)
    yield controller
    controller.reader.close()


def let_post_twice(controller: Controller, monkeypatch: pytest.MonkeyPatch, posts: int = 4) -> None:
    """Let the policy divide the full wait of 60 s, of which it grants all; hummingbot posts every 30 s at most."""
    policy = reading(symbol=PAIR, maker_posts=posts)
    monkeypatch.setattr(controller.reader, "get", lambda symbol: replace(policy, symbol=symbol))


def publish_taker(controller: Controller) -> None:
    with Store(f"sqlite:///{controller.folder}/policy.db") as store:
        store.set_up()
        publish(store, datetime.now(UTC), evidence(PAIR, fallback=0.95))
    controller.reader.refresh()


def flags(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["maker_start"], row["is_maker_final"], row["used_fallback"], row["prices"]["avg_fill"]


def test_an_order_is_posted_at_the_best_price_of_its_side_with_the_grounds_in_its_level_id(
    controller: Controller,
) -> None:
    buys = controller.trade().config
    controller.prices.now += 1
    sells = controller.trade(fake.TradeType.SELL).config

    assert (buys.execution_strategy, buys.price, buys.amount) == (fake.ExecutionStrategy.LIMIT_MAKER, 99, 2)
    assert (sells.execution_strategy, sells.price) == (fake.ExecutionStrategy.LIMIT_MAKER, 101)
    literal, intent, run, probe, mid = str(buys.level_id).split("|")
    assert (literal, run, probe, mid) == ("rp1", "", "0", "100")
    assert intent.startswith("c1-BTC-USDT-")
    assert buys.level_id != sells.level_id
    assert controller.part.open_count == 2


def test_a_maker_order_that_fills_is_logged(controller: Controller) -> None:
    controller.trade().end(fake.CloseType.POSITION_HOLD, filled="2", price="99", retries=1)

    assert controller.follow(5) == []

    (row,) = controller.logged()
    assert flags(row) == (True, True, False, 99.0)
    assert (row["slippage_bps"], row["result"]["retries"], row["probe"]) == (pytest.approx(-100.0), 1, False)
    assert row["fees_usd"] == pytest.approx(0.0198)
    assert controller.part.open_count == 0
    assert controller.follow(5) == []
    assert len(controller.logged()) == 1


def test_a_maker_order_is_stopped_after_its_wait_and_the_rest_crosses_under_the_same_level_id(
    controller: Controller,
) -> None:
    maker = controller.trade()
    assert controller.follow(29) == []
    (stop,) = controller.follow(1)  # half of the wait, without a policy
    assert stop == fake.StopExecutorAction(controller_id="c1", executor_id="executor-1", keep_position=True)
    assert controller.follow(1) == []
    maker.end(fake.CloseType.POSITION_HOLD, filled="0.5", price="99")

    (cross,) = controller.follow(1)

    taker = controller.start(cross)
    assert (taker.config.execution_strategy, taker.config.amount) == (fake.ExecutionStrategy.MARKET, Decimal("1.5"))
    assert (taker.config.price, taker.config.level_id) == (None, maker.config.level_id)
    assert taker.config.id != maker.config.id
    assert controller.follow(1) == []
    taker.end(fake.CloseType.POSITION_HOLD, filled="1.5", price="103")
    assert controller.follow(1) == []
    (row,) = controller.logged()
    assert flags(row) == (True, False, True, 102.0)  # (0.5 * 99 + 1.5 * 103) / 2


def test_a_maker_order_that_the_exchange_refuses_to_the_end_crosses(controller: Controller) -> None:
    controller.trade().end(fake.CloseType.FAILED, retries=11)

    (cross,) = controller.follow(1)

    controller.start(cross).end(fake.CloseType.POSITION_HOLD, filled="2", price="101")
    controller.follow(1)
    (row,) = controller.logged()
    assert (*flags(row), row["result"]["retries"]) == (True, False, True, 101.0, 11)


@pytest.mark.parametrize(("posts", "filled"), [(1, "0"), (4, "0"), (4, "0.5")])
def test_nothing_follows_a_maker_order_that_hummingbot_fails_to_stop(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, posts: int, filled: str
) -> None:
    let_post_twice(controller, monkeypatch, posts=posts)
    maker = controller.trade()
    controller.prices.bid = Decimal(100)
    assert len(controller.follow(30) + controller.follow(30)) == 1  # the request to stop it
    maker.end(fake.CloseType.FAILED, filled=filled, price="99")

    assert controller.follow(1) == []

    (row,) = controller.logged()
    assert flags(row)[:3] == (True, None, None)  # which the batch job rejects as unknown_fill
    assert controller.part.open_count == 0


@pytest.mark.parametrize(
    ("close_type", "filled"), [(fake.CloseType.EARLY_STOP, "0"), (fake.CloseType.POSITION_HOLD, "0.5")]
)
def test_a_maker_order_that_is_stopped_from_elsewhere_does_not_cross(
    controller: Controller, close_type: fake.CloseType, filled: str
) -> None:
    controller.trade().end(close_type, filled=filled, price="99")

    assert controller.follow(1) == []

    (row,) = controller.logged()
    assert flags(row) == (True, False, False, 99.0 if filled != "0" else None)


def test_a_market_order_that_fails_is_given_up_and_logged(controller: Controller) -> None:
    controller.trade()
    controller.follow(30)
    controller.executors[0].end(fake.CloseType.EARLY_STOP)
    (cross,) = controller.follow(1)
    controller.start(cross).end(fake.CloseType.FAILED)

    assert controller.follow(1) == []

    (row,) = controller.logged()
    assert flags(row) == (True, False, False, None)


def test_a_taker_policy_goes_straight_across(controller: Controller) -> None:
    publish_taker(controller)

    taker = controller.trade()

    assert (taker.config.execution_strategy, taker.config.price) == (fake.ExecutionStrategy.MARKET, None)
    assert str(taker.config.level_id).split("|")[2:4] == ["1", "0"]
    assert controller.follow(1_000) == []
    taker.end(fake.CloseType.POSITION_HOLD, filled="2", price="101")
    controller.follow(1)
    (row,) = controller.logged()
    assert (*flags(row), row["policy_run_id"]) == (False, False, False, 101.0, 1)


def test_without_prices_an_order_crosses_and_its_mid_is_unknown(controller: Controller) -> None:
    controller.prices.bid = Decimal("NaN")

    taker = controller.trade()

    assert taker.config.execution_strategy == fake.ExecutionStrategy.MARKET
    assert str(taker.config.level_id).endswith("|0|")


def test_an_order_that_has_not_filled_is_posted_anew_at_the_fresh_price_within_the_same_wait(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_twice(controller, monkeypatch)
    first = controller.trade()
    controller.prices.bid, controller.prices.ask = Decimal(100), Decimal(102)
    assert controller.follow(29) == []
    assert [action.executor_id for action in controller.follow(1)] == ["executor-1"]
    assert controller.follow(1) == []
    first.end(fake.CloseType.EARLY_STOP, retries=1)

    (post,) = controller.follow(1)

    second = controller.start(post)
    assert (second.config.execution_strategy, second.config.price) == (fake.ExecutionStrategy.LIMIT_MAKER, 100)
    assert (second.config.amount, second.config.level_id) == (2, first.config.level_id)
    assert second.config.id != first.config.id
    assert controller.follow(27) == []
    assert len(controller.follow(1)) == 1  # the wait of 60 s is over
    second.end(fake.CloseType.POSITION_HOLD, filled="0.5", price="100")
    (cross,) = controller.follow(1)
    taker = controller.start(cross)
    assert (taker.config.execution_strategy, taker.config.amount) == (fake.ExecutionStrategy.MARKET, Decimal("1.5"))
    taker.end(fake.CloseType.POSITION_HOLD, filled="1.5", price="102")
    assert controller.follow(1) == []
    (row,) = controller.logged()
    assert flags(row) == (True, False, True, 101.5)  # (0.5 * 100 + 1.5 * 102) / 2
    assert (row["posts"], row["result"]["retries"], row["arrival_quote_bps"]) == (2, 1, pytest.approx(100.0))


def test_a_fill_while_an_order_is_stopped_for_its_next_post_is_not_posted_again(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_twice(controller, monkeypatch)
    first = controller.trade()
    controller.prices.bid = Decimal(100)
    controller.follow(30)
    first.end(fake.CloseType.POSITION_HOLD, filled="1.25", price="99")

    (post,) = controller.follow(1)

    second = controller.start(post)
    assert (second.config.amount, second.config.price) == (Decimal("0.75"), 100)
    second.end(fake.CloseType.POSITION_HOLD, filled="0.75", price="100")
    controller.follow(1)
    assert [flags(row)[:3] for row in controller.logged()] == [(True, True, False)]


def test_an_order_that_the_policy_posts_once_is_not_posted_anew(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_twice(controller, monkeypatch, posts=1)
    controller.trade()
    controller.prices.bid = Decimal(100)

    assert controller.follow(59) == []
    assert len(controller.follow(1)) == 1


@pytest.mark.parametrize(("bid", "filled"), [("99", "0"), ("NaN", "0"), ("100", "0.5")])
def test_an_order_stays_at_its_price_if_that_is_still_the_best_or_unknown_or_a_part_has_filled(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, bid: str, filled: str
) -> None:
    let_post_twice(controller, monkeypatch)
    first = controller.trade()
    controller.prices.bid = Decimal(bid)
    first.custom_info["executed_amount_base"] = Decimal(filled)

    assert controller.follow(30) == []
    assert len(controller.follow(30)) == 1


def test_an_order_that_is_stopped_late_crosses_and_is_not_posted_anew(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_twice(controller, monkeypatch)
    first = controller.trade()
    controller.prices.bid = Decimal(100)
    controller.follow(30)
    controller.follow(31)
    first.end(fake.CloseType.EARLY_STOP)

    (cross,) = controller.follow(1)

    assert cross.executor_config.execution_strategy == fake.ExecutionStrategy.MARKET


def test_executors_of_others_are_left_alone(controller: Controller) -> None:
    other = fake.OrderExecutorConfig(
        trading_pair=PAIR,
        connector_name="binance_perpetual",
        side=fake.TradeType.BUY,
        amount=Decimal(1),
        execution_strategy=fake.ExecutionStrategy.LIMIT_MAKER,
    )
    controller.executors.append(Executor(other, is_done=True))

    assert controller.follow(1_000) == []
    assert controller.logged() == []


def test_the_guide_leads_from_nothing_to_a_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, "docs/bots/hummingbot.md", "exec"), names)
    prices = Prices(now=controller.prices.now - 3600)  # before the last full quarter of an hour
    routed = names["Routed"](names["RoutedConfig"](id="routed-1"), prices, None)
    for side in (fake.TradeType.BUY, fake.TradeType.SELL):
        (create,) = routed.determine_executor_actions()
        assert create.executor_config.side == side
        executor = Executor(create.executor_config)
        executor.end(fake.CloseType.POSITION_HOLD, filled="0.01", price="100")
        prices.now += 5
        routed.executors_info = [executor]
    routed.determine_executor_actions()
    routed.part._reader.close()
    (tmp_path / "router-policy.toml").write_text(LOG)

    printed = ""
    for line in COMMANDS.splitlines():
        done = command(tmp_path, *shlex.split(line.removeprefix("$ router-policy ")))
        assert done.returncode == 0, done.stderr
        printed += done.stdout

    assert "1 symbol, 2 orders used, 0 rows not used" in printed
    assert PAIR in printed


def test_the_source_reads_from_the_executors_what_the_log_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    filled = controller.trade()
    controller.prices.now += 1
    missed = controller.trade(fake.TradeType.SELL)
    filled.end(fake.CloseType.POSITION_HOLD, filled="2", price="99")
    (stop,) = controller.follow(31)
    assert stop.executor_id == missed.id
    missed.end(fake.CloseType.EARLY_STOP, retries=2)
    (cross,) = controller.follow(1)
    controller.start(cross).end(fake.CloseType.POSITION_HOLD, filled="2", price="98")
    controller.follow(1)

    read = read_from_executors(tmp_path, controller)

    logged = logged_as_read(controller)
    assert len(logged) == 2
    assert read == logged


def test_the_source_reads_an_order_that_was_posted_anew_as_the_log_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    let_post_twice(controller, monkeypatch)
    for filled_later in ("0.75", "0.25"):
        controller.prices.bid = Decimal(99)
        first = controller.trade()
        controller.prices.bid = Decimal(100)
        controller.follow(30)
        first.end(fake.CloseType.POSITION_HOLD, filled="1.25", price="99")
        (post,) = controller.follow(1)
        second = controller.start(post)
        controller.follow(30)
        second.end(fake.CloseType.POSITION_HOLD, filled=filled_later, price="100")
        for cross in controller.follow(1):
            controller.start(cross).end(fake.CloseType.POSITION_HOLD, filled="0.5", price="103")
        controller.follow(1)

    read = read_from_executors(tmp_path, controller)

    assert [values[:3] for values in read.values()] == [(True, True, False), (True, False, True)]
    assert read == logged_as_read(controller)


def read_from_executors(folder: Path, controller: Controller) -> dict[object, tuple[object, ...]]:
    """Read the orders as the batch job does, from the executors as hummingbot writes them; by id."""
    url = f"sqlite:///{folder}/bot.sqlite"
    executors = [_row(executor, controller.prices.now) for executor in controller.executors]
    write_rows(url, tables(), {"Executors": executors})
    as_of = datetime.fromtimestamp(controller.prices.now + 60, UTC)
    source = OrdersSource(kind=OrdersKind.HUMMINGBOT, location=Location(url=url))
    names = "maker_started maker_filled fallback_used slippage_bps post_only_rejected probe policy_run_id".split()
    rows = sorted(canonical_rows(source, as_of=as_of), key=lambda row: str(row["order_id"]))
    return {row["order_id"]: tuple(row[name] for name in names) for row in rows}


def logged_as_read(controller: Controller) -> dict[object, tuple[object, ...]]:
    """The lines of the log as the values that the batch job reads."""
    return {
        row["attempt_id"]: (
            *flags(row)[:3],
            pytest.approx(row["slippage_bps"]),
            row["result"]["retries"] > 0,
            row["probe"],
            row["policy_run_id"],
        )
        for row in controller.logged()
    }


def _row(executor: Executor, ended: float) -> dict[str, Any]:
    """The executor as hummingbot writes it."""
    config = json.loads(executor.config.model_dump_json())
    return {
        "id": executor.config.id or executor.config.level_id,
        "type": "order_executor",
        "timestamp": executor.config.timestamp,
        "close_timestamp": int(ended),
        "config": config,
        "custom_info": {name: str(value) for name, value in executor.custom_info.items()},
        "cum_fees_quote": float(executor.cum_fees_quote),
    }


@pytest.mark.skipif(find_spec("hummingbot") is None, reason="hummingbot is not installed: it is built from its source")
def test_the_classes_here_have_the_interface_of_hummingbots_own() -> None:
    for name, classes in fake.MODULES.items():
        module = importlib.import_module(name)
        for each in classes:
            real = getattr(module, each.__name__)
            if issubclass(each, Enum):
                assert {(member.name, member.value) for member in each} <= {(word.name, word.value) for word in real}
            elif issubclass(each, BaseModel):
                assert each.model_fields.keys() <= real.model_fields.keys(), each


def hold_all_out(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a maker policy hold every order out."""
    policy = reading(symbol=PAIR, holdout_share=1.0, holdout_salt="spring")
    monkeypatch.setattr(controller.reader, "get", lambda symbol: replace(policy, symbol=symbol))


def test_a_held_out_order_crosses_and_its_line_says_so(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_all_out(controller, monkeypatch)

    executor = controller.trade()
    executor.end(fake.CloseType.POSITION_HOLD, filled="2", price="101")
    controller.follow(1)

    (row,) = controller.logged()
    assert executor.config.execution_strategy == fake.ExecutionStrategy.MARKET
    assert (row["maker_start"], row["holdout"], row["propensity"]) == (False, True, 1.0)


def test_an_order_without_a_quote_takes_no_part_in_a_holdout(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_all_out(controller, monkeypatch)
    controller.prices.bid = controller.prices.ask = Decimal("nan")

    executor = controller.trade()
    executor.end(fake.CloseType.POSITION_HOLD, filled="2", price="101")
    controller.follow(1)

    (row,) = controller.logged()
    assert ("holdout" in row, row["propensity"]) == (False, 1.0)
