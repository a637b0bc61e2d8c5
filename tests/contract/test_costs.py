"""What orders really cost, by what was in force at their time, on both databases.

The story is that of tests/support/small_history; its runs of scope default became visible a few seconds after their
slots, but that of 01:00 only at 01:01:04. Slots are hourly, so a run expires eight hours after its slot.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from jobs.analysis.costs import NOT_IN_FORCE, Costs, CostSummary, GroupKey, PolicyAtOrder, Route, find_costs
from jobs.analysis.order_history import OrderSelection
from jobs.plan import Fees
from jobs.slots import Slots
from storage.schema.tables import policy_run
from storage.store import Store
from tests.support.outcomes import outcome, write_jsonl
from tests.support.runs import evidence, publish
from tests.support.small_history import MIDNIGHT, publish_small_history
from tests.support.small_runs import canonical
from tests.support.tampering import behind_the_triggers

Row = dict[str, object]
HOURLY = Slots("0 * * * *")
START, END = MIDNIGHT - timedelta(hours=3), MIDNIGHT + timedelta(days=1)
FEES = {"": Fees(maker_bps=2.0, taker_bps=5.0), "ETHUSDT": Fees(maker_bps=-1.0, taker_bps=4.0)}
# Of Student's distribution with so many degrees of freedom, from a printed table.
STUDENT = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706, 6: 2.4469, 7: 2.3646, 8: 2.3060, 9: 2.2622}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store without a run, on SQLite, for what the database has no part in."""
    with Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'policy.db'}") as store:
        store.set_up()
        yield store


def costs_of(
    store: Store,
    folder: Path,
    rows: Iterable[Row],
    *,
    fees: Mapping[str, Fees] = {},
    start: datetime = START,
    end: datetime = END,
) -> Costs:
    orders = canonical(write_jsonl(folder / "orders.jsonl", rows))
    question = OrderSelection(scope="default", orders=orders, slots=HOURLY, start=start, end=end)
    return find_costs(store, question, fees)


def figure(outcomes: Costs, way: str, **heading: Any) -> CostSummary:
    """The one figure of a heading and a way."""
    (summary,) = (
        summary for summary in outcomes.figures if summary.group == GroupKey(**heading) and summary.route == way
    )
    return summary


def sent(text: str, symbol: str = "BTCUSDT", **changes: object) -> Row:
    """One order that filled as maker, at a time of the story: in the evening of the first day, else on the second."""
    at = datetime.fromisoformat(f"2025-03-0{3 if text >= '21' else 4}T{text}").replace(tzinfo=UTC)
    return outcome(0, symbol=symbol, at=at, order_id=f"{symbol} {text}") | changes


# An order, and the regime, policy and quality that were in force at its time.
IN_FORCE = (
    (sent("22:00:02.999"), "none none none"),  # nothing is published yet
    (sent("22:00:03"), "normal maker_first good"),
    (sent("23:00:04"), "normal maker_first good"),
    (sent("23:00:05"), "normal maker_first degraded"),
    (sent("00:19:59"), "normal maker_first degraded"),
    (sent("00:20:00"), "normal taker degraded"),  # a person's decision over the rules'
    (sent("01:01:03"), "normal taker degraded"),
    (sent("01:01:04"), "normal taker good"),
    (sent("01:30:00"), "normal maker_first good"),  # it was ended before its time
    (sent("12:00:00"), "normal maker_first good"),
    (sent("12:00:00.000001"), "none none none"),  # expired
    (sent("23:30:00", "ETHUSDT"), "panic maker_first good"),
    (sent("00:30:00", "ETHUSDT"), "normal maker_first good"),
    (sent("01:30:00", "ETHUSDT"), "panic taker degraded"),
    (sent("04:00:01", "ETHUSDT"), "panic taker degraded"),
    (sent("04:00:02", "ETHUSDT"), "normal maker_first good"),
    (sent("04:30:00", "ETHUSDT"), "normal taker good"),
    (sent("13:00:00", "ETHUSDT"), "none none none"),
    (sent("23:30:00", "DOGEUSDT"), "normal maker_first ok"),
    (sent("00:00:04", "DOGEUSDT"), "normal taker broken"),
    (sent("05:00:00", "DOGEUSDT"), "normal taker broken"),
    (sent("00:30:00", "SOLUSDT"), "none none none"),  # never had a policy
)


def test_each_order_counts_under_what_readers_could_see_at_its_time(store: Store, tmp_path: Path) -> None:
    publish_small_history(store)
    expected = Counter((row["symbol"], *words.split()) for row, words in IN_FORCE)

    outcomes = costs_of(store, tmp_path, [row for row, _ in IN_FORCE])

    counted = {
        (head.symbol, head.regime, str(head.policy), head.quality): summary.outcome_count
        for summary in outcomes.figures
        if (head := summary.group).symbol is not None and head.regime is not None
    }
    assert counted == expected
    assert outcomes.order_count == len(IN_FORCE)


