"""What a prune would remove, as it is stated before anybody is asked."""

from datetime import timedelta

import pytest

from storage.store import Store
from storage.write.prune import prunable
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.store_calls import read


def publish_slots(store: Store, first: int, count: int) -> None:
    for number in range(first, first + count):
        publish(store, SLOT + number * QUARTER, evidence("BTCUSDT"))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_is_stated_is_what_is_removed(store: Store, count: int) -> None:
    publish_slots(store, 0, count)

    stated = read(store, prunable, timedelta(0))
    removed = sum(batch.run_count for batch in store.prune(timedelta(0)))

    assert removed == count - 1  # the newest stays
    assert (stated.run_count if stated is not None else 0) == removed


def test_what_became_old_enough_after_the_question_stays(store: Store) -> None:
    publish_slots(store, 0, 3)
    stated = read(store, prunable, timedelta(0))
    publish_slots(store, 3, 3)

    assert stated is not None
    assert sum(batch.run_count for batch in store.prune(timedelta(0), stated.through_entry_id)) == 2
    assert read(store, prunable, timedelta(0)) is not None


def test_nothing_is_stated_if_nothing_is_old_enough(store: Store) -> None:
    publish_slots(store, 0, 3)

    assert read(store, prunable, timedelta(days=1)) is None
