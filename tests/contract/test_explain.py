"""An explanation is of one state of the store, whatever is removed while it is read."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event

from jobs.analysis.explain import Explanation, explain_policy
from storage.store import Store
from tests.faults.broken import commit_each_statement
from tests.support.shadowed_history import HOUR, MIDNIGHT, publish_shadowed_history

AT = MIDNIGHT + 3.5 * HOUR


def explain_bitcoin(store: Store) -> Explanation:
    explanation = explain_policy(store, "default", "BTCUSDT", AT)
    assert explanation is not None
    return explanation


def explain_while_pruned(store: Store, store_url: str) -> Explanation:
    """Explain, and remove all runs but the newest from another connection after the first read."""
    reads: list[str] = []

    @event.listens_for(store.reader, "after_cursor_execute")
    def prune_once(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if statement == "BEGIN":  # a snapshot begins with the first read
            return
        reads.append(statement)
        if len(reads) == 1:
            with Store(store_url) as other:
                list(other.prune(timedelta(0)))

    explanation = explain_bitcoin(store)
    event.remove(store.reader, "after_cursor_execute", prune_once)
    assert len(reads) > 1
    return explanation


def test_an_explanation_has_the_period_the_rules_the_shadow_and_the_last_change(store: Store) -> None:
    publish_shadowed_history(store, until_hour=3)

    explanation = explain_bitcoin(store)

    assert explanation.period.policy.snapshot.run_id == 4
    assert (explanation.period.valid_from, explanation.period.valid_to) == (MIDNIGHT + 3 * HOUR, None)
    assert explanation.checks[0].holds is True
    assert explanation.breaker is None
    assert explanation.last_change is not None
    assert explanation.last_change.slot == MIDNIGHT + 2 * HOUR
    assert opening_reasons(explanation) == [True]


def test_without_a_policy_there_is_no_explanation(store: Store) -> None:
    publish_shadowed_history(store, until_hour=0)

    assert explain_policy(store, "default", "BTCUSDT", MIDNIGHT - HOUR) is None
    assert explain_policy(store, "default", "NOPE", AT) is None


def test_a_prune_in_between_two_reads_does_not_show_in_the_explanation(store: Store, store_url: str) -> None:
    publish_shadowed_history(store, until_hour=3)
    before = explain_bitcoin(store)

    meanwhile = explain_while_pruned(store, store_url)

    after = explain_bitcoin(store)
    assert meanwhile == before
    assert meanwhile != after
    assert (after.last_change, opening_reasons(after)) == (None, [False])


def test_with_a_transaction_for_each_read_it_mixes_two_states(store: Store, store_url: str) -> None:
    publish_shadowed_history(store, until_hour=3)
    before = explain_bitcoin(store)
    commit_each_statement(store.reader)

    meanwhile = explain_while_pruned(store, store_url)

    assert meanwhile.period == before.period
    assert meanwhile.last_change != before.last_change
    assert meanwhile != before


def opening_reasons(explanation: Explanation) -> list[bool]:
    """Whether the reason of each opening of the shadow's breaker is still there."""
    (shadow,) = explanation.shadows
    assert shadow.breaker is not None
    return [opening.reason is not None for opening in shadow.breaker.openings]