def test_a_run_that_was_published_after_a_later_slot_was_never_in_force(store: Store, tmp_path: Path) -> None:
    publish_small_history(store)
    late = publish(store, MIDNIGHT + timedelta(hours=2), evidence("BTCUSDT", fallback=0.99))
    with behind_the_triggers(store) as connection:
        at_five = policy_run.update().where(policy_run.c.run_id == late.run_id)
        connection.execute(at_five.values(published_at=MIDNIGHT + timedelta(hours=5)))

    outcomes = costs_of(store, tmp_path, [sent("05:30:00")])

    assert figure(outcomes, "maker", policy=PolicyAtOrder.MAKER_FIRST, quality="good").outcome_count == 1


def on(day: int, hour: int = 12) -> datetime:
    return datetime(2025, 3, day, hour, tzinfo=UTC)


def went(way: str, at: datetime, slippage_bps: float | None, **changes: object) -> Row:
    """One order of BTCUSDT that went a way; ids differ, so that each counts."""
    flags: tuple[bool | None, ...] = {
        "maker": (True, True, None),
        "probe": (True, True, True),
        "taker": (False, False, None),
        "unknown": (None, None, None),
    }[way]
    names = ("maker_started", "maker_filled", "probe")
    order_id = f"{way} {at} {slippage_bps} {changes.get('symbol')}"
    order = outcome(0, at=at, order_id=order_id, slippage_bps=slippage_bps)
    return order | dict(zip(names, flags, strict=True)) | changes


def test_cost_interval_and_comparison_are_those_worked_out_by_hand(empty: Store, tmp_path: Path) -> None:
    """Maker starts cost 3 and 5 on the first day, 1 on the second: 3 in the mean, which the days pull by 2/3 each way.

    Takers cost 9 and 7. A standard error is the root of twice the sum of the squared pulls, that of the difference of
    the pulls' differences: 4/3, 1 and 1/3.
    """
    rows = [
        went("maker", on(4), 1.0, fees=0.02),  # of a notional of 100
        went("maker", on(4), 3.0, fees=0.02),
        went("maker", on(5), -1.0, fees=0.02),
        went("taker", on(4), 4.0),
        went("taker", on(5), 2.0),
        went("taker", on(6), None),  # a day without a cost does not count as an observation
    ]

    outcomes = costs_of(empty, tmp_path, rows, fees=FEES, end=on(7))
    maker, taker = figure(outcomes, "maker"), figure(outcomes, "taker")

    assert (maker.outcome_count, maker.cost_count, maker.fee_count, maker.day_count) == (3, 3, 3, 2)
    assert (taker.outcome_count, taker.cost_count, taker.fee_count, taker.day_count) == (3, 2, 2, 2)
    assert (maker.mean_bps, maker.median_bps, taker.mean_bps, taker.median_bps) == (3.0, 3.0, 8.0, 8.0)
    assert_between(maker, 3 - 4 / 3 * STUDENT[1], 3 + 4 / 3 * STUDENT[1])
    assert_between(taker, 8 - STUDENT[1], 8 + STUDENT[1])
    apart = maker.against_taker
    assert apart is not None
    assert apart.interval is not None
    assert (apart.difference_bps, apart.day_count, apart.warning) == (-5.0, 2, NOT_IN_FORCE)
    assert apart.interval.lower == pytest.approx(-5 - STUDENT[1] / 3, abs=1e-4)
    assert taker.against_taker is None


def assert_between(summary: CostSummary, lower: float, upper: float) -> None:
    assert summary.interval is not None
    assert (summary.interval.lower, summary.interval.upper) == pytest.approx((lower, upper), abs=1e-3)


FELL_BACK = {"maker_filled": False, "fallback_used": True}


