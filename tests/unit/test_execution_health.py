"""Execution health: what is shown of a router, and what a person is warned of."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Effectiveness, Evidence, Quality, Regime, TakerBias, Volatility
from policy.effective import EffectivePolicy, Override
from policy.freshness import FreshnessLimits
from policy.health import ExecutionHealth, execution_health, severity
from policy.reason_codes import Code
from policy.rules import rule_set
from policy.snapshot import Snapshot

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
LIMITS = FreshnessLimits(stale_after=timedelta(minutes=30), expired_after=timedelta(hours=2))
HEALTHY = Effectiveness(
    maker_fill_ratio=0.8,
    fallback_ratio=0.2,
    slip_q25=-1.0,
    slip_q50=2.0,
    slip_q75=3.0,
    outcome_count=50,
    maker_started_count=40,
    slippage_count=45,
)
CALM = Volatility(atr_short_pct=0.1, atr_long_pct=0.2, atr_ratio=0.5, bar_count=500, bar_age_seconds=60.0)


def evidence_of(figures: Effectiveness = HEALTHY, symbol: str = "BTCUSDC") -> Evidence:
    return Evidence(symbol=symbol, effectiveness=figures, volatility=CALM)


def policy_of(evidence: Evidence, override: Override | None = None) -> EffectivePolicy:
    """What the seed's rules make of it."""
    decision = rule_set("seed").decide(evidence)
    snapshot = Snapshot(
        run_id=7,
        scope="default",
        slot=SLOT,
        symbol=evidence.symbol,
        maker_first=decision.policy.maker_first,
        taker_bias=decision.policy.taker_bias,
        quality=decision.policy.quality,
        regime=decision.regime,
        reason=decision.policy.reason,
        codes=decision.policy.codes,
        **asdict(evidence.effectiveness),
        **asdict(evidence.volatility),
        **asdict(evidence.expectancy),
        maker_offset_bps=decision.maker_offset_bps,
        rule_set="seed",
        probe_every=None,
        maker_posts=None,
        probe_share=None,
        holdout_share=None,
        holdout_salt=None,
    )
    return EffectivePolicy(snapshot=snapshot, published_at=SLOT, override=override)


def with_decision(policy: EffectivePolicy, **decided: object) -> EffectivePolicy:
    return replace(policy, snapshot=replace(policy.snapshot, **decided))  # type: ignore[arg-type]  # fields of a test


def health_of(evidence: Evidence, policy: EffectivePolicy | None = None, age_seconds: float = 60.0) -> ExecutionHealth:
    now = SLOT + timedelta(seconds=age_seconds)
    return execution_health(evidence, policy or policy_of(evidence), now=now, limits=LIMITS)


def warned(health: ExecutionHealth) -> dict[str, tuple[float | None, float | None]]:
    return {warning.code: (warning.value, warning.threshold) for warning in health.warnings}


def test_survivors_are_warned_of_with_their_count() -> None:
    health = health_of(evidence_of(replace(HEALTHY, survivor_count=30)))

    assert warned(health)["survivors"] == (30.0, 0.0)
    (message,) = [warning.message for warning in health.warnings if warning.code == "survivors"]
    assert message.startswith("30 of 40 maker starts are of a kind whose misses the source does not keep")


@pytest.mark.parametrize(
    ("fill", "fallback", "starts", "is_warned"),
    [(1.0, 0.0, 50, True), (1.0, 0.0, 49, False), (0.99, 0.0, 500, False), (1.0, 0.01, 500, False)],
)
def test_fifty_starts_that_all_filled_are_the_mark_of_data_without_the_others(
    fill: float, fallback: float, starts: int, is_warned: bool
) -> None:
    figures = Effectiveness(maker_fill_ratio=fill, fallback_ratio=fallback, slip_q50=1.0, maker_started_count=starts)

    health = health_of(evidence_of(figures))

    assert ("survivors_only" in warned(health)) is is_warned
    if is_warned:
        (message,) = [warning.message for warning in health.warnings if warning.code == "survivors_only"]
        assert message.startswith("all 50 maker starts filled and none fell back, as in data that leaves out orders")


def test_what_the_sources_cannot_tell_is_a_warning_of_a_policy() -> None:
    evidence = evidence_of(
        Effectiveness(maker_fill_ratio=0.8, fallback_ratio=0.1, slip_q50=1.0, maker_started_count=40)
    )
    notes = ("orders: 3 fills have no mid",)

    with_policy = execution_health(evidence, policy_of(evidence), now=SLOT, limits=LIMITS, source_notes=notes)
    without = execution_health(evidence, None, now=SLOT, limits=LIMITS, source_notes=notes)

    assert [each.message for each in with_policy.warnings if each.code == "source_note"] == list(notes)
    assert [each.code for each in without.warnings] == ["policy_missing"]


