"""The holdout through the commands: the settings turn it on, the policies show it, drift holds the log against it.

What `printf 'spring\0hand-1' | sha256sum` prints begins with 0f73, and with 8988 for hand-2: 0.06 and 0.54 of 1. So at
a share of 0.5 the first is held out.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.bots import order, write_bot
from tests.support.command import command

SECTION = '[experiment]\nshare = 0.5\nsalt = "spring"\n'


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot's folder with one run; after it, orders of GOODUSDT of which one was not sent as assigned."""
    folder = tmp_path_factory.mktemp("bot")
    slot = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_bot(folder, slot, more=SECTION)
    assert command(folder, "init").returncode == 0
    assert command(folder, "once").returncode == 0
    with (folder / "logs" / "order_metrics.jsonl").open("a") as log:
        log.writelines(f"{json.dumps(_order(order_id, slot))}\n" for order_id in ("hand-1", "hand-2"))
    return folder


def _order(order_id: str, slot: datetime) -> dict[str, object]:
    """An order that went maker first as the policy said, and says that it was not held out."""
    line = order(1, slot - timedelta(seconds=1), "GOODUSDT", fallback=False, slippage_bps=1.0)
    return line | {"attempt_id": order_id, "policy_run_id": 1, "holdout": False, "propensity": 0.5}


def test_every_policy_shows_share_and_salt(bot: Path) -> None:
    latest = json.loads(command(bot, "latest", "--json").stdout)["items"]

    assert {(row["symbol"], row["holdout_share"], row["holdout_salt"]) for row in latest} == {
        ("GOODUSDT", 0.5, "spring"),
        ("BADUSDT", 0.5, "spring"),
    }
    assert "held out: 0.5 of all orders, which go the other way" in command(bot, "explain", "GOODUSDT").stdout


def test_the_store_verifies(bot: Path) -> None:
    assert command(bot, "verify").returncode == 0


def test_drift_says_which_order_was_not_sent_as_assigned_and_what_follows(bot: Path) -> None:
    shown = command(bot, "drift").stdout
    record = json.loads(command(bot, "drift", "--json").stdout)

    (good,) = (symbol for symbol in record["symbols"] if symbol["symbol"] == "GOODUSDT")
    (example,) = good["not_as_assigned"]["examples"]
    assert (example["order_id"], example["what"]) == (
        "hand-1",
        "logged as not held out, and by its id it is held out",
    )
    assert "orders were not sent as the holdout assigned them: the saving that it measures is biased" in shown
