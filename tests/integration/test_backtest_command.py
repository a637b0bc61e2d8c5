"""`router-policy backtest` as people use it, and on candles of real markets if they are at hand."""

import json
import os
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from console.commands.backtest import show_backtest
from console.main import app
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.options import BacktestOptions
from jobs.backtest.request import build_request
from policy.errors import RouterPolicyError
from policy.fee_gap import FeeGap
from tests.support.backtest_markets import START, walking, write_candles
from tests.support.command import command
from tests.support.outcomes import outcome, write_csv

GUIDE = Path(__file__).parents[2] / "docs" / "backtest.md"
SYMBOLS = ("BTCUSDT", "ETHUSDT")
REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[3] / "shared" / "real")) / "candles-1m"
SETTINGS = """
[orders]
kind = "canonical"
path = "log.csv"
[candles]
path = "candles.csv"
interval = "15m"
[schedule]
cron = "0 * * * *"
"""
RULES_AND_FEES = """
[rules]
name = "breaker"
shadow = ["seed"]
[rules.breaker]
probe_every = 2
[fees]
maker_bps = 4.5
taker_bps = 4.8
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot that trades BTCUSDT ten times a day, for a thousand each, and ETHUSDT once."""
    path = tmp_path_factory.mktemp("backtest")
    (path / "router-policy.toml").write_text(SETTINGS)
    (path / "own.toml").write_text(SETTINGS + RULES_AND_FEES)
    write_candles(path / "candles.csv", [walking(symbol, 12 * 96) for symbol in SYMBOLS])
    at = [START + timedelta(hours=2.4) * number for number in range(101)]
    rows = [outcome(number, at=moment, notional=1000.0) for number, moment in enumerate(at)]
    rows += [outcome(number, at=moment, symbol="ETHUSDT", notional=500.0) for number, moment in enumerate(at[::10])]
    write_csv(path / "log.csv", rows)
    return path


def options(**changes: Any) -> BacktestOptions:
    defaults = {
        "since": None,
        "orders_per_day": None,
        "offset_bps": 1.0,
        "wait_bars": 4,
        "impact_bps": 0.5,
        "half_spread_bps": None,
        "fill_rule": FillRule.THROUGH,
        "maker_posts": 4,
        "drift_bps": 0.0,
        "outage_length": None,
        "outage_count": None,
        "outage_penalty_bps": 5.0,
        "outage_miss_share": 0.97,
        "is_venue_wide": False,
        "is_rejected": False,
        "repetition_count": 1,
        "seed": 1,
    }
    return BacktestOptions(**defaults | changes)


def backtested(
    config: Path, capsys: pytest.CaptureFixture[str], picture: Path | None = None, **changes: Any
) -> dict[str, Any]:
    show_backtest(config, options(**changes), picture, as_json=True)
    record = json.loads(capsys.readouterr().out)
    return dict(record)


def test_the_table_says_in_words_what_is_clear_and_what_is_noise(folder: Path) -> None:
    done = command(folder, "backtest", "--orders-per-day", "30", "--runs", "3", "--picture", "costs.svg")

    assert done.returncode == 0, done.stderr
    assert "no [fees] in the settings: 2 bps as maker and 5 as taker are assumed" in done.stdout
    assert "breaker: costs less against always taker (" in done.stdout
    assert "seed: " in done.stdout
    assert "always re-posted: within noise against always maker first (" in done.stdout
    assert "re-posted over posted once, bps" in done.stdout
    assert "fill rule: with --orders-per-day the log is not read" in done.stdout
    assert (folder / "costs.svg").read_text().startswith("<?xml")


def test_the_commands_of_the_guide_run(folder: Path, tmp_path: Path) -> None:
    for name in ("candles.csv", "log.csv"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "router-policy.toml").write_text(SETTINGS.replace("0 * * * *", "0 0 * * *"))
    (block,) = re.findall(r"```console\n(.*?)```", GUIDE.read_text("utf-8"), flags=re.DOTALL)

    for line in block.splitlines():
        done = command(tmp_path, *shlex.split(line)[2:])
        assert done.returncode == 0, f"{line}: {done.stderr}"


def test_every_option_is_in_the_guide_or_in_the_readme() -> None:
    backtest = get_command(app).get_command(None, "backtest")  # type: ignore[attr-defined]  # a group has commands
    names = {name for option in backtest.params for name in option.opts}

    documents = GUIDE.read_text("utf-8") + (GUIDE.parents[1] / "README.md").read_text("utf-8")

    assert [name for name in sorted(names) if name not in documents] == []