def test_health_says_what_the_policy_of_a_broken_router_is() -> None:
    broken = evidence_of(
        Effectiveness(maker_fill_ratio=0.2, fallback_ratio=0.95, slip_q50=30.0, maker_started_count=40)
    )

    router = health_of(broken).router

    assert router.policy_quality == "broken"
    assert router.policy_maker_first is False
    assert router.policy_taker_bias == "prefer_taker"


def test_the_sections_have_these_keys_in_this_order() -> None:
    record = asdict(health_of(evidence_of()))

    assert " ".join(record) == "symbol run_id router volatility freshness override warnings"
    assert " ".join(record["router"]) == (
        "maker_fill_ratio fallback_ratio slip_q25 slip_q50 slip_q75 maker_offset_bps "
        "policy_quality policy_maker_first policy_taker_bias policy_maker_posts policy_probe_share"
    )
    assert " ".join(record["volatility"]) == "atr_short_pct atr_long_pct atr_ratio regime"
    assert " ".join(record["freshness"]) == (
        "slot age_seconds status outcome_count maker_started_count slippage_count bar_count"
    )


def test_every_figure_stands_where_it_belongs() -> None:
    record = asdict(health_of(evidence_of()))

    assert list(record["router"].values()) == [
        *(0.8, 0.2, -1.0, 2.0, 3.0),
        1.5,  # 2.0 to start with, -0.5 for maker fills above 0.7
        *("good", True, "prefer_maker", None, None),
    ]
    assert list(record["volatility"].values()) == [0.1, 0.2, 0.5, "normal"]
    assert list(record["freshness"].values()) == [SLOT, 60.0, "fresh", 50, 40, 45, 500]
    assert (record["symbol"], record["run_id"], record["override"], record["warnings"]) == ("BTCUSDC", 7, None, ())


def test_what_is_in_force_is_shown_and_that_it_is_an_override() -> None:
    by_ann = Override(
        override_id=8,
        author="ann",
        reason="venue maintenance",
        until_at=SLOT + timedelta(hours=2),
        computed_maker_first=True,
        computed_taker_bias=TakerBias.PREFER_MAKER,
    )
    in_force = with_decision(policy_of(evidence_of(), by_ann), maker_first=False, taker_bias=TakerBias.PREFER_TAKER)

    health = health_of(evidence_of(), in_force)

    assert (health.router.policy_maker_first, health.router.policy_taker_bias) == (False, "prefer_taker")
    assert health.router.policy_quality == "good"
    assert health.override == by_ann


def test_without_a_policy_nothing_is_told_and_that_alone_is_warned_of() -> None:
    health = execution_health(Evidence(symbol="NEWUSDC"), None, now=SLOT, limits=LIMITS)

    assert health.run_id is None
    assert set(asdict(health.router).values()) == {None}
    assert (health.freshness.status, health.freshness.age_seconds, health.volatility.regime) == (
        "missing",
        None,
        "unknown",
    )
    assert warned(health) == {"policy_missing": (None, None)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"fallback_ratio": 0.5}, {}),
        ({"fallback_ratio": 0.51}, {"fallback_ratio_high": (0.51, 0.5)}),
        ({"slip_q50": 4.0}, {}),
        ({"slip_q50": 4.01}, {"slip_q50_high": (4.01, 4.0)}),
        ({"slip_q50": -9.0}, {}),
        ({"fallback_ratio": 0.9, "slip_q50": 25.0}, {"fallback_ratio_high": (0.9, 0.5), "slip_q50_high": (25.0, 4.0)}),
        ({"slip_q50": None, "slippage_count": 0}, {"slip_q50_missing": (None, None)}),
        (
            {"maker_fill_ratio": None, "fallback_ratio": None, "maker_started_count": 0},
            {"maker_start_missing": (None, None)},
        ),
        ({"maker_started_count": 19}, {"maker_start_few": (19.0, 20.0)}),
        ({"maker_started_count": 20}, {}),
        ({"fallback_ratio": float("nan")}, {"maker_start_missing": (None, None)}),
    ],
)
def test_warnings_name_the_figure_and_its_threshold(
    changes: dict[str, Any], expected: dict[str, tuple[float | None, float | None]]
) -> None:
    assert warned(health_of(evidence_of(replace(HEALTHY, **changes)))) == expected


