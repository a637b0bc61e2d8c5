"""A history that can be trusted: nothing changes once published, and what was in force at any time can be told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from policy import Quality, TakerBias
from storage.audit import chain
from storage.audit.difference import TamperedError
from storage.database.transaction import database_now
from storage.read import overrides as read_overrides
from storage.read import policies
from storage.schema.tables import policy_run, policy_slot
from storage.store import Store
from storage.write import leases, overrides, prune
from storage.write.overrides import OverrideError
from tests.support.runs import QUARTER, SLOT, claim, evidence, make_override, publish
from tests.support.store_calls import read, write
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

HOUR = timedelta(hours=1)
PUBLISHED = {
    "policy_run": "event_count = 1",
    "policy_snapshot": "slip_q50 = 1",
    "policy_reject": "reject_count = 1",
    "policy_rule_set": "version = 9",
    "policy_run_failure": "error = ''",
    "policy_override": "maker_first = maker_first",
    "policy_override_end": "reason = ''",
    "policy_prune": "run_count = 0",
}


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.reader.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def fill(store: Store) -> None:
    """Put a row into every append-only table."""
    publish(store, SLOT)
    write(store, leases.record_failure, claim(store, SLOT + QUARTER), "broken", timedelta(0))
    override(store, "BTCUSDT")
    write(store, overrides.end_override, "default", "BTCUSDT", author="me", reason="over")
    with store.writer.begin() as connection:
        connection.execute(
            text("insert into policy_prune values (99, 0, 'x', 0, '2026-01-01 00:00:00', 'x', 'y', null)")
        )


@pytest.fixture(scope="module")
def filled(module_store: Store) -> Store:
    """A store with a row in every append-only table, which no test changes."""
    fill(module_store)
    return module_store


def override(store: Store, symbol: str, *, maker_first: bool = False, lasting: timedelta = HOUR) -> int:
    return make_override(store, symbol, maker_first=maker_first, lasting=lasting).entry_id


def walked(store: Store, anchor: str | None = None) -> tuple[int, int]:
    *_, last = store.verify(anchor)
    return last.run_count, last.snapshot_count


@pytest.mark.parametrize("table", PUBLISHED)
def test_a_published_row_cannot_be_updated(filled: Store, table: str) -> None:
    with filled.writer.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
        connection.execute(text(f"update {table} set {PUBLISHED[table]}"))


@pytest.mark.parametrize("table", PUBLISHED)
def test_a_published_row_cannot_be_deleted(filled: Store, table: str) -> None:
    with filled.writer.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
        connection.execute(text(f"delete from {table}"))


@pytest.mark.parametrize("table", ["policy_run", "policy_snapshot", "policy_reject", "policy_override"])
def test_a_published_row_cannot_be_replaced(filled: Store, table: str) -> None:
    verb = "insert or replace into" if filled.url.get_backend_name() == "sqlite" else "insert into"

    with filled.writer.connect() as connection, pytest.raises(DatabaseError):
        connection.execute(text(f"{verb} {table} select * from {table}"))


def test_a_table_cannot_be_emptied_on_postgres(filled: Store) -> None:
    if filled.url.get_backend_name() != "postgresql":
        assert rows(filled, "select count(*) from policy_run") == [(1,)]
        return
    for table in PUBLISHED:
        with filled.writer.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(f"truncate {table} cascade"))


def test_survivors_are_part_of_the_evidence_that_a_decision_is_derived_from(store: Store) -> None:
    healthy = evidence("BTCUSDT")
    survivors = replace(healthy, effectiveness=replace(healthy.effectiveness, survivor_count=30))
    publish(store, SLOT, survivors)
    (policy,) = read(store, policies.latest, "default")

    assert (policy.snapshot.quality, policy.snapshot.survivor_count) == (Quality.OK, 30)
    assert walked(store) == (1, 1)
    with behind_the_triggers(store) as connection:
        connection.execute(text("update policy_snapshot set survivor_count = null"))
    with pytest.raises(TamperedError):
        walked(store)


def test_an_untouched_history_verifies_to_its_head(store: Store) -> None:
    first = publish(store, SLOT)
    override(store, "BTCUSDT")
    publish(store, SLOT + QUARTER, evidence("BTCUSDT", fallback=None), evidence("SOLUSDT", atr_ratio=3.0))

    *_, last = store.verify()

    assert (last.run_count, last.snapshot_count, last.entry_id) == (2, 4, 3)
    assert last.digest == read(store, chain.head).digest
    assert walked(store, anchor=first.digest) == (2, 4)
    assert walked(store, anchor=last.digest) == (2, 4)


def test_an_empty_store_verifies(store: Store) -> None:
    assert walked(store) == (0, 0)


def test_a_changed_decision_is_named_with_what_it_should_be(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))
    with behind_the_triggers(store) as connection:
        connection.execute(text("update policy_snapshot set quality = 'good' where symbol = 'BTCUSDT'"))

    with pytest.raises(TamperedError) as caught:
        walked(store)

    difference = caught.value.difference
    assert (difference.entry, difference.symbol, difference.field) == ("run 1", "BTCUSDT", "quality")
    assert (difference.stored, difference.derived) == ("good", "broken")


@pytest.mark.parametrize(
    "change",
    [
        "update policy_snapshot set slip_q25 = slip_q25 + 0.000000001 where symbol = 'ETHUSDT'",
        "update policy_snapshot set run_id = 77 where symbol = 'ETHUSDT' and run_id = 1",
        "delete from policy_snapshot where symbol = 'ETHUSDT'",
        "update policy_run set published_at = '2026-01-01 00:00:00'",
        "update policy_run set previous_digest = 'x' where run_id = 1",
        "update policy_reject set sample = 'elsewhere'",
        "delete from policy_reject",
        "update policy_rule_set set parameters = replace(parameters, '0.9', '0.8')",
        "update policy_override set reason = 'another'",
        "delete from policy_override",
        "update policy_head set digest = 'x'",
        "insert into policy_scope values ('intruder')",
        "insert into policy_reject values (77, 'orders', 'x', 1, 'x')",
        "update policy_slot set state = 'failed'",
    ],
)
def test_any_change_behind_the_triggers_is_found(store: Store, change: str) -> None:
    publish(store, SLOT)
    override(store, "BTCUSDT")
    publish(store, SLOT + QUARTER)
    with behind_the_triggers(store) as connection:
        connection.execute(text(change))

    with pytest.raises(TamperedError):
        walked(store)


def test_a_figure_that_was_not_measured_and_became_infinite_is_found(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=None), evidence("ETHUSDT"))
    with behind_the_triggers(store) as connection:
        on_postgres = connection.dialect.name == "postgresql"
        check = "ck_policy_snapshot_fallback_ratio_finite"
        lift = (
            f"alter table policy_snapshot drop constraint {check}"
            if on_postgres
            else "pragma ignore_check_constraints=1"
        )
        connection.execute(text(lift))
        infinity = "'infinity'" if on_postgres else "9e999"
        connection.execute(text(f"update policy_snapshot set fallback_ratio = {infinity} where symbol = 'BTCUSDT'"))

    with pytest.raises(TamperedError) as caught:
        walked(store)

    assert (caught.value.difference.symbol, caught.value.difference.field) == ("BTCUSDT", "fallback_ratio")


def test_rows_put_in_front_of_the_anchor_of_a_prune_are_found(store: Store) -> None:
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)
    with store.reader.connect() as connection:
        kept = connection.execute(policy_run.select().where(policy_run.c.run_id == 1)).one()
    assert [pruned.run_count for pruned in store.prune(timedelta(0))] == [1]
    with behind_the_triggers(store) as connection:
        connection.execute(policy_run.insert().values(**dict(zip(kept._fields, kept, strict=True), run_id=-5)))
        slot = {
            "scope": "default",
            "slot": SLOT,
            "state": "published",
            "owner": "",
            "fencing_token": 1,
            "lease_until_at": SLOT,
        }
        connection.execute(policy_slot.insert().values(**slot))

    with pytest.raises(TamperedError, match="run -5"):
        walked(store)


def test_a_tail_that_was_cut_off_is_found_with_the_anchor_only(store: Store) -> None:
    first = publish(store, SLOT)
    second = publish(store, SLOT + QUARTER)
    with behind_the_triggers(store) as connection:
        for table in ("policy_snapshot", "policy_reject", "policy_run"):
            connection.execute(text(f"delete from {table} where run_id = 2"))
        connection.execute(text("update policy_head set entry_id = 1, digest = :digest"), {"digest": first.digest})
        connection.execute(text("delete from policy_slot where slot > '2026-04-26 00:20:00'"))

    assert walked(store) == (1, 2)
    with pytest.raises(TamperedError, match="anchor"):
        walked(store, anchor=second.digest)


def test_an_override_is_in_force_at_once_and_shows_both_decisions(store: Store) -> None:
    publish(store, SLOT)

    override(store, "BTCUSDT")

    latest = "select symbol, maker_first, computed_maker_first, taker_bias, computed_taker_bias, override_author"
    bitcoin, ether = rows(store, f"{latest} from policy_latest order by symbol")
    assert bitcoin == ("BTCUSDT", False, True, "prefer_taker", "prefer_maker", "ann")
    assert ether == ("ETHUSDT", True, True, "prefer_maker", "prefer_maker", None)
    (policy,) = read(store, policies.latest, "default", "BTCUSDT")
    assert (policy.snapshot.maker_first, policy.snapshot.taker_bias) == (False, TakerBias.PREFER_TAKER)


def test_an_override_stays_in_force_over_a_new_run(store: Store) -> None:
    publish(store, SLOT)
    override(store, "BTCUSDT")

    publish(store, SLOT + QUARTER)

    assert rows(store, "select maker_first, computed_maker_first from policy_latest where symbol = 'BTCUSDT'") == [
        (False, True)
    ]


def test_an_override_expires_by_itself(store: Store) -> None:
    publish(store, SLOT)

    override(store, "BTCUSDT", lasting=timedelta(microseconds=1))

    assert rows(store, "select maker_first, override_id from policy_latest where symbol = 'BTCUSDT'") == [(True, None)]


def test_an_override_that_was_ended_early_is_no_longer_in_force(store: Store) -> None:
    publish(store, SLOT)
    override(store, "BTCUSDT")

    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="venue is back")

    assert rows(store, "select maker_first from policy_latest where symbol = 'BTCUSDT'") == [(True,)]
    assert read(store, read_overrides.overrides_at, "default", store.now()) == []


def test_of_two_overrides_the_later_counts_and_the_earlier_returns_when_it_ends(store: Store) -> None:
    publish(store, SLOT)
    first = override(store, "BTCUSDT")
    second = override(store, "BTCUSDT", maker_first=True)

    in_force = "select override_id from policy_latest where symbol = 'BTCUSDT'"
    assert rows(store, in_force) == [(second,)]
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="enough")
    assert rows(store, in_force) == [(first,)]


def test_an_override_needs_a_policy_an_author_and_a_reason(store: Store) -> None:
    publish(store, SLOT)

    with pytest.raises(OverrideError, match="'NOPE' has no policy"):
        make_override(store, "NOPE")
    with pytest.raises(OverrideError, match="author and a reason"):
        make_override(store, author=" ")
    with pytest.raises(OverrideError, match="no override is in force"):
        write(store, overrides.end_override, "default", "BTCUSDT", author="ann", reason="x")
    assert walked(store) == (1, 2)


def test_history_neither_overlaps_nor_leaves_holes_across_runs_and_overrides(store: Store) -> None:
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)
    override(store, "BTCUSDT")
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="back")
    override(store, "BTCUSDT", maker_first=True)

    history = rows(
        store,
        "select valid_from, valid_to, override_id, maker_first from policy_history "
        "where scope = 'default' and symbol = 'BTCUSDT' order by valid_from",
    )

    ends = [row[1] for row in history]
    assert ends[:-1] == [row[0] for row in history[1:]]
    assert ends[-1] is None
    assert [(row[2], bool(row[3])) for row in history] == [
        (None, True),
        (None, True),
        (3, False),
        (None, True),
        (5, True),
    ]


def test_gaps_show_missed_failed_and_abandoned_slots_and_no_others(store: Store) -> None:
    publish(store, SLOT)
    write(store, leases.mark_missed, "default", [SLOT + QUARTER])
    write(store, leases.record_failure, claim(store, SLOT + 2 * QUARTER), "no file matches", timedelta(0))
    write(store, leases.acquire_lease, "default", SLOT + 3 * QUARTER, "gone:1", timedelta(0))
    claim(store, SLOT + 4 * QUARTER)

    gaps = rows(store, "select state, failure_count, last_error from policy_gap order by slot")

    assert gaps == [("missed", 0, None), ("failed", 1, "no file matches"), ("abandoned", 0, None)]


def test_pruning_keeps_a_chain_that_verifies_and_the_newest_run_of_each_scope(store: Store) -> None:
    for number in range(5):
        publish(store, SLOT + number * QUARTER)
    last = publish(store, SLOT + 5 * QUARTER)

    batches = list(store.prune(timedelta(0)))

    assert [(batch.run_count, batch.through_entry_id) for batch in batches] == [(5, 5)]
    assert rows(store, "select run_id from policy_run") == [(6,)]
    assert rows(store, "select count(*) from policy_snapshot") == [(2,)]
    assert rows(store, "select count(*) from policy_slot") == [(1,)]
    assert walked(store, anchor=last.digest) == (1, 2)
    assert publish(store, SLOT + 6 * QUARTER).run_id == 8
    assert walked(store) == (2, 4)


def test_pruning_again_goes_on_from_the_anchor_before(store: Store) -> None:
    for number in range(3):
        publish(store, SLOT + number * QUARTER)
    list(store.prune(timedelta(0)))
    publish(store, SLOT + 3 * QUARTER)

    batches = list(store.prune(timedelta(0)))

    assert [(batch.run_count, batch.through_entry_id) for batch in batches] == [(1, 3)]
    assert walked(store) == (1, 2)


def test_what_is_young_enough_is_kept(store: Store) -> None:
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)

    assert list(store.prune(HOUR)) == []
    assert walked(store) == (2, 4)


def test_an_override_that_still_lasts_is_not_pruned(store: Store) -> None:
    publish(store, SLOT)
    override(store, "BTCUSDT")
    publish(store, SLOT + QUARTER)

    list(store.prune(timedelta(0)))

    assert rows(store, "select run_id from policy_run") == [(3,)]
    assert rows(store, "select override_id from policy_latest where symbol = 'BTCUSDT'") == [(2,)]
    assert walked(store) == (1, 2)


def publish_by_the_clock(store: Store, *hours: int) -> None:
    """Publish a slot so many hours from now, each: overrides go by the clock, so a slot ahead begins after they end."""
    for number in hours:
        publish(store, store.now().replace(microsecond=0) + number * HOUR, evidence("BTCUSDT"))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune two hours later, when what was made for an hour would have ended by itself."""
    monkeypatch.setattr(prune, "database_now", lambda connection: database_now(connection) + 2 * HOUR)


