"""`router-policy power` as people use it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.commands import power
from console.errors import SettingsError
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.experiments import FEES, append_rows, experiment_rows

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a bot with one published run; its log has 60 orders of two symbols within a day."""
    folder = tmp_path_factory.mktemp("power")
    settings = write_bot(folder, AS_OF, more=FEES)
    append_rows(folder / "logs" / "order_metrics.jsonl", experiment_rows(AS_OF))
    done = command(folder, "once", "--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stderr
    return settings


def test_without_a_log_the_days_are_those_of_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of eight symbols with 20 orders a day each, 2 % held out: 9 days until ±0.5 bps, of one symbol 66."""
    settings = write_bot(tmp_path, AS_OF)

    power.command(orders_per_day=20, symbols=8, share=[0.02], fee_gap=3, config=settings, as_json=True)

    record = json.loads(capsys.readouterr().out)
    (plan,) = record["plans"]
    times = {(each["half_width_bps"], each["answer"]): each for each in plan["times"]}
    assert (record["orders_per_day"], record["symbol_count"], record["notional"]) == (160, 8, None)
    assert times[0.5, "orders_sent"]["days_of_all"] == pytest.approx(9, rel=0.2)
    assert times[0.5, "orders_sent"]["days_of_symbol"] == pytest.approx(66, rel=0.2)
    assert times[0.5, "any_order"]["order_count"] == pytest.approx(4026, rel=0.2)
    assert times[0.25, "orders_sent"]["days_of_all"] > 3 * times[0.5, "orders_sent"]["days_of_all"]
    assert plan["cost_bps_per_order"] == pytest.approx(0.06)
    assert plan["cost_money_per_day"] is None
    assert record["log"] is None
    power.command(orders_per_day=20, symbols=8, fee_gap=3, config=settings)
    text = capsys.readouterr().out
    assert "the log was not read: sqlite:///" in text
    assert text.count("(assumed: the log was not read)") == 2
    assert "fewer than 100" not in text


def test_what_is_given_leaves_the_rest_to_the_log(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    power.command(orders_per_day=11.92, symbols=3, config=bot, as_json=True)
    record = json.loads(capsys.readouterr().out)
    power.command(orders_per_day=11.92, symbols=3, config=bot)
    first = capsys.readouterr().out.splitlines()[0]

    assert (record["symbol_count"], record["notional"], record["log"]["order_count"]) == (3, 100, 60)
    assert record["orders_per_day"] == pytest.approx(35.76)
    assert first == "3 symbols, 35.8 orders a day of all symbols (11.9 of each), fee gap 3 bps, mean notional 100"


def test_orders_of_unknown_way_are_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = write_bot(tmp_path, AS_OF, more=FEES)
    log = tmp_path / "logs" / "order_metrics.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    unknown = [
        {name: value for name, value in row.items() if name not in ("maker_start", "is_maker_final", "used_fallback")}
        | {"attempt_id": f"unknown {number}", "symbol": "UNKNOWN"}
        for number, row in enumerate(rows[:4])
    ]
    append_rows(log, unknown)
    assert command(tmp_path, "once", "--as-of", AS_OF.isoformat()).returncode == 0

    power.command(config=settings, as_json=True)
    record = json.loads(capsys.readouterr().out)
    power.command(config=settings)

    assert (record["log"]["order_count"], record["log"]["unknown_way_count"], record["symbol_count"]) == (20, 4, 2)
    assert "Z: 20 orders, without 4 of unknown way\n" in capsys.readouterr().out


def test_the_log_shows_how_many_orders_there_are_and_how_large(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two of a hundred of 60 orders of 100 lose 3 bps at most: 0.06 bps of 6,000 a day are 0.036."""
    power.command(config=bot, as_json=True)

    record = json.loads(capsys.readouterr().out)
    plans = {plan["share"]: plan for plan in record["plans"]}
    assert (record["orders_per_day"], record["symbol_count"], record["notional"]) == (60, 2, 100)
    assert (record["fee_gap_bps"], record["deviations"]) == (3, {"maker_bps": 8.9, "taker_bps": 0.7})
    assert list(plans) == [0.01, 0.02, 0.05, 0.1]
    assert plans[0.02]["cost_money_per_day"] == pytest.approx(0.036)


def test_what_the_log_shows_of_how_costs_vary_is_used_from_a_hundred_orders_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 100 maker orders, half cost 2 bps more than their mean and half 2 less: they vary by 2."""
    settings = write_bot(tmp_path, AS_OF, more=FEES)
    rows = [row for row in experiment_rows(AS_OF) if not row["holdout"]] * 3
    changed = [
        {**row, "attempt_id": f"varied {number}", "symbol": "VARIED", "slippage_bps": 3.0 if number % 2 else -1.0}
        for number, row in enumerate(rows[:100])
    ]
    log = tmp_path / "logs" / "order_metrics.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in changed))
    assert command(tmp_path, "once", "--as-of", AS_OF.isoformat()).returncode == 0

    power.command(config=settings, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["deviations"] == {"maker_bps": pytest.approx(2.0), "taker_bps": 0.7}
    power.command(config=settings)
    text = capsys.readouterr().out
    assert "the cost of a maker order varies by 2.00 bps (as in the log)" in text
    assert "the cost of a taker order varies by 0.70 bps (assumed: " in text


def test_the_table_has_a_row_for_each_share(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    power.command(config=bot)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    cells = [line.split() for line in lines]
    assert lines[0] == "2 symbols, 60 orders a day of all symbols (30 of each), fee gap 3 bps, mean notional 100"
    assert lines[1].startswith("the log, 2026-04-19T00:15:00Z to ")
    assert lines[1].endswith("Z: 60 orders")
    assert [row[0] for row in cells if row[1:2] == ["%"]] == ["1", "2", "5", "10"] * 2
    assert ["0.060", "0.04"] in [row[-2:] for row in cells if row[:2] == ["2", "%"]]
    assert max(map(len, lines)) <= 100


def test_a_log_without_orders_names_what_to_give_instead(bot: Path) -> None:
    with pytest.raises(SettingsError, match="or --orders-per-day and --symbols"):
        power.command(since=datetime(2026, 5, 1, tzinfo=UTC), config=bot)


def test_a_week_with_few_taker_orders_is_extended_until_there_are_a_hundred(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From eight days before the end on, back in time, an order an hour went as taker: half cost 5, half 1."""
    settings = write_bot(tmp_path, AS_OF, more=FEES)
    makers = [row for row in experiment_rows(AS_OF) if not row["holdout"]] * 3
    (taker,) = [row for row in experiment_rows(AS_OF) if row["holdout"]][:1]
    old = AS_OF - timedelta(days=8)
    takers = [
        {**taker, "ts": (old - timedelta(hours=number)).timestamp(), "slippage_bps": 5.0 if number % 2 else 1.0}
        for number in range(120)
    ]
    rows = [{**row, "attempt_id": f"order {number}"} for number, row in enumerate([*makers[:100], *takers])]
    (tmp_path / "logs" / "order_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert command(tmp_path, "once", "--as-of", AS_OF.isoformat()).returncode == 0

    power.command(config=settings, as_json=True)
    extended = json.loads(capsys.readouterr().out)
    power.command(config=settings, since=AS_OF - timedelta(days=7))
    week = capsys.readouterr().out

    assert extended["deviations"]["taker_bps"] == pytest.approx(2.0)
    assert extended["log"]["since"] == (old - timedelta(hours=99)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert extended["log"]["order_count"] == 200
    assert "varies by 0.70 bps (assumed: 0 of 100 taker orders were read)" in week
    assert "the log, 2026-04-19T00:15:00Z to " in week
