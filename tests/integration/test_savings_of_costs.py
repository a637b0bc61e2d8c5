"""What `router-policy costs` says of orders of which chance decided the way."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.commands import costs
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.experiments import FEES, append_rows, experiment_rows

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
WAY = {"maker_start", "is_maker_final", "used_fallback"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot's folder with one published run and the orders of an experiment."""
    folder = tmp_path_factory.mktemp("experiment")
    write_bot(folder, AS_OF, more=FEES)
    append_rows(folder / "logs" / "order_metrics.jsonl", experiment_rows(AS_OF))
    done = command(folder, "once", "--as-of", AS_OF.isoformat())
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def bot(published: Path, tmp_path: Path) -> Path:
    """That folder for one test alone; its settings file."""
    return shutil.copytree(published, tmp_path, dirs_exist_ok=True) / "router-policy.toml"


def test_the_saving_of_orders_by_chance_is_worked_by_hand(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Maker costs 3 and taker 6. The first order surprises by 3, the first taker order by 1, and no other does.

    Before the first taker order, taker is expected at its fee of 5. The effects: -5 + 3 / 0.875, six of -2,
    -2 - 1 / 0.125, and 32 of -3: -119.571429 in 40 orders, -2.989286 each. The deviation for the orders sent is
    sqrt(1/7) sqrt(9/35) + sqrt(7) sqrt(1/5) = 1.374879; at 40 orders the margin of 1 that holds at every look is
    sqrt(1.16 / 6.4 * log(464)) = 1.054919, and that of one look 1.959964 / sqrt(40) = 0.309898.
    """
    costs.command(config=bot, as_json=True)

    record = json.loads(capsys.readouterr().out)
    figures = {(each["symbol"], each["comparison"]): each for each in record["savings"]["figures"]}
    saving = figures[None, "maker_against_taker"]
    assert (saving["order_count"], saving["maker_count"], saving["taker_count"]) == (40, 35, 5)
    assert saving["saving_bps"] == pytest.approx(2.989286, abs=1e-6)
    assert saving["orders_sent"]["interval"]["lower"] == pytest.approx(2.989286 - 1.374879 * 1.054919, abs=1e-5)
    assert saving["orders_sent"]["interval"]["upper"] == pytest.approx(2.989286 + 1.374879 * 1.054919, abs=1e-5)
    single_look = saving["orders_sent"]["single_look_interval"]
    assert single_look["upper"] - saving["saving_bps"] == pytest.approx(1.374879 * 0.309898, abs=1e-5)
    assert saving["orders_sent"]["verdict"] == "saves"
    # 40 orders of 100 in the currency of the quotes.
    assert saving["money"]["saving"] == pytest.approx(40 * 100 * 2.989286e-4, abs=1e-6)
    assert saving["money"]["interval"]["lower"] == pytest.approx(0.4 * (2.989286 - 1.374879 * 1.054919), abs=1e-5)
    # One future order of 100: a hundredth of the basis points. Its deviation is worked in the next test.
    of_an_order = saving["any_order_money"]
    assert of_an_order["mean_notional"] == 100
    assert of_an_order["saving"] == pytest.approx(0.02989286, abs=1e-8)
    assert of_an_order["interval"]["upper"] == pytest.approx(0.01 * (2.989286 + 1.467397 * 1.054919), abs=1e-7)
    assert of_an_order["single_look_interval"]["lower"] == pytest.approx(
        0.01 * (2.989286 - 1.467397 * 0.309898), abs=1e-7
    )
    assert figures[None, "policy_against_taker"]["saving_bps"] == saving["saving_bps"]
    assert (None, "policy_against_maker") not in figures  # the policy said maker first for each order
    assert figures["GOODUSDT", "maker_against_taker"]["saving_bps"] == saving["saving_bps"]
    assert len(figures) == 4


def test_the_screen_shows_both_intervals_and_marks_the_one_that_holds_for_one_look(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs.command(config=bot)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("orders of which chance decided the way, 2026-04-19T00:15:00Z to ") for line in lines)
    sentence = next(line for line in lines if line.startswith("  maker first against straight to taker: "))
    assert sentence.endswith(": saves 2.99 ± 1.45 bps an order")
    # None names the run by whose policy it was sent.
    assert "  40 do not fit their assignment, which may bias this: router-policy drift" in lines
    # The deviation for any order is sqrt(9/35 / 0.875 + 1/5 / 0.125 + 0.259375) = 1.467397, of which the last is how
    # far what is expected varies: once -5, seven times -2, and 32 times -3. An order of 100 saves a hundredth of it.
    row = ["all", "40", "5", "+2.99", "1.45", "1.55", "0.43", "0.45", "+1.20", "0.58", "+0.0299", "0.0155", "100"]
    assert [line.split() for line in lines].count(row) == 2  # maker first, and the policy, against taker
    assert "† the ordinary 95 % interval: valid for one look only, planned beforehand" in lines
    assert max(map(len, lines)) <= 120


def test_a_log_without_chance_is_no_comparison_as_before(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = bot.with_name("logs") / "order_metrics.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    kept = [{name: value for name, value in row.items() if name not in ("holdout", "propensity")} for row in rows]
    log.write_text("".join(json.dumps(row) + "\n" for row in kept))

    costs.command(config=bot)
    text = capsys.readouterr().out
    assert "\nsaving: not known: no order went its way by chance; router-policy power says how long" in text
    assert "orders of which chance decided" not in text
    assert "so this difference is no saving" in text  # every order was before the first policy
    costs.command(config=bot, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["savings"]["figures"] == []


def test_orders_without_a_cost_or_with_a_way_that_was_certain_are_counted_apart(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = experiment_rows(AS_OF - timedelta(days=2), "OTHERUSDT")[:4]
    unfilled = {key: value for key, value in rows[0].items() if key != "slippage_bps"}
    without_a_way = {key: value for key, value in rows[3].items() if key not in WAY}
    unfilled |= {"is_maker_final": False, "prices": {"mark": 100.0}, "result": {"status": "CANCELED", "retries": 0}}
    append_rows(
        bot.with_name("logs") / "order_metrics.jsonl",
        [unfilled, {**rows[1], "propensity": 1.0}, {**rows[2], "propensity": 0.00001}, without_a_way],
    )

    costs.command(config=bot, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert (record["savings"]["unknown_cost_count"], record["savings"]["unknown_propensity_count"]) == (1, 2)
    assert (record["savings"]["unknown_cost_maker_count"], record["savings"]["unknown_way_count"]) == (1, 1)
    assert {each["symbol"] for each in record["savings"]["figures"]} == {None, "GOODUSDT"}
    costs.command(config=bot)
    text = capsys.readouterr().out
    assert "  1 more do not say which way they went" in text
    assert "  1 more have no cost, 1 of them maker first: they did not fill, or their fee is not known" in text
    assert "  2 more have no propensity from 0.0001 to 0.9999" in text
