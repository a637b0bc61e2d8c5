"""The guide for routers: its code runs as it is written there, and its queries answer on both databases."""

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from router_policy_client import Status, TakerBias, is_probe
from storage.store import Store
from tests.client.reading import read_by_the_batch_job
from tests.support.runs import SLOT, evidence, publish

GUIDE = (Path(__file__).parents[2] / "docs" / "router.md").read_text("utf-8")
BY_HAND, WHOLE, CAP, OWN_LOG = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
(QUERY,) = re.findall(r"```sql\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store in which the policy of BTCUSDT is taker."""
    monkeypatch.chdir(tmp_path)
    with Store("sqlite:///router_policy.db") as store:
        store.set_up()
        publish(store, datetime.now(UTC), evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))
    return tmp_path


def test_the_ten_lines_gate_by_the_policy(here: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(BY_HAND, "docs/router.md", "exec"), names)
    context: dict[str, Any] = {"maker_first": True}
    route, reader = names["route"], names["reader"]

    try:
        assert route("BTCUSDT", "1", context) == "cross at once"
        assert set(context["router_policy"]) == {
            *("quality", "taker_bias", "maker_first", "status", "age_seconds", "run_id", "patience"),
            *("maker_posts", "probe"),
        }
        assert route("ETHUSDT", "1", {}) == "post at the maker price, wait 4 s, cross the rest"
    finally:
        reader.close()


def test_the_cap_of_the_guide_stops_nothing_before_an_order_has_cost_something(here: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(CAP, "docs/router.md", "exec"), names)

    assert not names["cap"].stops(datetime.now(UTC))
    assert names["cap"].stopped_count == 0


def test_the_whole_router_runs_and_writes_its_outcome(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(WHOLE, "docs/router.md", "exec"), {})

    (line,) = (here / "order_metrics.jsonl").read_text("utf-8").splitlines()
    written = json.loads(line)
    assert capsys.readouterr().out == "0.01 0.00 False fresh\n"
    assert (written["attempt_id"], written["policy_run_id"], written["route"]) == ("signal-17", 1, "market")


def test_the_line_of_an_own_router_is_read_as_it_is_explained(here: Path) -> None:
    exec(compile(OWN_LOG, "docs/router.md", "exec"), {})

    (row,) = read_by_the_batch_job(here / "order_metrics.jsonl", here, as_of=datetime.now(UTC) + timedelta(minutes=1))

    flags = ("maker_started", "maker_filled", "fallback_used", "post_only_rejected", "probe", "policy_run_id", "reason")
    assert tuple(row[name] for name in flags) == (True, False, True, False, False, 17, None)
    assert row["slippage_bps"] == pytest.approx(4.5 / 90008 * 10_000)
    assert row["notional"] == pytest.approx(900.125)
    assert (row["holdout"], row["propensity"]) == (False, 0.98)


def test_the_query_reads_the_latest_policy(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=0.95))

    with store.reader.connect() as connection:
        (row,) = connection.execute(text(QUERY), {"symbol": "BTCUSDT"}).mappings().all()

    assert (bool(row["maker_first"]), row["taker_bias"], row["quality"], row["run_id"]) == (
        *(False, "prefer_taker", "broken", 1),
    )


def test_probes_are_chosen_as_in_the_guide() -> None:
    for number in range(200):
        order_id = f"signal-{number}"
        divides = int.from_bytes(sha256(order_id.encode()).digest()[:8], "big") % 5 == 0
        assert is_probe(order_id, 5) is divides


def test_every_status_and_bias_is_in_the_guide() -> None:
    assert [word for word in (*Status, *TakerBias) if f"`{word}`" not in GUIDE] == []
