"""What the store promises, on SQLite and on Postgres alike."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text

from policy import Quality, Regime, TakerBias
from storage.audit.digest import entry_digest
from storage.database.transaction import transaction
from storage.errors import LeaseLostError, SchemaError, StoreError
from storage.read import policies
from storage.records import Origin
from storage.schema.tables import policy_reject, policy_run, policy_run_failure, policy_slot, policy_snapshot
from storage.store import Store
from storage.write import leases
from storage.write.leases import SlotHeldError, SlotPublishedError
from tests.support.runs import LEASE, QUARTER, SLOT, claim, evidence, publish, result
from tests.support.store_calls import read, write


def count(store: Store, table: str) -> int:
    with store.reader.connect() as connection:
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())


def test_a_published_run_reads_back_as_it_was_computed(store: Store) -> None:
    run = publish(store, SLOT, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))

    latest = read(store, policies.latest, "default")
    bitcoin, ether = (policy.snapshot for policy in latest)

    assert (run.run_id, run.scope, run.slot, run.symbol_count, run.event_count) == (1, "default", SLOT, 2, 150)
    assert run.reject_count == 3
    assert latest[0].published_at == run.published_at
    assert (bitcoin.symbol, bitcoin.maker_first, bitcoin.taker_bias) == ("BTCUSDT", False, TakerBias.PREFER_TAKER)
    assert (bitcoin.quality, bitcoin.regime, bitcoin.fallback_ratio) == (Quality.BROKEN, Regime.NORMAL, 0.95)
    assert [(code.code, code.value, code.threshold) for code in bitcoin.codes] == [
        ("fallback_ratio_broken", 0.95, 0.9),
        ("broken_disables_maker", None, None),
        ("regime_normal", 1.0, 1.5),
    ]
    assert (ether.maker_first, ether.taker_bias, ether.quality) == (True, TakerBias.PREFER_MAKER, Quality.GOOD)
    assert (ether.slip_q25, ether.slip_q50, ether.slip_q75) == (-1.25, 0.5, 2.0)
    assert (ether.outcome_count, ether.maker_started_count, ether.slippage_count) == (50, 40, 45)
    assert (ether.expectancy, ether.expectancy_count, ether.bar_count) == (-0.0003, 6, 500)
    assert (ether.run_id, ether.rule_set, ether.bar_age_seconds) == (1, "seed", 300.0)


def test_missing_figures_are_read_back_as_missing(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=None, atr_ratio=None))

    (policy,) = read(store, policies.latest, "default", "BTCUSDT")

    assert policy.snapshot.fallback_ratio is None
    assert policy.snapshot.atr_ratio is None


def test_times_come_back_aware_and_in_utc_whatever_zone_they_were_given_in(store: Store) -> None:
    tokyo = timezone(timedelta(hours=9))

    publish(store, SLOT.astimezone(tokyo))

    policy, _ = read(store, policies.latest, "default")
    assert policy.snapshot.slot == SLOT
    assert policy.snapshot.slot.tzinfo is UTC
    assert policy.published_at.tzinfo is UTC
    with pytest.raises(SlotPublishedError):
        claim(store, SLOT)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="must have a zone"):
        write(store, leases.acquire_lease, "default", SLOT.replace(tzinfo=None), "host:1", LEASE)


def test_stored_times_compare_and_sort_in_plain_sql(store: Store) -> None:
    later = SLOT + timedelta(microseconds=500)
    for slot in (later, SLOT, SLOT - QUARTER):
        publish(store, slot)

    with store.reader.connect() as connection:
        ordered = connection.execute(select(policy_run.c.slot).order_by(policy_run.c.slot)).scalars().all()
        at_or_after = connection.execute(
            text("select count(*) from policy_run where slot >= '2026-04-26 00:15:00'")
        ).scalar_one()

    assert ordered == [SLOT - QUARTER, SLOT, later]
    assert at_or_after == 2


def test_a_slot_is_published_once(store: Store) -> None:
    publish(store)

    with pytest.raises(SlotPublishedError, match="as run 1") as refused:
        publish(store)

    assert refused.value.run_id == 1
    assert count(store, "policy_run") == 1


def test_the_same_slot_of_another_scope_is_another_run(store: Store) -> None:
    publish(store, SLOT, scope="live")
    publish(store, SLOT, evidence("SOLUSDT"), scope="paper")

    assert [policy.symbol for policy in read(store, policies.latest, "live")] == ["BTCUSDT", "ETHUSDT"]
    assert [policy.symbol for policy in read(store, policies.latest, "paper")] == ["SOLUSDT"]
    assert read(store, policies.latest, "other") == []


def test_the_latest_is_of_the_newest_slot_not_of_the_last_publication(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=0.95))
    publish(store, SLOT - QUARTER, evidence("BTCUSDT"), origin=Origin.BACKFILL)

    (policy,) = read(store, policies.latest, "default")

    assert (policy.snapshot.slot, policy.snapshot.quality) == (SLOT, Quality.BROKEN)


def test_history_is_in_order_of_slots_and_each_policy_is_valid_until_the_next(store: Store) -> None:
    for offset in (0, 2, 1):
        publish(store, SLOT + offset * QUARTER)

    periods = read(store, policies.history, "default", "BTCUSDT")

    assert [(period.valid_from, period.valid_to) for period in periods] == [
        (SLOT, SLOT + QUARTER),
        (SLOT + QUARTER, SLOT + 2 * QUARTER),
        (SLOT + 2 * QUARTER, None),
    ]


def test_history_since_is_inclusive_and_until_exclusive(store: Store) -> None:
    for offset in range(4):
        publish(store, SLOT + offset * QUARTER)

    periods = read(store, policies.history, "default", "BTCUSDT", since=SLOT + QUARTER, until=SLOT + 3 * QUARTER)

    assert [period.policy.snapshot.slot for period in periods] == [SLOT + QUARTER, SLOT + 2 * QUARTER]


def test_changes_show_only_what_changed_and_what_it_was_before(store: Store) -> None:
    for offset, fallback in enumerate((0.1, 0.1, 0.95, 0.95, 0.1)):
        publish(store, SLOT + offset * QUARTER, evidence("BTCUSDT", fallback=fallback), evidence("ETHUSDT"))

    with store.reader.connect() as connection:
        changes = connection.execute(
            text(
                "select symbol, quality, previous_quality, maker_first, previous_maker_first from policy_change "
                "order by slot"
            )
        ).all()

    assert [tuple(row) for row in changes] == [
        ("BTCUSDT", "broken", "good", False, True),
        ("BTCUSDT", "good", "broken", True, False),
    ]


def test_symbols_with_a_policy_before_a_slot_are_those_of_the_run_before_it(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"))
    publish(store, SLOT + QUARTER, evidence("ETHUSDT"))

    assert read(store, policies.symbols_before, "default", SLOT) == []
    assert read(store, policies.symbols_before, "default", SLOT + QUARTER) == ["BTCUSDT"]
    assert read(store, policies.symbols_before, "default", SLOT + 2 * QUARTER) == ["ETHUSDT"]


def test_a_slot_that_is_held_is_refused_with_the_name_of_its_holder(store: Store) -> None:
    claim(store, owner="first:1")

    with pytest.raises(SlotHeldError, match="held by first:1 until") as refused:
        claim(store, owner="second:2")

    assert refused.value.owner == "first:1"
    assert refused.value.lease_until_at > store.now()


def test_a_lease_that_has_run_out_is_taken_over_and_the_late_holder_is_refused(store: Store) -> None:
    late = write(store, leases.acquire_lease, "default", SLOT, "late:1", timedelta(0))
    quick = claim(store, owner="quick:2")

    with pytest.raises(LeaseLostError, match="taken it over"):
        store.publish(late, result([evidence("LATE")]))
    run = store.publish(quick, result([evidence("QUICK")]))

    assert (late.fencing_token, quick.fencing_token) == (1, 2)
    assert run.run_id == 1
    assert [policy.symbol for policy in read(store, policies.latest, "default")] == ["QUICK"]
    assert count(store, "policy_snapshot") == 1


def test_a_slot_of_a_dead_holder_is_taken_over_before_its_lease_ends(store: Store) -> None:
    claim(store, owner="dead:1")

    taken = write(store, leases.acquire_lease, "default", SLOT, "alive:2", LEASE, dead_owner="dead:1")

    assert (taken.owner, taken.fencing_token) == ("alive:2", 2)


def test_a_failure_is_recorded_and_the_slot_may_be_tried_again_after_the_pause(store: Store) -> None:
    first = claim(store, owner="first:1")

    assert write(store, leases.record_failure, first, "orders.path: no file matches", timedelta(0)) is True

    again = claim(store, owner="second:2")
    store.publish(again, result([evidence("BTCUSDT")]))
    with store.reader.connect() as connection:
        failures = connection.execute(select(policy_run_failure)).mappings().all()
        state = connection.execute(select(policy_slot.c.state)).scalar_one()
    assert [(row["slot"], row["owner"], row["error"]) for row in failures] == [
        (SLOT, "first:1", "orders.path: no file matches")
    ]
    assert state == "published"


def test_a_failed_slot_is_refused_until_the_pause_is_over(store: Store) -> None:
    write(store, leases.record_failure, claim(store, owner="first:1"), "broken", timedelta(hours=1))

    with pytest.raises(SlotHeldError):
        claim(store, owner="second:2")


def test_a_lost_claim_records_no_failure(store: Store) -> None:
    lost = write(store, leases.acquire_lease, "default", SLOT, "lost:1", timedelta(0))
    claim(store, owner="holder:2")

    assert write(store, leases.record_failure, lost, "too late", timedelta(0)) is False

    assert count(store, "policy_run_failure") == 0


def test_missed_slots_are_recorded_once_and_can_be_claimed(store: Store) -> None:
    publish(store, SLOT)

    write(store, leases.mark_missed, "default", [SLOT, SLOT + QUARTER])
    write(store, leases.mark_missed, "default", [SLOT, SLOT + QUARTER])

    with store.reader.connect() as connection:
        states = {row.slot: row.state for row in connection.execute(select(policy_slot))}
    assert states == {SLOT: "published", SLOT + QUARTER: "missed"}
    assert claim(store, SLOT + QUARTER).fencing_token == 1


def test_each_run_carries_the_digest_of_the_run_before_across_scopes(store: Store) -> None:
    first = publish(store, SLOT, scope="live")
    second = publish(store, SLOT, scope="paper")
    third = publish(store, SLOT + QUARTER, scope="live")

    assert [run.run_id for run in (first, second, third)] == [1, 2, 3]
    assert first.previous_digest == ""
    assert second.previous_digest == first.digest
    assert third.previous_digest == second.digest


def test_a_digest_can_be_computed_again_from_what_is_stored(store: Store) -> None:
    run = publish(store)

    with store.reader.connect() as connection:
        stored = connection.execute(select(policy_run)).one()
        snapshots = connection.execute(select(policy_snapshot).order_by(policy_snapshot.c.symbol)).all()
        rejects = connection.execute(select(policy_reject)).all()

    def digest(rows: Sequence[Sequence[object]]) -> str:
        return entry_digest(policy_run, stored, rows, rejects)

    slip_q50 = list(policy_snapshot.c).index(policy_snapshot.c.slip_q50)
    changed = [[*row[:slip_q50], 0.500000001, *row[slip_q50 + 1 :]] for row in snapshots]
    assert digest(snapshots) == run.digest
    assert digest(changed) != run.digest


def test_a_run_that_cannot_be_written_whole_leaves_nothing(store: Store) -> None:
    twice = result([evidence("BTCUSDT"), evidence("BTCUSDT")])
    held = claim(store)

    with pytest.raises(StoreError):
        store.publish(held, twice)

    assert (count(store, "policy_run"), count(store, "policy_snapshot"), count(store, "policy_reject")) == (0, 0, 0)
    assert store.publish(held, result([evidence("BTCUSDT")])).run_id == 1


def test_an_infinite_figure_cannot_be_stored(store: Store) -> None:
    with pytest.raises((StoreError, ValueError)):
        publish(store, SLOT, evidence("BTCUSDT", fallback=float("inf")))

    assert count(store, "policy_run") == 0


def test_a_database_that_was_not_set_up_says_what_to_run(store_url: str) -> None:
    with Store(store_url) as bare, transaction(bare.writer):
        pass
    with Store(store_url) as bare, pytest.raises(SchemaError, match="router-policy init"):
        read(bare, policies.latest, "default")


def test_setting_up_an_empty_database_happens_once_and_a_newer_schema_is_refused(store_url: str) -> None:
    with Store(store_url) as fresh:
        fresh.ensure_set_up()
        fresh.ensure_set_up()
        assert read(fresh, policies.latest, "default") == []
        with transaction(fresh.writer) as connection:
            connection.execute(text("update policy_schema_version set version_num = '9999'"))
        with pytest.raises(SchemaError, match="schema version 9999"):
            fresh.ensure_set_up()


def test_the_clock_is_the_databases_and_in_utc(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    now = store.now()

    assert now.tzinfo is UTC
    assert before - timedelta(milliseconds=1) <= now <= datetime.now(UTC) + timedelta(milliseconds=1)
