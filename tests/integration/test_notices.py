"""What changed between two looks at the store, as notices."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.notify.notices import Notice, notices
from jobs.notify.observation import Observation
from policy.effective import EffectivePolicy, Override
from policy.enums import TakerBias
from policy.event_kind import EventKind
from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import SavingFigure
from policy.freshness import Status
from policy.reject import Reject
from policy.rules import rule_set
from policy.snapshot import Snapshot
from storage.read.overrides import OverrideEntry
from storage.read.pages import GapState, RunFailure, SlotGap
from storage.records import Origin, PublishedRun
from tests.support.runs import SLOT, evidence

NOW = SLOT + timedelta(minutes=1)
SEED = rule_set("seed")


def run(run_id: int = 1, rules: str = "seed") -> PublishedRun:
    return PublishedRun(
        run_id=run_id,
        scope="default",
        slot=SLOT,
        origin=Origin.SCHEDULE,
        rule_set=rules,
        engine="duckdb",
        code_version="0.1.0",
        owner="host:1",
        started_at=SLOT,
        published_at=SLOT,
        symbol_count=1,
        event_count=1,
        reject_count=0,
        digest="",
        previous_digest="",
    )


def policy(symbol: str, fallback: float = 0.1) -> EffectivePolicy:
    """Return a policy as the seed decides it; no figure of it matters here."""
    decided = SEED.decide(evidence(symbol, fallback=fallback)).policy
    values: dict[str, Any] = dict.fromkeys(Snapshot.__slots__)
    values |= {"symbol": symbol, "maker_first": decided.maker_first, "taker_bias": decided.taker_bias}
    values |= {"quality": decided.quality, "reason": decided.reason}
    return EffectivePolicy(snapshot=Snapshot(**values), published_at=SLOT)


def seen(*policies: EffectivePolicy, **changes: object) -> Observation:
    observation = Observation(
        at=NOW,
        run=run(),
        status=Status.FRESH,
        policies={each.symbol: each for each in policies},
        rejects=(),
        overrides={},
        gaps={},
        failures=(),
        savings={},
    )
    return replace(observation, **changes)  # type: ignore[arg-type]


def override(entry_id: int = 2, until: datetime = NOW + timedelta(hours=1)) -> OverrideEntry:
    return OverrideEntry(
        entry_id=entry_id,
        scope="default",
        symbol="BTCUSDT",
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        author="ann",
        reason="venue down",
        from_at=SLOT,
        until_at=until,
    )


def gap(state: GapState, minutes: int = 0) -> SlotGap:
    error = "no file matches" if state is GapState.FAILED else None
    slot = SLOT + timedelta(minutes=minutes)
    return SlotGap(scope="default", slot=slot, state=state, owner="", failure_count=1, last_error=error)


def kinds(every_notice: list[Notice]) -> list[EventKind]:
    return [notice.kind for notice in every_notice]


def test_two_equal_looks_have_nothing_to_tell() -> None:
    look = seen(policy("BTCUSDT", 0.95), rejects=(Reject(source="o", reason="r", reject_count=1, sample="f:1"),))

    assert notices(look, replace(look, at=NOW + timedelta(days=1))) == []


def test_symbols_that_break_are_told_once_with_all_of_them() -> None:
    before = seen(policy("BTCUSDT"), policy("ETHUSDT"), policy("XRPUSDT"))
    after = seen(policy("BTCUSDT", 0.95), policy("ETHUSDT", 0.95), policy("XRPUSDT"), run=run(7))

    to_taker, broken = notices(before, after)

    assert (to_taker.kind, broken.kind) == (EventKind.TO_TAKER, EventKind.BROKEN)
    assert to_taker.symbols == broken.symbols == ("BTCUSDT", "ETHUSDT")
    assert (to_taker.run_id, to_taker.slot) == (7, SLOT)
    assert to_taker.message.startswith("BTCUSDT, ETHUSDT: straight to taker now; the maker-first router is broken")


def test_symbols_that_recover_are_told() -> None:
    (back,) = notices(seen(policy("BTCUSDT", 0.95)), seen(policy("BTCUSDT")))

    assert (back.kind, back.symbols) == (EventKind.TO_MAKER, ("BTCUSDT",))


def test_a_symbol_that_is_new_is_no_change() -> None:
    assert notices(seen(), seen(policy("BTCUSDT", 0.95))) == []


def test_an_override_is_told_as_one_and_not_as_a_change_of_the_rules() -> None:
    computed = policy("BTCUSDT")
    overridden = replace(
        computed,
        snapshot=replace(computed.snapshot, maker_first=False),
        override=Override(
            override_id=2,
            author="ann",
            reason="venue down",
            until_at=NOW,
            computed_maker_first=True,
            computed_taker_bias=TakerBias.PREFER_MAKER,
        ),
    )

    (made,) = notices(seen(computed), seen(overridden, overrides={2: override()}))

    assert made.kind is EventKind.OVERRIDE_MADE
    assert made.message == ("BTCUSDT: override 2 made by ann: straight to taker until 2026-04-26T01:16:00Z: venue down")


@pytest.mark.parametrize(
    ("until", "kind"),
    [(NOW, EventKind.OVERRIDE_EXPIRED), (NOW + timedelta(seconds=1), EventKind.OVERRIDE_ENDED)],
)
def test_an_override_that_is_gone_expired_or_was_ended(until: datetime, kind: EventKind) -> None:
    assert kinds(notices(seen(overrides={2: override(until=until)}), seen())) == [kind]


def test_another_rule_set_is_told() -> None:
    (changed,) = notices(seen(), seen(run=run(2, "breaker")))

    assert changed.message == "rule set breaker decides now, before it was seed"


def test_only_a_new_reason_for_rejects_is_news() -> None:
    old = Reject(source="orders", reason="zero_fill", reject_count=3, sample="log:7")
    new = Reject(source="orders", reason="bad_time", reject_count=2, sample="log:9")

    (notice,) = notices(seen(rejects=(old,)), seen(rejects=(replace(old, reject_count=9), new)))

    assert notice.kind is EventKind.REJECTS
    assert notice.message == "rows are not used for a new reason: orders: 2 x bad_time, as log:9"


@pytest.mark.parametrize("reason", ["not_an_order", "open_order", "duplicate_id", "duplicate_bar"])
def test_rows_that_are_rightly_left_out_are_no_news(reason: str) -> None:
    left_out = Reject(source="orders", reason=reason, reject_count=5000, sample="log:1")

    assert notices(seen(), seen(rejects=(left_out,))) == []


def failure(minutes: int = 0, error: str = "no file matches") -> RunFailure:
    slot = SLOT + timedelta(minutes=minutes)
    return RunFailure(scope="default", slot=slot, fencing_token=1, owner="host:1", failed_at=slot, error=error)


def test_a_slot_that_failed_is_told_with_its_error_and_a_cause_that_stays_is_not() -> None:
    (notice,) = notices(seen(), seen(failures=(failure(),)))

    assert notice.message == "slot 2026-04-26T00:15:00Z failed: no file matches"
    assert notices(seen(failures=(failure(),)), seen(failures=(failure(15), failure()))) == []


def test_another_cause_is_told_and_so_is_the_same_one_after_a_run() -> None:
    (other,) = notices(seen(failures=(failure(),)), seen(failures=(failure(15, "no space left"), failure())))
    (again,) = notices(seen(run=run(2)), seen(run=run(2), failures=(failure(30),)))

    assert other.message == "slot 2026-04-26T00:30:00Z failed: no space left"
    assert again.message == "slot 2026-04-26T00:45:00Z failed: no file matches"


def test_missed_slots_are_one_notice() -> None:
    missed = {each.slot: each for each in (gap(GapState.MISSED), gap(GapState.ABANDONED, 15))}

    (notice,) = notices(seen(), seen(gaps=missed))

    assert (notice.kind, notice.message) == (
        EventKind.SLOT_MISSED,
        "2 slots were not computed, the last 2026-04-26T00:30:00Z",
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.STALE, [EventKind.STALE]),
        (Status.EXPIRED, [EventKind.EXPIRED]),
        (Status.FRESH, []),
        (Status.CLOCK_SKEW, []),
    ],
)
def test_growing_old_is_told_once(status: Status, expected: list[EventKind]) -> None:
    assert kinds(notices(seen(), seen(status=status))) == expected
    assert notices(seen(status=status), seen(status=status)) == []


@pytest.mark.parametrize("status", [Status.STALE, Status.EXPIRED])
def test_policies_that_are_fresh_again_are_told_with_their_run(status: Status) -> None:
    (notice,) = notices(seen(status=status, failures=(failure(),)), seen(run=run(2)))

    assert (notice.kind, notice.run_id) == (EventKind.RECOVERED, 2)
    assert notice.message == "the policies are fresh again, by run 2 of slot 2026-04-26T00:15:00Z"


def test_the_first_run_after_failures_is_told_although_no_policy_was_stale() -> None:
    (notice,) = notices(seen(failures=(failure(),)), seen(run=run(2)))

    assert notice.kind is EventKind.RECOVERED
    assert notice.message == "run 2 of slot 2026-04-26T00:15:00Z is published, the first after those that failed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"run": run(2)}),  # nothing was wrong
        ({"status": Status.STALE}, {}),  # another schedule is in force, by which no policy is stale
        ({"status": Status.EXPIRED}, {"run": run(2), "status": Status.EXPIRED}),  # a run of a past slot
        ({"status": Status.CLOCK_SKEW}, {"run": run(2)}),  # that was not told either
    ],
)
def test_without_an_end_of_something_that_was_told_nothing_has_recovered(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert notices(seen(**before), seen(**after)) == []


def test_routers_act_on_policies_that_are_stale() -> None:
    (notice,) = notices(seen(), seen(status=Status.STALE))

    assert notice.message == "the policies of slot 2026-04-26T00:15:00Z are stale; routers still act on them"


def saving(bps: float, margin_bps: float | None) -> dict[Comparison, SavingFigure]:
    values: dict[str, Any] = dict.fromkeys(SavingFigure.__slots__)
    values |= {"symbol": "", "comparison": Comparison.MAKER_AGAINST_TAKER, "saving_bps": bps}
    values |= {"sent_margin_bps": margin_bps, "order_count": 400, "maker_count": 200, "taker_count": 200}
    return {Comparison.MAKER_AGAINST_TAKER: SavingFigure(**values)}


def test_a_saving_is_told_once_it_is_known() -> None:
    (notice,) = notices(seen(savings=saving(1.0, 1.5)), seen(savings=saving(1.25, 0.5)))

    assert notice.kind is EventKind.SAVING_KNOWN
    assert notice.message == (
        "maker against taker: it is known now that it saves (+1.25 bps an order, give or take 0.50, over 400 orders)"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, saving(1.0, 1.5)),  # the interval holds 0
        ({}, saving(1.0, None)),
        (saving(1.0, 0.5), saving(1.1, 0.4)),
    ],
)
def test_a_saving_that_is_not_known_or_was_known_before_is_no_news(
    before: dict[Comparison, SavingFigure], after: dict[Comparison, SavingFigure]
) -> None:
    assert notices(seen(savings=before), seen(savings=after)) == []


def test_a_saving_that_turns_into_a_cost_is_told() -> None:
    (notice,) = notices(seen(savings=saving(1.0, 0.5)), seen(savings=saving(-1.0, 0.5)))

    assert "it is known now that it costs (-1.00 bps" in notice.message
