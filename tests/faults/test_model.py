"""Whatever is done to a store, in whatever order: it is as a plain Python model of it says."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

import storage.write.publish
from policy import TakerBias
from storage.audit import chain
from storage.errors import LeaseLostError, StoreError
from storage.read import policies
from storage.schema.tables import metadata
from storage.store import Store
from storage.write import leases, overrides
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError
from storage.write.overrides import OverrideError
from tests.faults.audit import faults
from tests.faults.broken import use_claim_without_a_look
from tests.support.runs import QUARTER, SLOT, evidence, result
from tests.support.store_calls import read, write
from tests.support.tampering import behind_the_triggers

SLOTS = st.integers(0, 5).map(lambda number: SLOT + number * QUARTER)
OWNERS = st.sampled_from(["host:1", "host:2", "other:1"])
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
LONG, NONE = timedelta(hours=1), timedelta(0)


@dataclass(slots=True)
class Slot:
    """What the model knows of a slot. `is_free` says that its lease has run out."""

    state: str
    owner: str
    fencing_token: int
    is_free: bool


@dataclass(slots=True)
class Model:
    """A store, as a person would keep it on paper."""

    slots: dict[datetime, Slot] = field(default_factory=dict)
    runs: dict[datetime, list[str]] = field(default_factory=dict)
    run_ids: dict[datetime, int] = field(default_factory=dict)
    overrides: list[tuple[int, str]] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    claims: list[Lease] = field(default_factory=list)
    entries: int = 0
    first_left: int = 1

    def current(self, claim: Lease) -> bool:
        slot = self.slots.get(claim.slot)
        return slot is not None and (slot.state, slot.owner, slot.fencing_token) == (
            "running",
            claim.owner,
            claim.fencing_token,
        )

    def newest(self) -> datetime | None:
        return max(self.runs, default=None)

    def in_force(self) -> list[str]:
        newest = self.newest()
        return sorted(self.runs[newest]) if newest else []


def empty(store: Store) -> None:
    """Take everything out of a store that was set up, so that an example need not set up another."""
    with behind_the_triggers(store) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(text(f"delete from {table.name}"))
        connection.execute(text("insert into policy_head values (1, 0, '')"))


class Machine(RuleBasedStateMachine):
    """Claims, publications, failures, missed slots, overrides and prunes, as they come."""

    store: Store
    reset: Callable[[], None]

    @initialize()
    def begin(self) -> None:
        type(self).reset()
        self.model = Model()

    @rule(slot=SLOTS, owner=OWNERS, lease=st.sampled_from([LONG, NONE]), dead_owner=st.none() | OWNERS)
    def claim(self, slot: datetime, owner: str, lease: timedelta, dead_owner: str | None) -> None:
        known = self.model.slots.get(slot)
        if slot in self.model.runs:
            with pytest.raises(SlotPublishedError):
                write(self.store, leases.acquire_lease, "default", slot, owner, lease, dead_owner=dead_owner)
            return
        if known and not (known.is_free or known.owner == dead_owner or known.state == "missed"):
            with pytest.raises(SlotHeldError):
                write(self.store, leases.acquire_lease, "default", slot, owner, lease, dead_owner=dead_owner)
            return
        claim = write(self.store, leases.acquire_lease, "default", slot, owner, lease, dead_owner=dead_owner)
        assert claim.fencing_token == (known.fencing_token + 1 if known else 1)
        self.model.slots[slot] = Slot("running", owner, claim.fencing_token, lease == NONE)
        self.model.claims.append(claim)

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data(), symbols=st.sets(st.sampled_from(SYMBOLS), min_size=1))
    def publish(self, data: st.DataObject, symbols: set[str]) -> None:
        claim = data.draw(st.sampled_from(self.model.claims))
        computed = result([evidence(symbol) for symbol in symbols])
        if not self.model.current(claim):
            with pytest.raises(LeaseLostError):
                self.store.publish(claim, computed)
            return
        run = self.store.publish(claim, computed)
        self.model.entries += 1
        assert (run.run_id, run.slot, run.symbol_count) == (self.model.entries, claim.slot, len(symbols))
        self.model.runs[claim.slot] = sorted(symbols)
        self.model.run_ids[claim.slot] = run.run_id
        self.model.slots[claim.slot].state = "published"

    @precondition(lambda self: self.model.claims)
    @rule(data=st.data(), pause=st.sampled_from([LONG, NONE]))
    def fail(self, data: st.DataObject, pause: timedelta) -> None:
        claim = data.draw(st.sampled_from(self.model.claims))
        is_mine = self.model.current(claim)
        assert write(self.store, leases.record_failure, claim, "broken", pause) is is_mine
        if is_mine:
            self.model.slots[claim.slot].state = "failed"
            self.model.slots[claim.slot].is_free = pause == NONE

    @rule(slots=st.lists(SLOTS, max_size=3))
    def miss(self, slots: list[datetime]) -> None:
        write(self.store, leases.mark_missed, "default", slots)
        for slot in slots:
            self.model.slots.setdefault(slot, Slot("missed", "", 0, True))

    @rule(symbol=st.sampled_from(SYMBOLS))
    def override(self, symbol: str) -> None:
        def make() -> Any:
            return write(
                self.store,
                overrides.make_override,
                "default",
                symbol,
                maker_first=False,
                taker_bias=TakerBias.BALANCED,
                lasting=LONG,
                author="ann",
                reason="venue",
            )

        if symbol not in self.model.in_force():
            with pytest.raises(OverrideError):
                make()
            return
        self.model.entries += 1
        assert make().entry_id == self.model.entries
        self.model.overrides.append((self.model.entries, symbol))
        self.model.made.append(self.model.entries)

    @rule(symbol=st.sampled_from(SYMBOLS))
    def end_override(self, symbol: str) -> None:
        lasting = [override for override in self.model.overrides if override[1] == symbol]
        if not lasting:
            with pytest.raises(OverrideError):
                write(self.store, overrides.end_override, "default", symbol, author="bob", reason="back")
            return
        ended = write(self.store, overrides.end_override, "default", symbol, author="bob", reason="back")
        assert ended.entry_id == lasting[-1][0]
        self.model.overrides.remove(lasting[-1])
        self.model.entries += 1

    @rule(keep=st.sampled_from([LONG, NONE]))
    def prune(self, keep: timedelta) -> None:
        batches = list(self.store.prune(keep))
        newest = self.model.newest()
        stays = [self.model.run_ids[newest]] if newest else []
        stays += self.model.made[:1]  # each lasted until after every slot, ended or not
        old = [slot for slot, run_id in self.model.run_ids.items() if run_id < min(stays, default=0) and keep == NONE]
        assert sum(batch.run_count for batch in batches) == len(old)
        self.model.entries += len(batches)
        for slot in old:
            for known in (self.model.slots, self.model.runs, self.model.run_ids):
                del known[slot]

    @invariant()
    def is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        latest = [policy.snapshot for policy in read(self.store, policies.latest, "default")]
        assert [period.symbol for period in latest] == self.model.in_force()
        assert {period.slot for period in latest} <= {self.model.newest()}
        overridden = {symbol for _, symbol in self.model.overrides}
        assert {period.symbol for period in latest if period.taker_bias == "balanced"} == overridden & set(
            self.model.in_force()
        )
        assert read(self.store, chain.head).entry_id == self.model.entries
        with self.store.reader.connect() as connection:
            counts = connection.execute(text("select state, count(*) from policy_slot group by state")).all()
        expected: dict[str, int] = {}
        for slot in self.model.slots.values():
            expected[slot.state] = expected.get(slot.state, 0) + 1
        assert dict(map(tuple, counts)) == expected

    def teardown(self) -> None:
        if hasattr(self, "model"):
            assert faults(self.store) == []


def play(store: Store, examples: int, steps: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    machine = type("BoundMachine", (Machine,), {"store": store, "reset": staticmethod(lambda: empty(store))})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_store_does_what_the_model_does(store: Store) -> None:
    play(store, examples=20, steps=15)


@pytest.mark.long
def test_a_store_does_what_the_model_does_for_long(store: Store) -> None:
    play(store, examples=200, steps=30)


def with_contexts(failure: BaseException | None) -> Iterator[BaseException]:
    """The failure, and those that it was raised in the handling of, newest first."""
    while failure is not None:
        yield failure
        failure = failure.__context__


def test_a_store_without_a_fence_does_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.write.publish, "_consume_lease", use_claim_without_a_look)

    # Where the store is broken, the verification after the last step fails too and hides the step's own failure.
    with pytest.raises((pytest.fail.Exception, StoreError, AssertionError)) as caught:
        play(store, examples=200, steps=20, phases=[Phase.generate])

    assert any(re.search(r"DID NOT RAISE|(?i:unique)", str(error)) for error in with_contexts(caught.value))