def test_an_override_goes_with_the_runs_that_it_was_in_force_over(store: Store) -> None:
    publish_by_the_clock(store, -2)
    override(store, "BTCUSDT", lasting=timedelta(microseconds=1))
    override(store, "BTCUSDT")
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="venue is back")
    publish_by_the_clock(store, 1, 2)

    batches = list(store.prune(timedelta(0)))

    assert [(batch.run_count, batch.through_entry_id) for batch in batches] == [(2, 5)]
    assert rows(store, "select count(*) from policy_override") == [(0,)]
    assert rows(store, "select count(*) from policy_override_end") == [(0,)]
    assert walked(store) == (1, 1)


@pytest.mark.usefixtures("later")
def test_a_batch_that_would_part_an_override_from_its_end_takes_both(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "RUNS_AT_ONCE", 2)
    publish_by_the_clock(store, -9)  # entry 1
    override(store, "BTCUSDT")  # entry 2
    publish_by_the_clock(store, 1, 2)  # entries 3 and 4
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="venue is back")  # entry 5
    publish_by_the_clock(store, 3, 4, 5)  # entries 6 to 8

    batches = list(store.prune(timedelta(0)))

    assert [(batch.run_count, batch.through_entry_id) for batch in batches] == [(4, 6), (1, 7)]
    assert walked(store) == (1, 1)


