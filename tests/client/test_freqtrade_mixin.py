"""The freqtrade mixin before a strategy that a test plays the bot for; `make bots` runs it in freqtrade itself."""

# ruff: noqa: ARG002 - freqtrade names the parameters of its callbacks
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from policy.experiment.experiment import Experiment
from router_policy_client.bots.freqtrade import BotSettingsError, RouterPolicyMixin
from storage.store import Store
from tests.client.policies import reading
from tests.support.runs import claim, evidence, publish, result

PAIR = "BTC/USDT"
FULL_WAIT = 240.0


@dataclass
class Book:
    """The best prices, and whether the exchange gives them."""

    is_there: bool = True

    def orderbook(self, pair: str, maximum: int) -> dict[str, list[list[float]]]:
        if not self.is_there:
            raise ConnectionError("no answer")
        return {"bids": [[99.0, 1.0]], "asks": [[101.0, 1.0]]}

    @property
    def runmode(self) -> SimpleNamespace:
        return SimpleNamespace(value="dry_run")


class Plain:
    """A strategy with the prices of its own, and answers that a test may change."""

    confirms = True
    times_out = False
    adjusts_to: float | None = 0.0  # as freqtrade does by itself: not at all
    own_price = 99.0

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.dp: Any = Book()
        self.order_types = {"entry": "limit", "exit": "limit"}
        self.order_time_in_force = {"entry": "PO", "exit": "PO"}
        self.called: list[str] = []

    def bot_start(self, **kwargs: Any) -> None:
        self.called.append("bot_start")

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        self.called.append("bot_loop_start")

    def custom_entry_price(self, *arguments: Any, **kwargs: Any) -> float:
        return self.own_price

    def confirm_trade_entry(self, *arguments: Any, **kwargs: Any) -> bool:
        return self.confirms

    def custom_exit_price(self, *arguments: Any, **kwargs: Any) -> float:
        return 101.0

    def check_entry_timeout(self, *arguments: Any, **kwargs: Any) -> bool:
        return self.times_out

    def check_exit_timeout(self, *arguments: Any, **kwargs: Any) -> bool:
        return self.times_out

    def adjust_order_price(self, *arguments: Any, **kwargs: Any) -> float | None:
        return self.adjusts_to if self.adjusts_to != 0.0 else float(kwargs["current_order_rate"])

    def order_filled(self, *arguments: Any, **kwargs: Any) -> None:
        self.called.append("order_filled")


class Routed(RouterPolicyMixin, Plain):
    """The strategy, routed."""


@dataclass
class FakeTrade:
    """A long position."""

    entry_side: str = "buy"
    exit_side: str = "sell"
    kept: dict[str, Any] = field(default_factory=dict)

    def set_custom_data(self, key: str, value: object) -> None:
        self.kept[key] = value

    def calc_profit_ratio(self, rate: float) -> float:
        return rate / 100.0 - 1.0


@dataclass(kw_only=True)
class FakeOrder:
    """An order as freqtrade hands it to its callbacks."""

    ft_order_side: str = "buy"
    order_type: str = "limit"
    status: str = "closed"
    safe_price: float = 99.0
    safe_filled: float = 1.0
    order_date_utc: datetime = datetime(2026, 5, 6, tzinfo=UTC)
    order_id: str = "17"
    ft_order_tag: str | None = None


