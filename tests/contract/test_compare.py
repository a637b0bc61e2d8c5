"""Compare, on both databases: the history of `tests.support.shadowed_history` gives what was worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.analysis.compare import NothingToCompareError, Pair, compare, per_day
from policy.rules import State
from storage.read.breaker_events import BreakerLevel, BreakerTransition
from storage.read.rule_set_comparison import RuleSetDifference, RuleSetTotals
from storage.store import Store
from tests.support.runs import publish
from tests.support.shadowed_history import (
    BREAKER,
    HOUR,
    MIDNIGHT,
    MISSES,
    SEED,
    STEADY,
    measured,
    publish_run,
    publish_shadowed_history,
)

UNKNOWN = (None,) * 5
HOUR_SECONDS = 3600


@pytest.fixture(scope="module")
def history(module_store: Store) -> Store:
    """A store that holds the history; nothing here changes it."""
    publish_shadowed_history(module_store)
    return module_store


def only_pair(store: Store, **options: Any) -> Pair:
    (pair,) = compare(store, "default", **options).pairs
    return pair


def test_each_symbol_is_summed_up_by_the_time_that_a_run_was_valid(history: Store) -> None:
    bitcoin, ether = only_pair(history).symbols

    assert bitcoin == RuleSetDifference(
        live="seed",
        shadow="breaker1",
        symbol="BTCUSDT",
        run_count=6,
        first_slot=MIDNIGHT,
        last_slot=MIDNIGHT + 6 * HOUR,
        seconds=6 * HOUR_SECONDS,
        disagree_seconds=HOUR_SECONDS,  # at 01:00 only
        route_seconds=HOUR_SECONDS,
        live_totals=RuleSetTotals(maker_first_seconds=3 * HOUR_SECONDS, flip_count=2),
        shadow_totals=RuleSetTotals(
            maker_first_seconds=2 * HOUR_SECONDS,
            flip_count=2,
            breaker_seconds=6 * HOUR_SECONDS,
            breaker_open_seconds=4 * HOUR_SECONDS,
        ),
    )
    assert (ether.disagree_seconds, ether.route_seconds) == (6 * HOUR_SECONDS, 0)
    assert (ether.live_totals.flip_count, ether.shadow_totals.breaker_open_seconds) == (0, 0)


def test_all_symbols_together_are_their_sum(history: Store) -> None:
    total = only_pair(history).total

    assert (total.run_count, total.seconds) == (12, 12 * HOUR_SECONDS)
    assert (total.disagree_seconds, total.route_seconds) == (7 * HOUR_SECONDS, HOUR_SECONDS)
    assert total.live_totals.maker_first_seconds == 9 * HOUR_SECONDS
    assert per_day(total.shadow_totals.flip_count, total.seconds) == 4.0  # 2 in half a day of one symbol


def test_only_slots_from_since_on_count(history: Store) -> None:
    bitcoin, _ = only_pair(history, since=MIDNIGHT + 2 * HOUR).symbols

    assert (bitcoin.run_count, bitcoin.seconds, bitcoin.route_seconds) == (4, 4 * HOUR_SECONDS, 0)
    assert (bitcoin.live_totals.flip_count, bitcoin.shadow_totals.flip_count) == (1, 1)  # not that from 01:00 to 02:00


def test_the_hours_around_an_opening_and_a_closing_show_what_each_rule_set_said(history: Store) -> None:
    opened, closed = compare(history, "default").events

    assert (opened.event.symbol, opened.event.level, opened.event.transition) == (
        "BTCUSDT",
        BreakerLevel.OWN,
        BreakerTransition.OPENED,
    )
    assert opened.event.slot == MIDNIGHT + HOUR
    assert "6 misses in a row, own miss ratio 0.1087" in opened.event.reason
    assert opened.hours == {
        #              00:00, then 01:00 to 05:00, the last run's end is not known
        "breaker1": (*UNKNOWN, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, None),
        "seed": (*UNKNOWN, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, None),
    }
    assert (closed.event.transition, closed.event.slot) == (BreakerTransition.CLOSED, MIDNIGHT + 5 * HOUR)
    assert closed.hours["seed"] == (None, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, *UNKNOWN)


def test_the_moves_of_a_kind_are_counted_and_what_was_said_around_them_is_their_mean(store: Store) -> None:
    states: dict[str, State | None] = {}
    for hour, bitcoin, ether in ((0, STEADY, STEADY), (1, MISSES, STEADY), (2, MISSES, MISSES), (3, MISSES, MISSES)):
        shown = (measured("BTCUSDT", hour, 0.1, bitcoin), measured("ETHUSDT", hour, 0.1, ether))
        publish_run(store, hour, shown, SEED, BREAKER, states)

    (opened,) = compare(store, "default").transitions

    assert (opened.rule_set, opened.transition, opened.count) == ("breaker1", BreakerTransition.OPENED, 2)
    # One hour is known before the first opening, two before the second, and two hours or one after it.
    assert opened.hours["breaker1"] == (None, None, None, None, 1.0, 1.0, 0.0, 0.0, *UNKNOWN[:4])
    assert opened.hours["seed"] == (None, None, None, None, 1.0, 1.0, 1.0, 1.0, *UNKNOWN[:4])


def test_the_breaker_of_the_scope_moves_once_for_all_symbols(store: Store) -> None:
    states: dict[str, State | None] = {}
    for hour, pool in enumerate((STEADY, MISSES, replace(STEADY, probe_filled_count=1), STEADY)):
        shown = tuple(measured(symbol, hour, 0.1, STEADY, pool) for symbol in ("BTCUSDT", "ETHUSDT"))
        publish_run(store, hour, shown, SEED, BREAKER, states)

    comparison = compare(store, "default")

    assert [(row.event.level, row.event.transition, row.event.symbol) for row in comparison.events] == [
        (BreakerLevel.POOL, BreakerTransition.OPENED, None),
        (BreakerLevel.POOL, BreakerTransition.CLOSED, None),
    ]
    assert comparison.pairs[0].total.shadow_totals.breaker_open_seconds == 2 * HOUR_SECONDS  # both, for an hour


def test_a_switch_of_the_live_rule_set_begins_another_pair_and_is_no_flip(store: Store) -> None:
    states: dict[str, State | None] = {}
    orders = ((SEED, BREAKER, STEADY), (BREAKER, SEED, MISSES), (BREAKER, SEED, MISSES), (SEED, BREAKER, MISSES))
    for hour, (live, shadow, own) in enumerate(orders):
        publish_run(store, hour, (measured("BTCUSDT", hour, 0.1, own),), live, shadow, states)

    by_live = {pair.live: pair.total for pair in compare(store, "default").pairs}

    assert (by_live["breaker1"].run_count, by_live["breaker1"].seconds) == (2, 2 * HOUR_SECONDS)
    assert by_live["breaker1"].live_totals.breaker_open_seconds == 2 * HOUR_SECONDS
    assert by_live["breaker1"].shadow_totals.maker_first_seconds == 2 * HOUR_SECONDS
    assert (by_live["seed"].run_count, by_live["seed"].seconds) == (2, HOUR_SECONDS)
    assert by_live["seed"].shadow_totals.flip_count == 0  # closed at 00:00, open at 03:00, not shadow in between


def test_without_a_shadow_there_is_nothing_to_compare(store: Store) -> None:
    publish(store)

    with pytest.raises(NothingToCompareError, match=r'shadow = \["breaker"\]'):
        compare(store, "default")