@pytest.mark.usefixtures("later")
def test_an_override_whose_end_is_among_what_stays_is_not_pruned(store: Store) -> None:
    publish_by_the_clock(store, -2)  # entry 1
    override(store, "BTCUSDT")  # entry 2
    publish_by_the_clock(store, 1)  # entry 3
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="venue is back")  # entry 4
    publish_by_the_clock(store, 2)  # entry 5

    assert [(batch.run_count, batch.through_entry_id) for batch in store.prune(timedelta(0))] == [(1, 1)]
    assert walked(store) == (2, 2)


def test_pruning_leaves_what_was_in_force_in_the_slots_that_stay(store: Store) -> None:
    publish_by_the_clock(store, -9)
    override(store, "BTCUSDT", lasting=timedelta(microseconds=1))
    publish_by_the_clock(store, -3, -1)  # the override began after this slot, so it is a part of its history
    in_force = "select valid_from, valid_to, override_id, maker_first from policy_history where run_id = 4 order by 1"
    before = rows(store, in_force)

    batches = list(store.prune(timedelta(0)))

    assert [row[2] for row in before] == [None, 2, None]
    assert [batch.through_entry_id for batch in batches] == [1]
    assert rows(store, in_force) == before
    assert walked(store) == (2, 2)


def test_an_override_of_another_scope_lasts_by_the_slots_of_that_scope(store: Store) -> None:
    publish_by_the_clock(store, -9)
    override(store, "BTCUSDT", lasting=timedelta(microseconds=1))
    publish_by_the_clock(store, 1)
    publish(store, SLOT, scope="paper")  # long before the override, but of another book
    publish_by_the_clock(store, 2)

    assert [(batch.run_count, batch.through_entry_id) for batch in store.prune(timedelta(0))] == [(2, 3)]


def test_only_what_a_prune_covers_can_be_deleted(store: Store) -> None:
    for number in range(3):
        publish(store, SLOT + number * QUARTER)
    list(store.prune(timedelta(0)))

    with store.writer.connect() as connection, pytest.raises(DatabaseError, match="router-policy prune"):
        connection.execute(text("delete from policy_snapshot"))