class Bot:
    """Calls the callbacks in freqtrade's order, at the seconds that a test says."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        routing = {
            "store_url": f"sqlite:///{folder}/policy.db",
            "full_wait_seconds": FULL_WAIT,
            "order_log_path": str(folder / "orders.jsonl"),
        }
        self.strategy = Routed({"router_policy": routing | settings})
        self.start = datetime.now(UTC)
        self.trade = FakeTrade()

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def begin_loop(self, seconds: float) -> None:
        self.strategy.bot_loop_start(current_time=self.at(seconds))

    def enter(self, seconds: float) -> tuple[str, float]:
        """Enter: return the order type that freqtrade then reads, and the price."""
        price = self.strategy.custom_entry_price(
            *(PAIR, None), current_time=self.at(seconds), proposed_rate=99.0, entry_tag=None, side="long"
        )
        order_type = self.strategy.order_types["entry"]
        self.strategy.confirm_trade_entry(
            *(PAIR, order_type, 1.0, price, "PO"), current_time=self.at(seconds), entry_tag=None, side="long"
        )
        return order_type, price

    def exit(self, seconds: float) -> tuple[str, float]:
        """Exit: return the price, and the time in force that freqtrade then reads."""
        price = self.strategy.custom_exit_price(
            PAIR, self.trade, current_time=self.at(seconds), proposed_rate=101.0, current_profit=0.0, exit_tag=None
        )
        return self.strategy.order_time_in_force["exit"], price

    def waits(self, seconds: float, **order: Any) -> bool:
        """Whether an open order may wait on."""
        open_order = FakeOrder(status="open", safe_filled=0.0, **order)
        check = self.strategy.check_entry_timeout
        if open_order.ft_order_side == "sell":
            check = self.strategy.check_exit_timeout
        return not check(PAIR, self.trade, open_order, self.at(seconds))

    def adjust(self, seconds: float, rate: float = 99.0, proposed: float = 98.0, **order: Any) -> float | None:
        """The price that freqtrade is to move an open order to; the same price leaves it where it is."""
        open_order = FakeOrder(**{"status": "open", "safe_filled": 0.0, **order})
        return self.strategy.adjust_order_price(
            trade=self.trade,
            order=open_order,
            pair=PAIR,
            current_time=self.at(seconds),
            proposed_rate=proposed,
            current_order_rate=rate,
            entry_tag=None,
            side="long",
            is_entry=open_order.ft_order_side == "buy",
        )

    def fill(self, seconds: float, **order: Any) -> None:
        self.strategy.order_filled(PAIR, self.trade, FakeOrder(**order), self.at(seconds))

    def logged(self) -> list[tuple[Any, ...]]:
        """Return what the log says of each order: side, maker start, maker fill, fallback, price, rejects."""
        path = self.folder / "orders.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [
            (
                *(row["side"], row["maker_start"], row["is_maker_final"], row["used_fallback"]),
                *(row["prices"]["avg_fill"], row["result"]["retries"]),
            )
            for row in rows
        ]


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    """A bot without a policy: maker first, and half of the wait."""
    bot = Bot(tmp_path)
    bot.strategy.bot_start()
    return bot


def with_taker_policy(folder: Path, symbol: str = PAIR) -> None:
    with Store(f"sqlite:///{folder}/policy.db") as store:
        store.set_up()
        publish(store, datetime.now(UTC), evidence(symbol, fallback=0.95))


def test_a_maker_entry_that_fills_is_logged_with_its_mid(bot: Bot) -> None:
    assert bot.enter(0) == ("limit", 99.0)
    bot.fill(30)

    assert bot.logged() == [("BUY", True, True, False, 99.0, 0)]
    row = json.loads((bot.folder / "orders.jsonl").read_text())
    assert row["slippage_bps"] == pytest.approx(-100.0)  # one below a mid of 100
    assert bot.trade.kept == {
        "router_policy:17": {
            "mid": 100.0,
            "policy_run_id": None,
            "probe": False,
            "maker_started": True,
            "crossed": False,
        }
    }
    assert bot.strategy.called == ["bot_start", "order_filled"]


def test_an_entry_waits_as_long_as_the_policy_grants_and_then_crosses_as_a_market_order(bot: Bot) -> None:
    bot.enter(0)

    assert bot.waits(119)
    assert not bot.waits(120)  # half of the wait, without a policy
    assert bot.enter(120) == ("market", 99.0)
    bot.fill(120, order_type="market", safe_price=102.0)

    assert bot.logged() == [("BUY", True, False, True, 102.0, 0)]
    kept = bot.trade.kept["router_policy:17"]
    assert (kept["maker_started"], kept["crossed"]) == (True, True)
    assert bot.enter(500) == ("limit", 99.0)


def let_post_four_times(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the policy divide the full wait of 240 s into four posts, and grant all of it."""
    assert bot.strategy._intents is not None
    policy = reading(symbol=PAIR, maker_posts=4)
    monkeypatch.setattr(bot.strategy._intents._reader, "get", lambda _: policy)


