"""How fresh the policies are, in words: at every time the words fit the status, and they say what routers do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.web.banner import Banner, phase_at, phases_of, symbol_phases
from jobs.analysis.health import limits_at
from jobs.slots import Slots
from policy import TakerBias as PolicyBias
from policy.effective import Override
from policy.freshness import WHAT_ROUTERS_DO, Status, judge_freshness
from router_policy_client import Status as ReaderStatus
from router_policy_client import TakerBias
from router_policy_client.gate import decide
from router_policy_client.limits import Fallback, Fallbacks
from router_policy_client.policy import Reading

SLOT = datetime(2026, 4, 26, 12, tzinfo=UTC)
HOURLY = Slots("0 * * * *")
CRONS = ("0 * * * *", "*/15 * * * *", "0,5 * * * *", "*/15 8-20 * * *", "30 9 * * 1-5")
MICROSECOND = timedelta(microseconds=1)
LABELS = {"Fresh": "fresh", "Stale": "stale", "Expired": "expired", "Clock skew": "clock_skew"}


@given(st.sampled_from(CRONS), st.integers(0, 86_400 * 9), st.integers(-20, 86_400 * 9), st.integers(-1, 1))
def test_at_every_time_the_phase_is_the_status(cron: str, seconds: int, age_seconds: int, nudge: int) -> None:
    slots = Slots(cron)
    slot = SLOT + timedelta(seconds=seconds)
    limits = limits_at(slots, slot)
    edges = (-limits.clock_tolerance, limits.stale_after, limits.expired_after, timedelta(seconds=age_seconds))
    for edge in edges:
        now = slot + edge + nudge * MICROSECOND

        phase = phase_at(phases_of(slots, slot), now)

        assert phase.status is judge_freshness(slot, now, limits).status
        label = next(label for label in LABELS if phase.text.startswith(label))
        assert LABELS[label] == phase.status


def test_a_slot_that_is_due_and_not_there_is_said_although_the_newest_is_fresh() -> None:
    phases = phases_of(HOURLY, SLOT)

    before, after = (phase_at(phases, SLOT + timedelta(minutes=minutes)) for minutes in (60, 61))

    assert before.text.endswith("the next is due at 2026-04-26T13:00:00Z.")
    assert after.text.endswith("the one that was due at 2026-04-26T13:00:00Z has no run yet.")
    assert (before.status, after.status) == (Status.FRESH, Status.FRESH)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.5, ""),
        (3, "Stale: the override holds until its own end at 2026-04-26T22:00:00Z."),
        (9, "Expired: the override holds until its own end at 2026-04-26T22:00:00Z."),
        (
            11,
            "The override ended at 2026-04-26T22:00:00Z. Expired: routers try maker first and wait a quarter of the "
            "time; an override holds until its own end.",
        ),
    ],
)
def test_an_override_is_held_until_its_own_end_whatever_the_age_beneath_it(hours: float, text: str) -> None:
    now = SLOT + timedelta(hours=hours)
    banner = Banner(
        phases=phases_of(HOURLY, SLOT),
        gaps="",
        gap_count=0,
        slot=SLOT,
        next_slot=None,
        figures_at=None,
        now=now,
        tag="",
    )
    override = Override(
        override_id=1,
        author="ann",
        reason="fees",
        until_at=SLOT + timedelta(hours=10),
        computed_maker_first=True,
        computed_taker_bias=PolicyBias.BALANCED,
    )

    assert phase_at(symbol_phases(banner, override), now).text == text


def test_an_override_that_ends_while_the_policy_is_fresh_ends_in_words() -> None:
    banner = Banner(
        phases=phases_of(HOURLY, SLOT),
        gaps="",
        gap_count=0,
        slot=SLOT,
        next_slot=None,
        figures_at=None,
        now=SLOT,
        tag="",
    )
    override = Override(
        override_id=1,
        author="ann",
        reason="fees",
        until_at=SLOT + timedelta(minutes=10),
        computed_maker_first=True,
        computed_taker_bias=PolicyBias.BALANCED,
    )
    phases = symbol_phases(banner, override)

    texts = [phase_at(phases, SLOT + timedelta(minutes=minutes)).text for minutes in (10, 11, 130)]

    assert texts == [
        "",
        "The override ended at 2026-04-26T12:10:00Z.",
        "The override ended at 2026-04-26T12:10:00Z. Stale: routers still act on it.",
    ]


def acting_on(fallback: Fallback) -> Reading:
    return Reading(
        symbol="BTCUSDT",
        status=ReaderStatus.EXPIRED,
        age_seconds=None,
        run_id=None,
        slot=None,
        maker_first=fallback.maker_first,
        taker_bias=fallback.taker_bias,
        quality=fallback.quality,
        regime="unknown",
        reason="",
        maker_offset_bps=None,
        probe_every=None,
        maker_posts=1,
        probe_share=None,
        holdout_share=None,
        holdout_salt=None,
        policy=None,
    )


@pytest.mark.parametrize(
    ("status", "patience", "words"),
    [
        (Status.EXPIRED, 0.25, "try maker first and wait a quarter of the time"),
        (Status.CLOCK_SKEW, 0.25, "try maker first and wait a quarter of the time"),
        (Status.MISSING, 0.5, "their own choice and wait half of the time"),
    ],
)
def test_the_words_are_what_the_client_does(status: Status, patience: float, words: str) -> None:
    fallback = Fallbacks().for_status(ReaderStatus(status.value))
    assert fallback is not None

    order = decide(acting_on(fallback))

    assert (order.maker_first, order.patience) == (True, patience)
    assert words in WHAT_ROUTERS_DO[status]


def test_a_fresh_and_a_stale_policy_are_acted_on_by_the_client_too() -> None:
    assert [Fallbacks().for_status(ReaderStatus(status)) for status in ("fresh", "stale")] == [None, None]
    assert WHAT_ROUTERS_DO[Status.FRESH] == "routers act on it"
    assert WHAT_ROUTERS_DO[Status.STALE] == "routers still act on it"
    assert TakerBias.PREFER_TAKER is Fallbacks().expired.taker_bias