def test_the_log_says_how_often_and_for_how_much_and_the_settings_what_is_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = backtested(folder / "own.toml", capsys, repetition_count=3, outage_length=timedelta(hours=12))

    assert [market["orders_per_day"] for market in record["markets"]] == [pytest.approx(10.1), pytest.approx(1.1)]
    policies = {policy["name"]: policy for policy in record["policies"]}
    plain, compared = (
        ["always taker", "always maker first", "always re-posted", "oracle"],
        ["seed", "breaker", "measured", "breaker1", "breaker (settings)"],
    )
    assert list(policies) == plain + compared
    assert record["fill_evidence"] == {
        "order_count": 0,
        "contradiction_count": {"at-limit": 0, "through": 0, "1bps-beyond": 0, "2bps-beyond": 0},
        "supported": None,
    }
    assert policies["always taker"]["money_over_maker_per_day"]["mean"] > 0
    assert {policy["cost"]["order_count"] for policy in policies.values()} == {record["order_count"]}
    assert record["markets"][0]["fee_gap"].startswith("maker-first loses: the fee gap of 0.3 bps")
    assert (record["outages"]["duration"], record["outages"]["count"], record["outage_count"]) == (43200, 3, 3 * 3 * 2)


def test_without_fees_the_rules_still_know_the_spread(folder: Path) -> None:
    settings = load(folder / "router-policy.toml")
    plan = plan_of(settings)
    assert plan.candles is not None

    request = build_request(plan, plan.candles, options(orders_per_day=5.0), {}, settings.schedule.slots)

    spreads = {market.symbol: market.is_one_tick for market in request.markets}
    assert set(spreads.values()) == {True}
    assert request.fee_gaps == {symbol: FeeGap(gap_bps=None, is_one_tick=is_one) for symbol, is_one in spreads.items()}


def test_the_same_command_prints_and_draws_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"orders_per_day": 10.0, "seed": 7, "since": datetime(2026, 4, 2, tzinfo=UTC)}
    picture, other = folder / "one.png", folder / "other.png"

    first = backtested(folder / "router-policy.toml", capsys, picture, **request)
    second = backtested(folder / "router-policy.toml", capsys, other, **request)

    assert first == second
    assert first["since"] == "2026-04-02T00:00:00Z"
    assert picture.read_bytes() == other.read_bytes()
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("picture", "changes", "message"),
    [
        ("costs.gif", {}, "--picture costs.gif: the name must end in .png or .svg"),
        ("nowhere/costs.png", {}, "--picture nowhere/costs.png: the folder nowhere does not exist"),
        (None, {"outage_length": timedelta(days=3), "outage_count": 2}, "need candles of 19 days"),
        (None, {"since": datetime(2026, 5, 1, tzinfo=UTC)}, "no candle opens from 2026-05-01"),
        (None, {"orders_per_day": 0.0}, "no order arrives"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, picture: str | None, changes: dict[str, Any], message: str) -> None:
    request = options(**{"orders_per_day": 5.0, **changes})

    with pytest.raises(RouterPolicyError) as refused:
        show_backtest(folder / "router-policy.toml", request, Path(picture) if picture else None, as_json=True)

    assert message in str(refused.value)


def test_an_outage_that_is_no_duration_is_refused(folder: Path) -> None:
    failed = command(folder, "backtest", "--orders-per-day", "5", "--outage", "6")

    assert (failed.returncode, failed.stdout) == (2, "")
    assert "Invalid value for '--outage': invalid duration '6'" in failed.stderr


def test_a_log_without_a_symbol_that_has_candles_is_refused(folder: Path) -> None:
    write_csv(folder / "other.csv", [outcome(number, at=START, symbol="XRPUSDT") for number in range(2)])
    (folder / "other.toml").write_text(SETTINGS.replace("log.csv", "other.csv"))

    failed = command(folder, "backtest", "--config", "other.toml")

    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == (
        "router-policy: no symbol of the order log has candles; give --orders-per-day to trade those that have\n"
    )


@pytest.mark.long
@pytest.mark.skipif(not REAL.is_dir(), reason="no real candles here: name the folder of real inputs in REAL_INPUTS")
def test_on_eight_real_markets_the_policies_stand_as_the_study_found_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = SETTINGS.replace("candles.csv", str(REAL / "*.parquet")).replace("15m", "1m").replace("0 *", "*/15 *")
    (tmp_path / "router-policy.toml").write_text(settings)

    record = backtested(tmp_path / "router-policy.toml", capsys, orders_per_day=20.0)

    policies = {policy["name"]: policy for policy in record["policies"]}
    assert len(record["markets"]) == 8
    assert 1.5 <= policies["always taker"]["over_maker"]["mean"] <= 2.5
    assert policies["seed"]["over_maker"]["mean"] > 0
    assert policies["always re-posted"]["over_maker"]["mean"] <= -0.18
    by_symbol = [saving["mean"] for saving in policies["breaker"]["over_maker_by_symbol"].values()]
    assert max(map(abs, by_symbol)) <= 0.02
