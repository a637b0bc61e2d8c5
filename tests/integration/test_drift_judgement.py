"""The query of drift against the same rules order by order and second by second, slowly, in Python."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import example
from hypothesis import strategies as st

from jobs.analysis.drift import judge_orders
from jobs.analysis.order_history import OrderSelection
from jobs.slots import Slots
from storage.read.visible_policies import OverrideSpan, PublishedSlot, VisiblePolicies
from tests.support.families import family
from tests.support.outcomes import outcome, write_jsonl
from tests.support.small_runs import canonical

BEGIN = datetime(2026, 4, 26, tzinfo=UTC)
MINUTES, TOLERANCE, PRUNED = 24, 5, 2  # slots are minutes, so a run expires after eight
SYMBOLS = ("AUSDT", "BUSDT", "CUSDT")


Order = tuple[str, int, bool | None, bool | None, int | None]  # symbol, done, started as maker, probe, run


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was published, with every time in seconds from the beginning, and the orders."""

    runs: tuple[tuple[int, int, int], ...]  # run, slot, published
    taker: frozenset[tuple[int, str]]
    overrides: tuple[tuple[int, str, bool, int, int], ...]  # number, symbol, maker first, from, end
    orders: tuple[Order, ...]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    seconds = st.integers(0, MINUTES * 60)
    slots = draw(st.lists(st.integers(0, MINUTES - 1), min_size=1, max_size=12, unique=True))
    delays = st.sampled_from([0, 1, 4, 30, 61, 200])
    runs = tuple((run, 60 * slot, 60 * slot + draw(delays)) for run, slot in enumerate(slots, PRUNED + 1))
    numbers = st.sampled_from([run for run, _, _ in runs])
    symbol = st.sampled_from(SYMBOLS)
    taker = draw(st.frozensets(st.tuples(numbers, symbol), max_size=20))
    spans = draw(st.lists(st.tuples(symbol, st.booleans(), seconds, st.integers(1, 300)), max_size=5))
    overrides = tuple((50 + n, name, flag, at, at + lasting) for n, (name, flag, at, lasting) in enumerate(spans))
    maybe = st.none() | st.booleans()
    named = st.none() | st.integers(0, PRUNED + 15)
    orders = draw(st.lists(st.tuples(symbol, seconds, maybe, maybe, named), min_size=20, max_size=60))
    return World(runs=runs, taker=taker, overrides=overrides, orders=tuple(orders))


OVERLAPPING = World(
    runs=((3, 0, 0),),
    taker=frozenset(),
    overrides=((50, "AUSDT", False, 0, 300), (51, "AUSDT", True, 100, 200), (52, "BUSDT", True, 0, 300)),
    orders=tuple(("AUSDT", done, True, None, 3) for done in (4, 90, 150, 203, 250, 303)),
)
EXPIRED_BETWEEN = World(
    runs=((3, 0, 0), (4, 1200, 1202)),
    taker=frozenset({(3, "AUSDT"), (4, "AUSDT")}),
    overrides=((50, "BUSDT", False, 100, 1260),),
    orders=tuple((symbol, done, True, None, 4) for symbol in SYMBOLS for done in (480, 481, 1201, 1205, 1207, 1208)),
)


@family(short=5, long=150, world=worlds())
@example(world=OVERLAPPING)
@example(world=EXPIRED_BETWEEN)
def test_the_query_judges_as_the_rules_say(tmp_path: Path, world: World) -> None:
    expected = Counter((order[0], kind) for order in world.orders for kind in slow_kinds(world, order))

    drift = judge_orders(question(tmp_path, world.orders), lambda *_: published(world))

    counted = {
        (row.symbol, kind.value): finding.order_count for row in drift.symbols for kind, finding in row.findings.items()
    }
    assert {key: count for key, count in counted.items() if count} == expected
    assert drift.order_count == len(world.orders)
    early = [done for _, done, _, _, run in world.orders if run is None and done - TOLERANCE <= first_published(world)]
    assert drift.before_policies_count == len(early)


def slow_kinds(world: World, order: Order) -> set[str]:
    """Every kind that one order is of, straight from the words of the rules."""
    symbol, done, started, probe, run = order
    kinds = set()
    slot = next((slot for number, slot, _ in world.runs if number == run), None)
    if run is None:
        if done - TOLERANCE > first_published(world):
            kinds.add("no_run")
    elif slot is None and run > PRUNED:
        kinds.add("unknown_run")
    if slot is not None and any(other > slot and out < done - TOLERANCE for _, other, out in world.runs):
        kinds.add("superseded")
    if slot is not None and done > slot + 8 * 60:
        kinds.add("expired")
    every_half = (
        half / 2 for half in range(2 * (done - TOLERANCE - 1), 2 * done + 1)
    )  # a run expires after its second
    if started and not probe and all(instruction_at(world, symbol, second) == "taker" for second in every_half):
        kinds.add("maker_while_taker")
    return kinds


def first_published(world: World) -> int:
    return min(out for _, _, out in world.runs)


def instruction_at(world: World, symbol: str, second: float) -> str:
    in_force = [
        (n, first) for n, name, first, start, end in world.overrides if name == symbol and start <= second < end
    ]
    if in_force:
        return "maker" if max(in_force)[1] else "taker"
    if not is_usable(world, second):
        return "nothing"
    run = newest(world, second)
    return "taker" if run is not None and (run[0], symbol) in world.taker else "maker"


def newest(world: World, second: float) -> tuple[int, int, int] | None:
    """The run of the newest slot that was out by then."""
    return max((run for run in world.runs if run[2] <= second), key=lambda run: run[1], default=None)


def is_usable(world: World, second: float) -> bool:
    run = newest(world, second)
    return run is not None and second <= run[1] + 8 * 60


def published(world: World) -> VisiblePolicies:
    """What readers of this world could see."""
    return VisiblePolicies(
        runs=tuple(PublishedSlot(run_id=run, slot=at(slot), published_at=at(out)) for run, slot, out in world.runs),
        taker=tuple(world.taker),
        overrides=tuple(
            OverrideSpan(override_id=number, symbol=symbol, maker_first=first, from_at=at(begin), end_at=at(end))
            for number, symbol, first, begin, end in world.overrides
        ),
        holdouts=(),
        pruned_through=PRUNED,
        policies_from=at(first_published(world)),
    )


def at(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def question(folder: Path, orders: Sequence[Order]) -> OrderSelection:
    rows = [
        outcome(
            number,
            symbol=symbol,
            at=at(done),
            maker_started=started,
            maker_filled=None if started is None else False,
            probe=probe,
            policy_run_id=run,
        )
        for number, (symbol, done, started, probe, run) in enumerate(orders)
    ]
    return OrderSelection(
        scope="default",
        orders=canonical(write_jsonl(folder / "orders.jsonl", rows)),
        slots=Slots("* * * * *"),
        start=BEGIN,
        end=BEGIN + timedelta(hours=1),
        tolerance=timedelta(seconds=TOLERANCE),
    )
