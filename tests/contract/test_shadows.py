"""Rule sets with state in the store: what they remember, what shadows decided, and that both are under the chain."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Table, select, text

from policy.fee_gap import FeeGap
from policy.rules import Judgement, State, rule_set
from policy.streaks import Streak, Streaks
from storage.audit.difference import TamperedError
from storage.read import breaker_states, policies
from storage.records import PublishedRun, RunResult
from storage.schema.tables import policy_breaker, policy_shadow
from storage.store import Store
from storage.write import overrides
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish, result
from tests.support.store_calls import read, write
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

BREAKER = rule_set("breaker1")
CALM = rule_set("breaker1:calm", {"low_variance": True})
STEADY = Streak(start_count=40, miss_count=2)
MISSES = replace(STEADY, miss_streak=6)


def judged(
    rules: str, own: Streak, before: State | None = None, slot_number: int = 0, symbol: str = "BTCUSDT"
) -> Judgement:
    seen = replace(
        evidence(symbol),
        fee_gap=FeeGap(gap_bps=3.0, is_one_tick=True),
        streaks=Streaks(as_of=SLOT + slot_number * QUARTER, own=own, reject_streak=1, pool=STEADY),
    )
    return rule_set(rules, {"low_variance": True} if rules == CALM.name else None).decide_with_state(seen, before)


def shadowed(own: Streak, before: State | None = None, number: int = 0) -> RunResult:
    """A run whose seed decides, with the breaker and a variant of it in its shadow."""
    shadows = tuple((rules, (judged(rules.name, own, before, number),)) for rules in (BREAKER, CALM))
    return replace(result([evidence("BTCUSDT")]), shadows=shadows)


def live(own: Streak, before: State | None = None, number: int = 0) -> RunResult:
    """A run whose breaker decides, with the seed in its shadow."""
    judgement = judged("breaker1", own, before, number)
    seed = rule_set("seed")
    return replace(
        result([evidence("BTCUSDT")]),
        rule_set=BREAKER,
        decisions=((judgement.evidence, judgement.decision),),
        judgements=(judgement,),
        shadows=((seed, (seed.decide_with_state(judgement.evidence, None),)),),
    )


def put(store: Store, computed: RunResult, number: int = 0) -> PublishedRun:
    return store.publish(claim(store, SLOT + number * QUARTER), computed)


def test_a_shadow_decides_beside_the_live_rule_set_and_readers_see_the_live_one(store: Store) -> None:
    put(store, shadowed(MISSES))

    (latest,) = (policy.snapshot for policy in read(store, policies.latest, "default"))
    with store.reader.connect() as connection:
        rows = connection.execute(select(policy_shadow).order_by(policy_shadow.c.rule_set)).all()

    assert (latest.rule_set, latest.maker_first, latest.probe_every) == ("seed", True, None)
    assert [(row.rule_set, row.maker_first, row.probe_every) for row in rows] == [
        ("breaker1", False, 5),
        ("breaker1:calm", False, 5),
    ]


def test_what_a_rule_set_remembers_is_there_for_the_next_run_whether_it_is_live_or_not(store: Store) -> None:
    put(store, shadowed(MISSES))
    names = ["breaker1", "breaker1:calm", "breaker1:other"]
    first = read(store, breaker_states.states_before, "default", SLOT + QUARTER, names)
    put(store, live(MISSES, first["breaker1"]["BTCUSDT"], 1), 1)
    publish(store, SLOT + 2 * QUARTER)
    second = read(store, breaker_states.states_before, "default", SLOT + 3 * QUARTER, ["breaker1"])

    assert read(store, breaker_states.states_before, "default", SLOT, ["breaker1"]) == {"breaker1": {}}
    assert read(store, breaker_states.states_before, "other", SLOT + QUARTER, ["breaker1"]) == {"breaker1": {}}
    assert first["breaker1"]["BTCUSDT"].own.opened_at == SLOT
    assert first["breaker1"] == first["breaker1:calm"]
    assert first["breaker1:other"] == {}
    assert second["breaker1"]["BTCUSDT"].own.opened_at == SLOT
    (latest,) = (policy.snapshot for policy in read(store, policies.latest, "default", "BTCUSDT"))
    assert latest.rule_set == "seed"


def test_probes_are_in_force_unless_a_person_decided_otherwise(store: Store) -> None:
    put(store, live(MISSES))

    def in_force() -> tuple[object, ...]:
        with store.reader.connect() as connection:
            row = connection.execute(text("select maker_first, probe_every from policy_latest")).one()
            past = connection.execute(
                text("select maker_first, probe_every from policy_history order by valid_from desc limit 1")
            ).one()
        assert tuple(row) == tuple(past)
        return tuple(row)

    assert in_force() == (False, 5)
    write(store, overrides.make_override,
        "default", "BTCUSDT", maker_first=False, taker_bias=rule_set("seed").decide(evidence("X")).policy.taker_bias,
        lasting=timedelta(hours=1), author="ann", reason="venue",
    )  # fmt: skip
    assert in_force() == (False, None)


def test_a_history_with_shadows_verifies_and_survives_a_prune(store: Store) -> None:
    put(store, shadowed(STEADY))
    put(store, shadowed(MISSES, State(), 1), 1)
    put(store, live(replace(STEADY, probe_filled_count=1, probe_count=1), State(), 2), 2)
    *_, last = store.verify()
    assert (last.run_count, last.snapshot_count) == (3, 3)

    list(store.prune(timedelta(0)))

    *_, last = store.verify()
    assert last.run_count == 1
    with store.reader.connect() as connection:
        assert len(connection.execute(select(policy_shadow)).all()) == 1
        assert len(connection.execute(select(policy_breaker)).all()) == 1


@pytest.mark.parametrize("table", [policy_shadow, policy_breaker], ids=str)
def test_any_cell_of_a_shadow_that_was_changed_is_found(store: Store, table: Table) -> None:
    put(store, shadowed(MISSES, State(), 0))
    for column in table.columns:
        kind = column.type.python_type if column.name != "is_one_tick" else bool
        with store.reader.connect() as connection:
            before = connection.execute(select(column).where(table.c.rule_set == "breaker1")).scalar_one()
        changed = _another(column.name, before, kind)
        with behind_the_triggers(store) as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(text("pragma ignore_check_constraints = 1"))
            where = table.c.rule_set == "breaker1"
            connection.execute(table.update().where(where).values({column.name: changed}))

        with pytest.raises(TamperedError):
            list(store.verify())

        with behind_the_triggers(store) as connection:
            where = table.c.rule_set == (changed if column.name == "rule_set" else "breaker1")
            connection.execute(table.update().where(where).values({column.name: before}))
    assert [*store.verify()][-1].run_count == 1


def _another(name: str, value: object, kind: type) -> object:
    if name in ("taker_bias", "quality", "regime", "stable_quality", "candidate_quality", "cost_route"):
        words = {
            "taker_bias": ("balanced", "prefer_maker"),
            "regime": ("hot", "quiet"),
            "cost_route": ("maker", "taker"),
        }.get(name, ("broken", "degraded"))
        return next(word for word in words if word != value)
    if isinstance(value, bool) or kind is bool:
        return not value
    if isinstance(value, str) or kind is str:
        return f"{value}x"
    if isinstance(value, (int, float)) or kind in (int, float):
        return (value or 0) + 1  # type: ignore[operator]  # what is left are numbers
    return SLOT + timedelta(days=9)


def test_a_shadow_that_was_taken_out_is_found(store: Store) -> None:
    put(store, shadowed(MISSES))
    with behind_the_triggers(store) as connection:
        connection.execute(text("delete from policy_shadow where rule_set = 'breaker1'"))

    with pytest.raises(TamperedError, match="rule_set"):
        list(store.verify())


def test_a_run_that_was_not_measured_in_the_order_of_events_is_not_published(store: Store) -> None:
    judgement = BREAKER.decide_with_state(evidence("BTCUSDT"), None)

    with pytest.raises(ValueError, match="without the order of events"):
        put(store, replace(result([evidence("BTCUSDT")]), shadows=((BREAKER, (judgement,)),)))

    assert read(store, policies.newest_run, "default") is None