def test_an_entry_is_posted_anew_at_the_strategys_fresh_price_when_a_post_ends(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_four_times(bot, monkeypatch)
    bot.enter(0)
    bot.strategy.own_price = 98.5
    bot.strategy.order_types["entry"] = "market"  # an entry of another pair crossed

    assert [bot.adjust(seconds) for seconds in (59, 60, 61, 119)] == [99.0, 98.5, 99.0, 99.0]
    assert bot.strategy.order_types["entry"] == "limit"
    bot.strategy.own_price = 98.25
    assert bot.adjust(185, rate=98.5) == 98.25  # two posts have ended since
    assert bot.adjust(239, rate=98.25) == 98.25
    bot.strategy.own_price = 98.0
    assert bot.adjust(240, rate=98.25) == 98.25  # its wait is over
    bot.fill(241, safe_price=98.25)

    row = json.loads((bot.folder / "orders.jsonl").read_text())
    assert (row["posts"], row["is_maker_final"], row["used_fallback"]) == (3, True, False)


def test_an_entry_whose_fresh_price_is_the_same_or_that_has_filled_in_part_stays(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_four_times(bot, monkeypatch)
    bot.enter(0)

    assert bot.adjust(60) == 99.0
    bot.strategy.own_price = 98.5
    assert bot.adjust(120, safe_filled=0.5) == 99.0
    assert bot.adjust(120, order_type="market") == 99.0
    bot.fill(130)
    assert json.loads((bot.folder / "orders.jsonl").read_text())["posts"] == 1


def test_an_exit_is_posted_anew_from_the_proposed_rate_which_freqtrade_asks_a_price_for(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_post_four_times(bot, monkeypatch)
    bot.exit(0)

    assert bot.adjust(60, rate=101.0, ft_order_side="sell") == 101.0  # the strategy's own price still
    assert bot.adjust(120, rate=102.0, ft_order_side="sell") == 98.0


@pytest.mark.parametrize("adjusts_to", [None, 97.0])
def test_a_price_or_a_cancellation_of_the_strategys_own_comes_first(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, adjusts_to: float | None
) -> None:
    let_post_four_times(bot, monkeypatch)
    bot.enter(0)
    bot.strategy.own_price, bot.strategy.adjusts_to = 98.5, adjusts_to

    assert bot.adjust(60) == adjusts_to


def test_orders_of_a_policy_with_one_post_and_those_of_an_earlier_process_stay(bot: Bot) -> None:
    bot.strategy.own_price = 98.5
    assert bot.adjust(60) == 99.0  # nothing is known of it
    bot.waits(60)
    assert bot.adjust(90) == 99.0  # adopted, without its grounds
    bot.enter(100)
    assert bot.adjust(200) == 99.0


def test_a_missed_entry_whose_signal_is_gone_is_given_up_and_logged(bot: Bot) -> None:
    bot.enter(0)
    bot.waits(120)
    bot.begin_loop(240)
    assert bot.logged() == []

    bot.begin_loop(241)

    assert bot.logged() == [("BUY", True, False, False, None, 0)]


def test_an_entry_that_returns_too_late_is_a_new_one(bot: Bot) -> None:
    bot.enter(0)
    bot.waits(120)

    assert bot.enter(300) == ("limit", 99.0)

    assert bot.logged() == [("BUY", True, False, False, None, 0)]


def test_an_entry_that_the_exchange_refused_is_posted_again_and_counted(bot: Bot) -> None:
    bot.enter(0)
    bot.begin_loop(5)  # no order of it is there

    assert bot.enter(5) == ("limit", 99.0)
    bot.fill(10)

    assert bot.logged() == [("BUY", True, True, False, 99.0, 1)]


def test_a_refused_entry_whose_signal_is_gone_is_logged_as_refused(bot: Bot) -> None:
    bot.enter(0)
    for seconds in (5, 10, 131):
        bot.begin_loop(seconds)

    assert bot.logged() == [("BUY", True, False, False, None, 1)]


def test_an_entry_that_freqtrade_itself_ended_was_not_refused(bot: Bot) -> None:
    bot.enter(0)
    bot.begin_loop(5)
    assert bot.waits(5)
    for seconds in (10, 15, 136):
        bot.begin_loop(seconds)

    assert bot.logged() == [("BUY", True, False, False, None, 0)]


def test_an_entry_that_the_strategy_denies_was_no_order(bot: Bot) -> None:
    bot.strategy.confirms = False
    bot.enter(0)
    for seconds in range(5, 300, 5):
        bot.begin_loop(seconds)

    bot.strategy.confirms = True
    assert bot.enter(300) == ("limit", 99.0)
    bot.fill(301)

    assert bot.logged() == [("BUY", True, True, False, 99.0, 0)]


def test_an_exit_that_is_missed_crosses_by_freqtrades_emergency_exit(bot: Bot) -> None:
    assert bot.exit(0) == ("PO", 101.0)
    assert not bot.waits(120, ft_order_side="sell")
    bot.fill(120, ft_order_side="sell", order_type="market", safe_price=98.0)

    assert bot.logged() == [("SELL", True, False, True, 98.0, 0)]


def test_an_exit_that_is_missed_and_signalled_again_crosses_by_its_price(bot: Bot) -> None:
    bot.exit(0)
    bot.waits(120, ft_order_side="sell")

    time_in_force, price = bot.exit(125)

    assert (time_in_force, price) == ("GTC", pytest.approx(99.0 * 0.998))
    opened = bot.at(125)
    assert bot.waits(130, ft_order_side="sell", order_date_utc=opened)
    assert not bot.waits(135, ft_order_side="sell", order_date_utc=opened)
    bot.fill(136, ft_order_side="sell", safe_price=98.9)
    assert bot.logged() == [("SELL", True, False, True, 98.9, 0)]


def test_an_exit_that_is_signalled_again_while_its_order_waits_goes_on(bot: Bot) -> None:
    bot.exit(0)
    bot.begin_loop(5)
    assert bot.waits(5, ft_order_side="sell")

    assert bot.exit(5) == ("PO", 101.0)
    bot.fill(6, ft_order_side="sell", safe_price=101.0)

    assert bot.logged() == [("SELL", True, True, False, 101.0, 0)]


def test_a_taker_policy_sends_entries_and_exits_straight_across(tmp_path: Path) -> None:
    with_taker_policy(tmp_path)
    bot = Bot(tmp_path)
    bot.strategy.bot_start()

    assert bot.enter(0)[0] == "market"
    bot.fill(0, order_type="market", safe_price=101.0)
    assert bot.exit(60) == ("GTC", pytest.approx(99.0 * 0.998))
    bot.fill(60, ft_order_side="sell", safe_price=99.0)

    assert bot.logged() == [("BUY", False, False, False, 101.0, 0), ("SELL", False, False, False, 99.0, 0)]
    assert bot.trade.kept["router_policy:17"] == {
        "mid": 100.0, "policy_run_id": 1, "probe": False, "maker_started": False, "crossed": True
    }  # fmt: skip


def holding_all_out(folder: Path) -> None:
    """Publish a maker policy that holds every order out."""
    with Store(f"sqlite:///{folder}/policy.db") as store:
        store.set_up()
        run = replace(result((evidence(PAIR),)), experiment=Experiment(share=1.0, salt="spring"))
        store.publish(claim(store, datetime.now(UTC)), run)


def test_a_held_out_entry_crosses_and_its_line_says_so(tmp_path: Path) -> None:
    holding_all_out(tmp_path)
    bot = Bot(tmp_path)
    bot.strategy.bot_start()

    assert bot.enter(0)[0] == "market"
    bot.fill(0, order_type="market", safe_price=101.0)

    line = json.loads((tmp_path / "orders.jsonl").read_text())
    assert (line["maker_start"], line["holdout"], line["propensity"]) == (False, True, 1.0)


def test_without_a_log_no_order_is_held_out(tmp_path: Path) -> None:
    holding_all_out(tmp_path)
    bot = Bot(tmp_path, order_log_path=None)
    bot.strategy.bot_start()

    assert bot.enter(0)[0] == "limit"


@pytest.mark.parametrize("spelling", [{"symbol_style": "compact"}, {"symbol_names": {PAIR: "BTCUSDT"}}])
def test_a_policy_is_found_by_the_spelling_of_the_settings(tmp_path: Path, spelling: dict[str, Any]) -> None:
    with_taker_policy(tmp_path, "BTCUSDT")
    bot = Bot(tmp_path, **spelling)
    bot.strategy.bot_start()

    assert bot.enter(0)[0] == "market"


def test_a_partial_fill_and_its_rest_are_one_order(bot: Bot) -> None:
    bot.exit(0)
    bot.waits(120, ft_order_side="sell")
    bot.fill(120, ft_order_side="sell", status="canceled", safe_filled=3.0, safe_price=101.0)
    bot.fill(121, ft_order_side="sell", order_type="market", safe_filled=1.0, safe_price=97.0)

    assert bot.logged() == [("SELL", True, False, True, 100.0, 0)]  # (3 * 101 + 97) / 4


def test_a_partial_fill_whose_rest_is_given_up_is_no_maker_fill(bot: Bot) -> None:
    bot.enter(0)
    bot.waits(120)
    bot.fill(120, status="canceled", safe_filled=0.5)
    bot.begin_loop(300)

    assert bot.logged() == [("BUY", True, False, False, 99.0, 0)]


def test_an_order_of_an_earlier_process_is_logged_without_what_is_not_known(bot: Bot) -> None:
    opened = bot.at(-100)
    assert bot.waits(10, order_date_utc=opened)
    assert not bot.waits(20, order_date_utc=opened)  # half of the wait since it was sent
    bot.fill(21, order_date_utc=opened)

    assert bot.logged() == [("BUY", None, None, None, 99.0, 0)]
    assert bot.trade.kept == {}


def test_a_market_order_of_freqtrades_own_is_a_direct_taker(bot: Bot) -> None:
    assert bot.waits(1, ft_order_side="sell", order_type="market")
    bot.fill(2, ft_order_side="sell", order_type="market", safe_price=95.0)
    bot.fill(3, ft_order_side="stoploss", order_type="market", safe_price=95.0)

    assert bot.logged() == [("SELL", False, False, False, 95.0, 0)]


def test_a_timeout_of_the_strategys_own_counts_too(bot: Bot) -> None:
    bot.enter(0)
    bot.strategy.times_out = True

    assert not bot.waits(1)


def test_without_a_book_the_order_goes_out_and_its_mid_is_unknown(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    bot.strategy.dp = Book(is_there=False)

    assert bot.enter(0) == ("limit", 99.0)
    bot.fill(1)

    row = json.loads((bot.folder / "orders.jsonl").read_text())
    assert (row["prices"]["mark"], row["slippage_bps"]) == (None, None)
    assert "BTC/USDT: the order book cannot be read" in caplog.text


def test_without_a_log_the_trade_still_has_its_custom_data(tmp_path: Path) -> None:
    bot = Bot(tmp_path, order_log_path=None)
    bot.strategy.bot_start()
    bot.enter(0)
    bot.fill(1)

    assert list(bot.trade.kept) == ["router_policy:17"]
    assert bot.logged() == []


def test_a_backtest_is_left_alone(tmp_path: Path) -> None:
    with_taker_policy(tmp_path)
    bot = Bot(tmp_path)
    bot.strategy.dp = SimpleNamespace(runmode=SimpleNamespace(value="backtest"))
    bot.strategy.bot_start()

    assert bot.enter(0) == ("limit", 99.0)
    assert bot.exit(0) == ("PO", 101.0)
    assert bot.waits(10_000)
    bot.fill(1)
    bot.begin_loop(2)

    assert bot.strategy.called == ["bot_start", "order_filled", "bot_loop_start"]
    assert (bot.logged(), bot.trade.kept) == ([], {})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (None, 'the configuration has no "router_policy": {"store_url": ...}'),
        ({"scope": "live"}, 'the configuration has no "router_policy": {"store_url": ...}'),
        ({"store_url": "sqlite:///x", "full_wait": 4}, "router_policy.full_wait is not a valid setting"),
        ({"store_url": "sqlite:///x", "full_wait_seconds": 0}, "router_policy.full_wait_seconds is 0; write a number"),
        ({"store_url": "sqlite:///x", "interval_seconds": "15m"}, "router_policy.interval_seconds is '15m'; write"),
        ({"store_url": "sqlite:///x", "cross_within_seconds": True}, "router_policy.cross_within_seconds is True"),
    ],
)
def test_settings_that_cannot_be_used_are_named(section: dict[str, Any] | None, message: str) -> None:
    strategy = Routed({} if section is None else {"router_policy": section})

    with pytest.raises(BotSettingsError) as error:
        strategy.bot_start()

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("attribute", "way", "value", "message"),
    [
        ("order_types", "entry", "market", "order_types.entry is 'market'; write \"limit\""),
        ("order_time_in_force", "exit", "GTC", "order_time_in_force.exit is 'GTC'; write \"PO\""),
    ],
)
def test_orders_that_may_take_at_once_are_refused(bot: Bot, attribute: str, way: str, value: str, message: str) -> None:
    getattr(bot.strategy, attribute)[way] = value

    with pytest.raises(BotSettingsError) as error:
        bot.strategy.bot_start()

    assert message in str(error.value)


def test_a_timeout_of_freqtrades_own_that_is_shorter_than_the_wait_is_refused(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.strategy.config["unfilledtimeout"] = {"entry": 10, "exit": 240, "unit": "seconds"}

    with pytest.raises(BotSettingsError, match=r"unfilledtimeout\.entry is 10 seconds; write more than"):
        bot.strategy.bot_start()

    bot.strategy.config["unfilledtimeout"] = {"entry": 5, "exit": 5}
    bot.strategy.bot_start()
