"""The notebook: each of its cells runs as it stands, and shows what the history holds."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from storage.store import Store
from tests.support.small_history import publish_small_history

NOTEBOOK = json.loads((Path(__file__).parents[2] / "docs" / "notebooks" / "history.ipynb").read_text("utf-8"))
CELLS = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def shown(cell: str, names: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last expression, which a notebook shows."""
    *before, last = ast.parse(cell).body
    exec(compile(ast.Module(before, []), "notebook", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
    exec(compile(ast.Module([last], []), "notebook", "exec"), names)
    return None


@pytest.fixture(scope="module")
def answers(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each cell shows, over the small history."""
    mpl.use("agg")
    file = tmp_path_factory.mktemp("notebook") / "policy.db"
    shutil.copy(sqlite_template, file)
    with Store(f"sqlite:///{file}") as store:
        publish_small_history(store)
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROUTER_POLICY_STORE__URL", f"sqlite:///{file}")
        patch.setenv("ROUTER_POLICY_SCOPE", "default")
        return [shown(cell, names) for cell in CELLS]


def test_the_notebook_shows_the_policies_the_changes_and_the_overrides(answers: list[Any]) -> None:
    _, latest, taker, changes, _, overrides, runs = answers

    assert latest["symbol"].to_list() == ["BTCUSDT", "DOGEUSDT", "ETHUSDT"]
    # Up to the newest slot, 04:00: BTCUSDT by its override from 00:20 to 01:30, DOGEUSDT from 00:00, ETHUSDT from 01:00
    assert taker["taker_hours"].to_dict() == pytest.approx({"BTCUSDT": 7 / 6, "DOGEUSDT": 4.0, "ETHUSDT": 3.0})
    assert taker["taker_share"].to_dict() == pytest.approx({"BTCUSDT": 7 / 36, "DOGEUSDT": 4 / 6, "ETHUSDT": 3 / 6})
    assert changes[["symbol", "decided_by"]].to_numpy().tolist() == [
        ["BTCUSDT", "fallback_ratio_degraded"],
        ["ETHUSDT", "regime_panic"],
        ["DOGEUSDT", "fallback_ratio_broken"],
        ["ETHUSDT", "regime_normal"],
        ["BTCUSDT", "maker_fill_ratio_good"],
        ["ETHUSDT", "fallback_ratio_degraded"],
        ["ETHUSDT", "maker_fill_ratio_good"],
    ]
    assert overrides["author"].to_list() == ["ann", "ann"]
    assert runs["seconds"]["count"] == 5


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]

    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