@pytest.mark.parametrize(
    ("age_seconds", "expected"),
    [
        (1800.0, {}),
        (2000.0, {"policy_stale": (2000.0, 1800.0)}),
        (9000.0, {"policy_expired": (9000.0, 7200.0)}),
        (-60.0, {"policy_clock_skew": (-60.0, -5.0)}),
    ],
)
def test_a_policy_that_is_too_old_is_warned_of(
    age_seconds: float, expected: dict[str, tuple[float | None, float | None]]
) -> None:
    assert warned(health_of(evidence_of(), age_seconds=age_seconds)) == expected


@pytest.mark.parametrize(
    ("codes", "expected", "message"),
    [
        (
            (Code(code="regime_unknown_too_few_bars", value=3.0, threshold=500.0),),
            {"regime_unknown_too_few_bars": (3.0, 500.0)},
            "3 closed candles < 500",
        ),
        (
            (Code(code="slip_q50_good"), Code(code="regime_unknown_candles_too_old", value=9000.0, threshold=3600.0)),
            {"regime_unknown_candles_too_old": (9000.0, 3600.0)},
            "the last candle closed more than 60 min before the slot",
        ),
        ((Code(code="atr_ratio_missing"),), {"regime_unknown": (None, None)}, "treated as normal"),
    ],
)
def test_an_unknown_regime_is_warned_of_with_its_ground(
    codes: tuple[Code, ...], expected: dict[str, tuple[float | None, float | None]], message: str
) -> None:
    health = health_of(evidence_of(), with_decision(policy_of(evidence_of()), regime=Regime.UNKNOWN, codes=codes))

    assert warned(health) == expected
    assert message in health.warnings[0].message


def test_a_warning_says_the_figures_to_people_too() -> None:
    (high,) = health_of(evidence_of(replace(HEALTHY, fallback_ratio=0.75))).warnings
    (old,) = health_of(evidence_of(), age_seconds=9000.0).warnings

    assert high.message == "fallback 0.75 > 0.5, over 40 maker starts"
    assert old.message == (
        "the policy is expired: more than 2 h old; routers try maker first and wait a quarter of the time; "
        "an override holds until its own end; is the schedule running?"
    )


def test_an_age_just_above_its_limit_reads_as_more_than_it() -> None:
    age = LIMITS.stale_after + timedelta(milliseconds=200)

    (stale,) = [
        warning
        for warning in execution_health(
            evidence_of(HEALTHY), policy_of(evidence_of(HEALTHY)), now=SLOT + age, limits=LIMITS
        ).warnings
        if warning.code == "policy_stale"
    ]

    assert stale.message.startswith("the policy is stale: more than 30 min old; ")


def test_the_worst_come_first() -> None:
    def shown(symbol: str, quality: Quality | None, fallback: float | None) -> ExecutionHealth:
        evidence = evidence_of(replace(HEALTHY, fallback_ratio=fallback), symbol)
        policy = with_decision(policy_of(evidence), quality=quality) if quality is not None else None
        return execution_health(evidence, policy, now=SLOT, limits=LIMITS)

    worst_first = [
        shown("G", Quality.BROKEN, 0.91),
        shown("B", Quality.DEGRADED, 0.8),
        shown("E", Quality.DEGRADED, 0.7),
        shown("F", Quality.DEGRADED, 0.7),
        shown("D", Quality.OK, 0.0),
        shown("C", Quality.OK, None),
        shown("A", Quality.GOOD, 0.9),
        shown("0", None, None),
    ]

    assert sorted(sorted(worst_first, key=lambda health: health.symbol), key=severity) == worst_first


figure = st.none() | st.floats()


@given(maker=figure, fallback=figure, quartile=figure, ratio=figure, starts=st.integers(0), age=st.floats(-1e9, 1e9))
def test_any_figures_give_a_health_that_is_json(
    maker: float | None, fallback: float | None, quartile: float | None, ratio: float | None, starts: int, age: float
) -> None:
    evidence = Evidence(
        symbol="BTCUSDC",
        effectiveness=Effectiveness(
            maker_fill_ratio=maker,
            fallback_ratio=fallback,
            slip_q25=quartile,
            slip_q50=quartile,
            slip_q75=quartile,
            maker_started_count=starts,
        ),
        volatility=Volatility(atr_short_pct=ratio, atr_long_pct=ratio, atr_ratio=ratio, bar_count=500),
    )

    record = asdict(health_of(evidence, age_seconds=age))

    assert json.loads(json.dumps(record, allow_nan=False, default=str))["symbol"] == "BTCUSDC"
