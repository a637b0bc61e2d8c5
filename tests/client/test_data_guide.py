"""The guide for analysts: its code runs as it is written there."""

import re
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from router_policy_client import analysis
from storage.day_figures import DayCost, DayFigures
from storage.store import Store
from storage.write.day_figures import store_day
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.small_history import publish_small_history
from tests.support.store_calls import write

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
# Three maker orders at 2 bps and one at 4, a taker order at 6, and one that did not fill.
DAY_FIGURES = DayFigures(
    day=datetime(2025, 3, 4, tzinfo=UTC),
    as_of=datetime(2025, 3, 5, tzinfo=UTC),
    costs=[
        DayCost(
            symbol=symbol,
            route=route,
            order_count=count,
            cost_count=filled,
            mean_bps=mean_bps,
            money_count=0,
            money=None,
        )
        for symbol, route, count, filled, mean_bps in (
            ("BTCUSDT", "maker", 3, 3, 2.0),
            ("ETHUSDT", "maker", 1, 1, 4.0),
            ("ETHUSDT", "taker", 1, 1, 6.0),
            ("ETHUSDT", "unknown", 1, 0, None),
        )
    ],
    drifts=[],
)
GUIDE = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")


def test_the_lines_of_the_guide_answer(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(sqlite_template, tmp_path / "router_policy.db")
    monkeypatch.chdir(tmp_path)
    with Store("sqlite:///router_policy.db") as store:
        publish_small_history(store)
        write(store, store_day, "default", DAY_FIGURES)
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    names: dict[str, Any] = {}

    exec(compile(block, "docs/data.md", "exec"), names)

    # From midnight to 04:00 an override holds BTCUSDT on taker from 00:20 to 01:30. ETHUSDT is taker from 01:00 to
    # 04:00, as it is degraded in a panic; from 04:30 on an override holds it on taker, which has no end yet.
    assert names["taker_share"].to_dict() == pytest.approx({"BTCUSDT": 70 / 240, "ETHUSDT": 180 / 270})
    assert names["flips"]["symbol"].to_list() == ["DOGEUSDT", "ETHUSDT", "ETHUSDT"]
    assert names["mean_bps"].to_dict() == pytest.approx({"maker": 2.5, "taker": 6.0})  # (3 x 2 + 1 x 4) / 4


def test_the_exports_of_the_guide_run(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "router_policy.db")
    with Store(f"sqlite:///{tmp_path}/router_policy.db") as store:
        publish_small_history(store)
    write_bot(tmp_path, AS_OF, store="sqlite:///router_policy.db")
    (block,) = re.findall(r"```console\n(.*?)```", GUIDE, flags=re.DOTALL)

    for line in block.splitlines():
        done = command(tmp_path, *shlex.split(line)[2:])
        assert done.returncode == 0, done.stderr

    assert (tmp_path / "history.parquet").exists()
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 5  # of BTCUSDT from midnight on


def test_the_guide_has_every_function() -> None:
    assert sorted(re.findall(r"^\| `(read_\w+)`", GUIDE, flags=re.MULTILINE)) == analysis.__all__
