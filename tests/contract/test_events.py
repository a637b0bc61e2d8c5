"""One timeline of what happened, on both databases; the story is that of tests/support/small_history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import strategies as st

from policy.activity_kind import ActivityKind
from storage.read.events import Event, EventFilter, events
from storage.read.pages import PageBounds
from storage.store import Store
from storage.write import overrides
from tests.support.families import family
from tests.support.runs import QUARTER, SLOT, evidence, make_override, publish
from tests.support.small_history import publish_small_history
from tests.support.store_calls import read, write
from tests.support.waiting import wait_until

ALL = EventFilter()
# Whether patience changes with the regime is for the tests of the rules.
PLAIN = EventFilter(kinds=[kind for kind in ActivityKind if kind is not ActivityKind.POLICY_CHANGED])
TRIES_ARE_LATER = datetime(2026, 1, 1, tzinfo=UTC)


def timeline(store: Store, wanted: EventFilter, *, limit: int = 100, until: datetime | None = None) -> list[Event]:
    return read(store, events, "default", PageBounds(until=until, limit=limit), wanted)


def brief(shown: list[Event]) -> list[tuple[str, str, str | None, int | None]]:
    return [(f"{event.at:%H:%M}", event.kind.value, event.symbol, event.run_id) for event in shown]


def test_everything_that_happened_is_there_the_newest_first(store: Store) -> None:
    publish_small_history(store)

    shown = timeline(store, PLAIN)

    tries = [event for event in shown if event.kind is ActivityKind.RUN_FAILED]
    assert [event.reason for event in tries] == ["the log is locked", "no file matches"]
    assert shown[: len(tries)] == tries
    assert brief(shown[len(tries) :]) == [
        ("04:30", "override_made", "ETHUSDT", None),
        ("04:00", "to_maker", "ETHUSDT", 5),
        ("02:00", "slot_missed", None, None),
        ("01:30", "override_ended", "BTCUSDT", None),
        ("01:00", "to_taker", "ETHUSDT", 4),
        ("00:20", "override_made", "BTCUSDT", None),
        ("00:00", "to_taker", "DOGEUSDT", 3),
        ("00:00", "rule_set_changed", None, 3),
    ]


def test_an_event_says_what_is_now_what_was_before_who_and_why(store: Store) -> None:
    publish_small_history(store)
    shown = {(event.kind, event.symbol): event for event in timeline(store, PLAIN)}

    to_taker = shown[ActivityKind.TO_TAKER, "DOGEUSDT"]
    assert to_taker.what.startswith("taker, prefer taker, broken; before: maker first, ")
    assert "fallback 0.96 >= 0.95" in (to_taker.reason or "")
    made, ended = shown[ActivityKind.OVERRIDE_MADE, "BTCUSDT"], shown[ActivityKind.OVERRIDE_ENDED, "BTCUSDT"]
    assert made.what == "override 101: taker, prefer taker until 2025-03-04T02:20:00Z"
    assert (made.author, made.reason) == ("ann", "venue maintenance")
    assert (ended.what, ended.author, ended.reason) == ("override 101: taker, prefer taker", "bob", "venue is back")
    rules = shown[ActivityKind.RULE_SET_CHANGED, None]
    assert rules.what == "seed 1; before: seed 1"
    assert '"broken_fallback_ratio":0.95' in (rules.reason or "").partition("; before: ")[0]
    assert shown[ActivityKind.SLOT_MISSED, None].what == "slot 2025-03-04T02:00:00Z has no run: missed"


def test_a_quality_that_changes_alone_is_a_change_and_broken_has_a_word_of_its_own(store: Store) -> None:
    publish_small_history(store)

    bitcoin = timeline(store, EventFilter(kinds=[ActivityKind.POLICY_CHANGED], symbol="BTCUSDT"))

    assert brief(bitcoin) == [
        ("01:00", "policy_changed", "BTCUSDT", 4),
        ("23:00", "policy_changed", "BTCUSDT", 2),
    ]


def test_a_symbol_has_its_own_events_and_what_concerns_all(store: Store) -> None:
    publish_small_history(store)

    shown = timeline(store, EventFilter(kinds=PLAIN.kinds, symbol="DOGEUSDT"), until=TRIES_ARE_LATER)

    assert brief(shown) == [
        ("02:00", "slot_missed", None, None),
        ("00:00", "to_taker", "DOGEUSDT", 3),
        ("00:00", "rule_set_changed", None, 3),
    ]


def test_an_override_that_ends_by_itself_and_a_prune_are_events(store: Store) -> None:
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)
    make_override(store, lasting=timedelta(milliseconds=5), reason="a test")
    expired = EventFilter(kinds=[ActivityKind.OVERRIDE_EXPIRED])
    wait_until(lambda: len(timeline(store, expired)) == 1, "the override ends")
    made_or_expired = EventFilter(kinds=[ActivityKind.OVERRIDE_MADE, ActivityKind.OVERRIDE_EXPIRED])
    assert [event.kind for event in timeline(store, made_or_expired, limit=1)] == [ActivityKind.OVERRIDE_EXPIRED]
    publish(store, SLOT + 2 * QUARTER)
    (pruned,) = store.prune(timedelta(0), through_entry_id=1)

    assert pruned.run_count == 1
    (event,) = timeline(store, EventFilter(kinds=[ActivityKind.PRUNED]))
    assert event.what == "1 runs were removed for their age, up to entry 1"


def test_a_page_ends_with_a_whole_moment_and_the_next_goes_on_before_it(store: Store) -> None:
    symbols = ("AUSDT", "BUSDT", "CUSDT")
    for number in range(3):
        fallback = 0.99 if number % 2 else 0.1
        publish(store, SLOT + number * QUARTER, *(evidence(symbol, fallback=fallback) for symbol in symbols))

    first = timeline(store, ALL, limit=2)
    second = timeline(store, ALL, limit=2, until=first[-1].at)

    assert [(event.kind.value, event.symbol) for event in first] == [("to_maker", name) for name in symbols]
    assert [(event.kind.value, event.symbol) for event in second] == [("to_taker", name) for name in symbols]
    assert timeline(store, ALL, limit=2, until=second[-1].at) == []


def test_kinds_that_are_rare_are_found_behind_many_others(store: Store) -> None:
    for number in range(8):
        publish(store, SLOT + number * QUARTER, evidence("AUSDT", fallback=0.99 if number % 2 else 0.1))

    shown = timeline(store, EventFilter(kinds=[ActivityKind.TO_TAKER]), limit=3)

    assert [event.run_id for event in shown] == [8, 6, 4]


RUNS = 24
SYMBOLS = ("AUSDT", "BUSDT", "CUSDT")


@pytest.fixture(scope="module")
def busy_store(module_store: Store) -> Store:
    """Six hours in which decisions change with every other run and people override, many things at one moment."""
    random = Random(7)
    for number in range(RUNS):
        publish(module_store, SLOT + number * QUARTER, *(evidence(name, fallback=random.random()) for name in SYMBOLS))
    for number in range(RUNS):
        _override(module_store, random, SLOT + number * QUARTER)
    return module_store


@pytest.fixture(scope="module")
def all_events(busy_store: Store) -> list[Event]:
    """Every event of the busy hours, more being allowed than there are."""
    return timeline(busy_store, ALL, limit=100_000)


def _override(store: Store, random: Random, made_at: datetime) -> None:
    """Override a symbol at a slot; two of three overrides are ended before they expire, one slot later."""
    symbol = random.choice(SYMBOLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overrides, "database_now", lambda _: made_at)
        make_override(store, symbol, lasting=random.randint(2, 5) * QUARTER, reason="a test")
        if random.random() < 2 / 3:
            patch.setattr(overrides, "database_now", lambda _: made_at + QUARTER)
            write(store, overrides.end_override, "default", symbol, author="bob", reason="over")


def _plainly(
    whole: Sequence[Event], kinds: set[ActivityKind], symbol: str | None, until: datetime, limit: int
) -> list[Event]:
    """The newest of all events that are wanted, with all those of the last one's moment."""
    wanted = [event for event in whole if event.at < until and (not kinds or event.kind in kinds)]
    wanted = [event for event in wanted if symbol is None or event.symbol in (symbol, None)]
    return [event for event in wanted if len(wanted) < limit or event.at >= wanted[limit - 1].at]


@family(
    short=60,
    long=2000,
    kinds=st.sets(st.sampled_from(list(ActivityKind)), max_size=4),
    symbol=st.none() | st.sampled_from(SYMBOLS),
    quarters=st.integers(0, RUNS + 8),
    limit=st.integers(1, 12),
)
def test_a_page_is_the_newest_of_all_events_that_are_wanted(
    busy_store: Store,
    all_events: list[Event],
    kinds: set[ActivityKind],
    symbol: str | None,
    quarters: int,
    limit: int,
) -> None:
    until = SLOT + quarters * QUARTER

    shown = timeline(busy_store, EventFilter(kinds=kinds, symbol=symbol), limit=limit, until=until)

    assert shown == _plainly(all_events, kinds, symbol, until, limit)


def test_the_busy_hours_have_many_events_of_each_kind(all_events: list[Event]) -> None:
    shown = [event.kind for event in all_events]

    made, ended = shown.count(ActivityKind.OVERRIDE_MADE), shown.count(ActivityKind.OVERRIDE_ENDED)
    assert (made, ended + shown.count(ActivityKind.OVERRIDE_EXPIRED)) == (RUNS, RUNS)
    assert min(shown.count(kind) for kind in set(shown)) >= 3
