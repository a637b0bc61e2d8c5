"""Replays of maker orders that were never sent, estimated by the orders that chance sent that way."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.analysis.never_sent import estimates_within
from jobs.analysis.replay import replay
from jobs.experiment.savings import ExperimentOrders, LeftOut
from policy.experiment.saving import ExperimentOrder
from policy.rules import State, rule_set
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.measured_history import MEASURED, seen
from tests.support.shadowed_history import HOUR, MIDNIGHT, SEED, publish_run

STRICT = "[parameters]\nleast_own_orders = 2001\nleast_pool_orders = 2001\n"
MAKER_BPS, TAKER_BPS = 0.5, 3.0  # what orders cost, fees included
MINUTE = timedelta(minutes=1)


def publish_history(store: Store) -> None:
    """Taker from 01:00 to 03:00, and maker first before and after."""
    states: dict[str, State | None] = {}
    for hour in (0, 1, 2, 3):
        publish_run(store, hour, (seen(hour),), MEASURED, SEED, states)


def orders(of: Sequence[tuple[datetime, bool, float]], symbol: str = "BTCUSDT") -> ExperimentOrders:
    """Orders with the way that they went and its probability; all that went the same way cost the same."""
    return ExperimentOrders(
        orders=[
            ExperimentOrder(
                symbol=symbol,
                is_maker=is_maker,
                is_held_out=propensity < 0.5,
                propensity=propensity,
                cost_bps=MAKER_BPS if is_maker else TAKER_BPS,
            )
            for _, is_maker, propensity in of
        ],
        ended_at=[at for at, _, _ in of],
        left_out=LeftOut(),
    )


def sent(start: datetime, count: int, every: int) -> list[tuple[datetime, bool, float]]:
    """One order a minute of which each `every`th went maker although the policy said taker."""
    share = 1 / every
    return [
        (start + number * MINUTE, number % every == 0, share if number % every == 0 else 1 - share)
        for number in range(count)
    ]


def test_a_replay_notes_when_its_maker_orders_were_never_sent(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish_history(store)
        parameters = {"least_own_orders": 2001, "least_pool_orders": 2001}
        *_, replayed = replay(store, "default", rule_set("measured", parameters))

    assert replayed.never_sent == {"BTCUSDT": [(MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR)]}


def test_only_orders_within_the_stretches_of_their_symbol_are_estimated() -> None:
    stretches = {"BTCUSDT": [(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR), (MIDNIGHT + 4 * HOUR, None)]}
    of = [*sent(MIDNIGHT, 150, 10), *sent(MIDNIGHT + 4 * HOUR, 30, 10)]

    estimates = estimates_within(orders(of), stretches)

    # 60 of the second hour, and all 30 of the last; the orders before let one expect their costs exactly.
    assert list(estimates) == ["", "BTCUSDT"]
    assert estimates[""] == estimates["BTCUSDT"]
    assert estimates[""].saving.order_count == 90
    assert estimates[""].saving.maker_count == 9
    assert estimates[""].effective_count == pytest.approx(9)
    assert estimates[""].saving.saving == pytest.approx(TAKER_BPS - MAKER_BPS)
    assert estimates_within(orders(of, symbol="ETHUSDT"), stretches) == {}
    assert estimates_within(orders(of), {}) == {}


def replayed(folder: Path, *arguments: str) -> str:
    """What the command prints, by the log of canonical rows in the folder."""
    log = {"ROUTER_POLICY_ORDERS__PATH": str(folder / "own.jsonl"), "ROUTER_POLICY_ORDERS__KIND": "canonical"}
    done = command(folder, "replay", "--rules", *arguments, **log)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_shows_the_estimate_with_its_interval_and_what_it_rests_on(tmp_path: Path) -> None:
    write_bot(tmp_path, MIDNIGHT + 4 * HOUR, more='[rules]\nname = "measured"\n[fees]\nmaker_bps = 1\ntaker_bps = 2\n')
    rows = [
        {
            "order_id": f"n{number}",
            "ts": at.isoformat(),
            "symbol": "BTCUSDT",
            "maker_started": is_maker,
            "maker_filled": is_maker,
            "fallback_used": False,
            "slippage_bps": -1.0 if is_maker else 1.0,
            "holdout": propensity < 0.5,
            "propensity": propensity,
        }
        for number, (at, is_maker, propensity) in enumerate(sent(MIDNIGHT, 200, 10))
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "strict.toml").write_text(f'name = "measured"\n{STRICT}', "utf-8")
    (tmp_path / "same.toml").write_text('name = "measured"\n', "utf-8")
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish_history(store)

    record = json.loads(replayed(tmp_path, "strict.toml", "--json"))
    shown = " ".join(replayed(tmp_path, "strict.toml").split())
    same = json.loads(replayed(tmp_path, "same.toml", "--json"))

    # Maker costs -1 + 1, taker 1 + 2: 3 bps saved. 120 orders from 01:00 to 03:00, each tenth of them maker.
    every, of_bitcoin = record["never_sent"]
    assert (every["symbol"], of_bitcoin["symbol"]) == (None, "BTCUSDT")
    assert every["saving_bps"] == pytest.approx(3.0)
    assert (every["order_count"], every["maker_count"], every["effective_count"]) == (120, 12, pytest.approx(12))
    low, high = every["interval"]
    assert low <= 3.0 <= high
    assert "never sent, all symbols: maker first would have saved +3.00 bps an order" in shown
    assert "by 120 orders of which chance decided the way, 12 of them maker, which tell as much as 12.0" in shown
    assert same["never_sent"] == []
    chosen = [{**row, "holdout": None, "propensity": None} for row in rows]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), "utf-8")
    assert "never sent, BTCUSDT: not estimated, as chance sent no maker order then" in replayed(tmp_path, "strict.toml")
    assert "not estimated" not in replayed(tmp_path, "same.toml")
    (tmp_path / "own.jsonl").unlink()
    unread = json.loads(replayed(tmp_path, "strict.toml", "--json"))
    assert unread["never_sent"] == []
    assert "own.jsonl" in unread["never_sent_problem"]
    assert "never sent: not estimated, as the log cannot be read" in replayed(tmp_path, "strict.toml")