@pytest.mark.parametrize(
    ("row", "fees", "cost_bps", "fee_count"),
    [
        (went("maker", on(4), 1.0, fees=0.03), FEES, 4.0, 1),  # what the log says goes before the settings
        (went("maker", on(4), 1.0, fees=-0.01), FEES, 0.0, 1),
        (went("maker", on(4), 1.0, fees=0.03, notional=None), FEES, 3.0, 1),
        (went("maker", on(4), 1.0, fees=0.03, notional=0.0), FEES, 3.0, 1),
        (went("maker", on(4), 1.0, fees=0.03, notional=0.0), {}, 1.0, 0),
        (went("maker", on(4), 1.0), FEES, 3.0, 1),
        (went("maker", on(4), 1.0, symbol="ETHUSDT"), FEES, 0.0, 1),
        (went("maker", on(4), 1.0, **FELL_BACK), FEES, 6.0, 1),
        (went("probe", on(4), 1.0), FEES, 3.0, 1),
        (went("taker", on(4), 1.0), FEES, 6.0, 1),
        (went("unknown", on(4), 1.0), FEES, 1.0, 0),
        (went("unknown", on(4), 1.0, fees=0.05), {}, 6.0, 1),
        (went("taker", on(4), 1.0), {}, 1.0, 0),
        (went("taker", on(4), None, fees=0.05), FEES, None, 0),
    ],
)
def test_the_cost_is_slippage_and_the_fee_where_it_is_known(
    empty: Store, tmp_path: Path, row: Row, fees: Mapping[str, Fees], cost_bps: float | None, fee_count: int
) -> None:
    (summary,) = (
        summary for summary in costs_of(empty, tmp_path, [row], fees=fees).figures if summary.group == GroupKey()
    )

    assert (summary.mean_bps, summary.median_bps, summary.fee_count, summary.outcome_count) == (
        cost_bps,
        cost_bps,
        fee_count,
        1,
    )
    assert (summary.interval, summary.against_taker) == (None, None)


def test_figures_are_those_of_adding_up_row_by_row(empty: Store, tmp_path: Path) -> None:
    """Ten days, a few with one kind of order only, some orders without a fill."""
    chance, rows = random.Random(11), []
    for number in range(400):
        way = chance.choice(("maker", "maker", "taker", "probe", "unknown"))
        day = chance.choice((10, 11, 12, 13, 14, 15)) if way == "taker" else chance.randrange(10, 20)
        at = on(day, 0) + timedelta(seconds=chance.randrange(86400))
        cost = None if chance.random() < 0.1 else chance.gauss(day % 3, 4)
        rows.append(went(way, at, cost, order_id=str(number), symbol=chance.choice(("BTCUSDT", "ETHUSDT"))))

    outcomes = costs_of(empty, tmp_path, rows, end=on(21))

    for symbol in (None, "BTCUSDT", "ETHUSDT"):
        chosen = [row for row in rows if symbol in {None, row["symbol"]}]
        heading = {"symbol": symbol} if symbol else {}
        taker = by_day(chosen, "taker")
        for way in Route:
            costs, summary = by_day(chosen, way), figure(outcomes, way, **heading)
            every = [cost for day in costs.values() for cost in day]
            assert summary.cost_count == len(every)
            assert summary.mean_bps == pytest.approx(mean(every), abs=1e-8)
            assert summary.median_bps == pytest.approx(median(every), abs=1e-8)
            reach = STUDENT[len(costs) - 1] * standard_error(costs, {})
            assert_between(summary, mean(every) - reach, mean(every) + reach)
            apart = summary.against_taker
            assert (apart is None) is (way in {Route.TAKER, Route.UNKNOWN})
            if apart is not None:
                assert apart.interval is not None
                half = (apart.interval.upper - apart.interval.lower) / 2
                assert half == pytest.approx(STUDENT[9] * standard_error(costs, taker), abs=1e-3)


def by_day(rows: Iterable[dict[str, Any]], way: str) -> dict[object, list[float]]:
    """The costs of the orders that went a way, by day."""
    costs: dict[object, list[float]] = defaultdict(list)
    for row in rows:
        ways = {(True, True): "probe", (True, None): "maker", (False, None): "taker", (None, None): "unknown"}
        if ways[row["maker_started"], row["probe"]] == way and row["slippage_bps"] is not None:
            costs[row["ts"].date()].append(float(str(row["slippage_bps"])))
    return costs


def standard_error(costs: Mapping[object, list[float]], others: Mapping[object, list[float]]) -> float:
    """Of the mean of the costs less that of the others, a day being one observation."""

    def pull(of: Mapping[object, list[float]], day: object) -> float:
        every = [cost for costs_of_day in of.values() for cost in costs_of_day]
        return sum(cost - mean(every) for cost in of.get(day, [])) / len(every) if every else 0.0

    days = costs.keys() | others.keys()
    return sqrt(sum((pull(costs, day) - pull(others, day)) ** 2 for day in days) * len(days) / (len(days) - 1))


def test_only_good_rows_of_the_window_are_added_up_and_the_others_counted(empty: Store, tmp_path: Path) -> None:
    rows = [
        went("maker", START, 1.0),
        went("maker", START - timedelta(microseconds=1), 50.0),
        went("maker", END, 50.0),
        went("maker", on(4), 10_000.0),
    ]

    outcomes = costs_of(empty, tmp_path, rows)

    assert (figure(outcomes, "maker").mean_bps, outcomes.order_count) == (1.0, 1)
    assert [(count.reason, count.reject_count) for count in outcomes.rejects] == [("sentinel_slippage", 1)]


def test_without_an_order_there_is_no_figure(empty: Store, tmp_path: Path) -> None:
    assert costs_of(empty, tmp_path, [went("maker", END, 1.0)]).figures == ()
