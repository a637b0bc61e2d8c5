"""What `costs` makes of a holdout whose log is rotated, shuffled or changed, and whose experiment changes."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.analysis.costs import Costs, find_costs
from jobs.analysis.order_history import OrderSelection
from jobs.plan import Fees, Location, OrdersKind, OrdersSource
from jobs.slots import Slots
from policy.experiment.experiment import Experiment
from policy.experiment.saving_figure import SavingFigure
from storage.store import Store
from tests.support.assignments import lines_of
from tests.support.closed_loop import DAY, GOOD, HOUR, MINUTE, START, Loop

Line = dict[str, object]
SPRING, SUMMER = Experiment(share=0.2, salt="spring"), Experiment(share=0.1, salt="summer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """The lines of a log of two experiments, one after the other, and the store with its two runs."""

    lines: list[Line]
    store: Store

    def costs(self, folder: Path, *logs: list[Line]) -> Costs:
        """Return the costs of these logs, rotated files of one log if there are several."""
        for number, lines in enumerate(logs):
            (folder / f"log.jsonl.{number}").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        location = Location(path=str(folder / "log.jsonl*"))
        selection = OrderSelection(
            scope="default",
            orders=OrdersSource(kind=OrdersKind.ORDER_LOG, location=location),
            slots=Slots("0 0 * * *"),
            start=START,
            end=START + 2 * DAY,
        )
        return find_costs(self.store, selection, {"": Fees(maker_bps=0.0, taker_bps=3.0)})


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Traded]:
    """An hour without a policy, eleven under the first experiment, twelve under the other; an order in five minutes."""
    folder = tmp_path_factory.mktemp("loop")
    with Store(f"sqlite:///{shutil.copy(sqlite_template, folder)}") as store:
        loop = Loop(folder, store, lambda _: GOOD, experiment=SPRING)
        loop.trade(HOUR, 5 * MINUTE)
        loop.compute()
        loop.trade(12 * HOUR, 5 * MINUTE)
        loop.change_experiment(SUMMER)
        loop.compute()
        loop.trade(24 * HOUR, 5 * MINUTE)
        yield Traded(lines=lines_of(loop), store=store)


def of_all(costs: Costs) -> SavingFigure:
    """Return the figure of all symbols, maker first against taker."""
    return costs.savings.figures[0]


def test_a_share_and_a_salt_that_change_are_one_experiment_that_fits(traded: Traded, tmp_path: Path) -> None:
    costs = traded.costs(tmp_path, traded.lines)

    assert {line["propensity"] for line in traded.lines if line.get("holdout")} == {0.2, 0.1}
    assert of_all(costs).order_count == 23 * 12
    assert of_all(costs).taker_count == sum(bool(line.get("holdout")) for line in traded.lines)
    assert costs.not_as_assigned_count == 0


def test_files_that_overlap_count_no_order_twice(traded: Traded, tmp_path: Path) -> None:
    whole, overlapping = tmp_path / "whole", tmp_path / "overlapping"
    for folder in (whole, overlapping):
        folder.mkdir()

    first, second = traded.lines[:200], traded.lines[100:]

    assert traded.costs(overlapping, first, second).savings == traded.costs(whole, traded.lines).savings


def test_the_order_of_the_lines_changes_nothing(traded: Traded, tmp_path: Path) -> None:
    forward, backward = tmp_path / "forward", tmp_path / "backward"
    for folder in (forward, backward):
        folder.mkdir()

    assert traded.costs(backward, traded.lines[::-1]).savings == traded.costs(forward, traded.lines).savings


def later(line: Line) -> Line:
    """An order whose clock is a year ahead has not ended by the end of what is looked at."""
    return {**line, "ts": "2027-04-01T00:00:00Z"}


def without_notional(line: Line) -> Line:
    """Its fee is that of the settings, and it is in no figure of money."""
    return {**line, "qty": {"notional_usd": 0}}


def of_another_propensity(line: Line) -> Line:
    return {**line, "propensity": 0.5}


def swapped(line: Line) -> Line:
    return {**line, "holdout": False, "propensity": 0.8}


@pytest.mark.parametrize(
    ("change", "order_count", "money_order_count", "not_as_assigned_count"),
    [
        (later, 275, 275, 0),
        (without_notional, 276, 275, 0),
        (of_another_propensity, 276, 276, 1),
        (swapped, 276, 276, 1),
    ],
)
def test_one_changed_line_changes_its_own_count(
    traded: Traded,
    tmp_path: Path,
    change: Callable[[Line], Line],
    order_count: int,
    money_order_count: int,
    not_as_assigned_count: int,
) -> None:
    held_out = next(line for line in traded.lines if line.get("holdout"))

    costs = traded.costs(tmp_path, [change(line) if line is held_out else line for line in traded.lines])

    assert (of_all(costs).order_count, of_all(costs).money_order_count) == (order_count, money_order_count)
    assert costs.not_as_assigned_count == not_as_assigned_count


def test_an_id_that_is_used_again_is_a_row_that_is_not_used(traded: Traded, tmp_path: Path) -> None:
    """The newer of two rows with one id counts, and `costs` says how many rows are not used."""
    one, other = [line for line in traded.lines if line.get("holdout")][:2]
    reused = [{**line, "attempt_id": other["attempt_id"]} if line is one else line for line in traded.lines]

    costs = traded.costs(tmp_path, reused)

    assert of_all(costs).order_count == 275
    assert [(reject.reason, reject.reject_count) for reject in costs.rejects] == [("duplicate_id", 1)]


def test_a_symbol_that_appears_later_changes_nothing_of_the_others(traded: Traded, tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder in (alone, together):
        folder.mkdir()
    newcomer = [{**line, "symbol": "NEWUSDT", "attempt_id": f"new {line['attempt_id']}"} for line in traded.lines[-50:]]

    before, after = traded.costs(alone, traded.lines), traded.costs(together, [*traded.lines, *newcomer])

    figures = {figure.symbol: figure for figure in after.savings.figures}
    assert figures["NEWUSDT"].order_count == 50
    assert figures["BTCUSDT"].order_count == of_all(before).order_count
    assert of_all(after).order_count == of_all(before).order_count + 50
    assert after.not_as_assigned_count == 50  # no policy of theirs holds any out
