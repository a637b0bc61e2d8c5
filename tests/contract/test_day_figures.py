"""What each day's orders cost and how many drifted: computed from a log, stored, and written again, on both databases.

The story is that of tests/support/small_history: readers see policies from 2025-03-03T22:00:03Z on, and the router of
DOGEUSDT was told to go straight to taker from 2025-03-04T00:00:04Z on.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.after_run.day_figures import FiguresTask, store_day_figures, try_day_figures
from jobs.analysis.day_figures import DAY, find_day_figures, start_of_day
from jobs.analysis.order_history import OrderSelection
from jobs.plan import Fees, Plan
from jobs.slots import Slots
from policy.rules import rule_set
from storage.day_figures import DayCost, DayDrift, DayFigures
from storage.read.day_figures import day_costs, day_drifts, newest_day
from storage.store import Store
from storage.write.day_figures import forget_days, store_day
from tests.support.outcomes import outcome, write_jsonl
from tests.support.small_history import MIDNIGHT, publish_small_history
from tests.support.small_runs import canonical
from tests.support.store_calls import read, write

HOURLY = Slots("0 * * * *")
FEES = {"": Fees(maker_bps=2.0, taker_bps=5.0)}
FIRST_DAY = MIDNIGHT - DAY
NO_DRIFT = {
    "no_run_count": 0,
    "unknown_run_count": 0,
    "superseded_count": 0,
    "expired_count": 0,
    "not_as_assigned_count": 0,
}
TAKER = {"maker_started": False, "maker_filled": False}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-03-{text}").replace(tzinfo=UTC)


def order(when: datetime, symbol: str, slippage_bps: float | None, **changes: object) -> dict[str, object]:
    """One order that filled as maker, with changes."""
    named = {"order_id": f"{symbol} {when} {slippage_bps}", "slippage_bps": slippage_bps}
    return outcome(0, symbol=symbol, at=when, **named) | changes


def cost(symbol: str, route: str, orders: int, filled: int, mean_bps: float | None, money: float | None) -> DayCost:
    return DayCost(
        symbol=symbol,
        route=route,
        order_count=orders,
        cost_count=filled,
        mean_bps=mean_bps,
        money_count=filled if money is not None else 0,
        money=money,
    )


def test_a_day_has_its_costs_by_symbol_and_route_and_its_drift_by_symbol(store: Store, tmp_path: Path) -> None:
    publish_small_history(store)
    log = write_jsonl(
        tmp_path / "orders.jsonl",
        [
            order(at("02T23:59:59"), "BTCUSDT", 9.0),  # of the day before
            order(at("03T00:00:00"), "BTCUSDT", -1.0, notional=100.0),  # 1 bps with the fee: 0.01
            order(at("03T21:00:00"), "BTCUSDT", 3.0, notional=300.0),  # 5 bps: 0.15
            order(at("03T22:30:00"), "BTCUSDT", 4.0, notional=None, **TAKER),  # 9 bps; it names no run
            order(at("04T00:30:00"), "ETHUSDT", None, maker_filled=False, policy_run_id=3),  # never filled
            order(at("04T05:00:00"), "DOGEUSDT", 0.5, policy_run_id=5),  # taker was in force
            order(at("04T12:00:00"), "ETHUSDT", 1.0),  # after the end
        ],
    )
    selection = OrderSelection(
        scope="default", orders=canonical(log), slots=HOURLY, start=FIRST_DAY, end=MIDNIGHT + DAY / 2
    )

    days = find_day_figures(store, selection, FEES)

    assert days == [
        DayFigures(
            day=FIRST_DAY,
            as_of=MIDNIGHT,
            costs=(
                cost("BTCUSDT", "maker", 2, 2, 3.0, 0.16),
                cost("BTCUSDT", "taker", 1, 1, 9.0, None),
            ),
            drifts=(
                DayDrift(symbol="BTCUSDT", order_count=3, **{**NO_DRIFT, "no_run_count": 1}, maker_while_taker_count=0),
            ),
        ),
        DayFigures(
            day=MIDNIGHT,
            as_of=MIDNIGHT + DAY / 2,
            costs=(
                cost("DOGEUSDT", "maker", 1, 1, 2.5, 0.025),
                cost("ETHUSDT", "maker", 1, 0, None, None),
            ),
            drifts=(
                DayDrift(symbol="DOGEUSDT", order_count=1, **NO_DRIFT, maker_while_taker_count=1),
                DayDrift(symbol="ETHUSDT", order_count=1, **NO_DRIFT, maker_while_taker_count=0),
            ),
        ),
    ]


def figures(day: datetime, *symbols: str, order_count: int = 1) -> DayFigures:
    """A day on which each of these symbols had so many maker orders, and as many that name no run."""
    return DayFigures(
        day=day,
        as_of=day + DAY,
        costs=[cost(symbol, "maker", order_count, order_count, 1.5, 0.1) for symbol in symbols],
        drifts=[
            DayDrift(
                symbol=symbol,
                order_count=order_count,
                **{**NO_DRIFT, "no_run_count": order_count},
                maker_while_taker_count=0,
            )
            for symbol in symbols
        ],
    )


def test_a_day_that_is_written_again_replaces_itself_and_no_other_day_or_scope(store: Store) -> None:
    write(store, store_day, "default", figures(FIRST_DAY, "BTCUSDT"))
    write(store, store_day, "paper", figures(MIDNIGHT, "ETHUSDT"))
    write(store, store_day, "default", figures(MIDNIGHT, "BTCUSDT", "ETHUSDT"))
    before = read(store, newest_day, "default")
    write(store, store_day, "default", figures(MIDNIGHT, "BTCUSDT", order_count=2))

    costs = read(store, day_costs, "default", FIRST_DAY, MIDNIGHT + DAY)
    drifts = read(store, day_drifts, "default", MIDNIGHT, MIDNIGHT + DAY)
    newest = read(store, newest_day, "default")
    assert [(day, each.symbol, each.order_count) for day, each in costs] == [
        (FIRST_DAY, "BTCUSDT", 1),
        (MIDNIGHT, "BTCUSDT", 2),
    ]
    assert [(each.symbol, each.no_run_count) for _, each in drifts] == [("BTCUSDT", 2)]
    assert newest is not None
    assert (newest.day, newest.as_of) == (MIDNIGHT, MIDNIGHT + DAY)
    assert before is not None
    assert newest.computed_at >= before.computed_at
    assert [each.symbol for _, each in read(store, day_costs, "paper", MIDNIGHT, MIDNIGHT + DAY)] == ["ETHUSDT"]


def test_days_that_ended_are_forgotten_and_the_one_of_the_time_stays(store: Store) -> None:
    for day in (FIRST_DAY, MIDNIGHT):
        write(store, store_day, "default", figures(day, "BTCUSDT"))

    write(store, forget_days, MIDNIGHT + timedelta(hours=3))

    assert [day for day, _ in read(store, day_costs, "default", FIRST_DAY, MIDNIGHT + DAY)] == [MIDNIGHT]
    assert [day for day, _ in read(store, day_drifts, "default", FIRST_DAY, MIDNIGHT + DAY)] == [MIDNIGHT]


def test_later_figures_begin_with_the_day_before_the_newest_for_orders_that_came_late(
    sqlite_store: Store, tmp_path: Path
) -> None:
    today = start_of_day(sqlite_store.now())
    log = tmp_path / "orders.jsonl"
    plan = Plan(scope="default", orders=canonical(log), candles=None, rule_set=rule_set("seed"), fees=FEES)
    task = FiguresTask(plan=plan, store_url=str(sqlite_store.url), slots=HOURLY)
    early = [order(today - 5 * DAY, "BTCUSDT", 1.0), order(today - DAY / 2, "BTCUSDT", 1.0)]
    write_jsonl(log, early)

    counts = [store_day_figures(task, sqlite_store)]
    write_jsonl(log, [*early, order(today - 4 * DAY, "BTCUSDT", 2.0), order(today - DAY / 3, "BTCUSDT", 2.0)])
    counts.append(store_day_figures(task, sqlite_store))

    assert counts == [8, 2]
    costs = read(sqlite_store, day_costs, "default", today - 7 * DAY, today + DAY)
    assert [(day, each.order_count) for day, each in costs] == [(today - 5 * DAY, 1), (today - DAY, 2)]


def test_a_log_that_cannot_be_read_leaves_what_was_stored_and_is_a_sentence(
    sqlite_store: Store, tmp_path: Path
) -> None:
    write(sqlite_store, store_day, "default", figures(MIDNIGHT, "BTCUSDT"))
    orders = canonical(tmp_path / "nowhere*.jsonl")
    plan = Plan(scope="default", orders=orders, candles=None, rule_set=rule_set("seed"))

    (problem,) = try_day_figures(FiguresTask(plan=plan, store_url="", slots=HOURLY), sqlite_store)

    assert problem.startswith("what the orders of the last days cost could not be added up: ")
    assert "nowhere*.jsonl" in problem
    assert len(read(sqlite_store, day_costs, "default", MIDNIGHT, MIDNIGHT + DAY)) == 1
