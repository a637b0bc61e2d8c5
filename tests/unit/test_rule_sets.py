"""Rule sets: what their name meant on that day, and what they decide from evidence."""

import json
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from policy import Code, Effectiveness, Evidence, Regime, RouterPolicyError, Volatility
from policy.rules import UnknownRuleSetError, rule_set
from policy.rules.seed import SeedParameters

SEED = rule_set("seed")
PARAMETER_NAMES = [field.name for field in fields(SeedParameters)]


def evidence(**volatility: float) -> Evidence:
    return Evidence(
        symbol="BTCUSDT",
        effectiveness=Effectiveness(maker_fill_ratio=0.8, fallback_ratio=0.2, slip_q50=2.0),
        volatility=Volatility(bar_count=500, atr_ratio=volatility.get("ratio", 1.0), bar_age_seconds=900.0),
    )


def test_the_parameters_of_the_seed_are_those_of_its_specification() -> None:
    assert json.loads(SEED.parameters_text()) == {
        "broken_fallback_ratio": 0.9,
        "broken_slip_q50_bps": 20.0,
        "degraded_fallback_ratio": 0.6,
        "degraded_slip_q50_bps": 8.0,
        "good_maker_fill_ratio": 0.7,
        "good_fallback_ratio": 0.4,
        "good_slip_q50_bps": 4.0,
        "max_bar_age_seconds": None,
    }


@pytest.mark.parametrize("name", PARAMETER_NAMES)
def test_the_digest_changes_with_any_parameter(name: str) -> None:
    changed = rule_set("seed", {name: 0.123})

    assert changed.digest() != SEED.digest()
    assert getattr(changed.parameters, name) == 0.123


def test_digests_of_different_parameters_differ_from_one_another() -> None:
    digests = {rule_set("seed", {name: 0.123}).digest() for name in PARAMETER_NAMES}

    assert len(digests) == len(PARAMETER_NAMES)


@pytest.mark.parametrize(
    ("name", "parameters", "days"),
    [("seed", {}, 7), ("breaker", {}, 7), ("measured", {}, 60), ("measured", {"cost_days": 3}, 7)],
)
def test_evidence_reaches_a_week_back_or_as_far_as_that_of_costs(
    name: str, parameters: dict[str, object], days: int
) -> None:
    assert rule_set(name, parameters).evidence_length == timedelta(days=days)


def test_the_digest_changes_with_the_version_and_the_name() -> None:
    digests = {SEED.digest(), replace(SEED, version=SEED.version + 1).digest(), replace(SEED, name="other").digest()}

    assert len(digests) == 3


def test_the_digest_is_the_same_however_the_rule_set_was_made() -> None:
    spelled_out = {name: getattr(SEED.parameters, name) for name in PARAMETER_NAMES}

    assert rule_set("seed", spelled_out).digest() == rule_set("seed", {}).digest() == SEED.digest()


def test_a_whole_number_is_the_same_parameter_as_its_float() -> None:
    assert rule_set("seed", {"broken_slip_q50_bps": 20}).digest() == SEED.digest()


@pytest.mark.parametrize("value", ["0.9", True, float("nan"), float("inf"), [0.9]])
def test_a_parameter_that_is_no_finite_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(UnknownRuleSetError, match="broken_fallback_ratio"):
        rule_set("seed", {"broken_fallback_ratio": value})


def test_a_threshold_cannot_be_left_out_but_the_age_of_bars_can() -> None:
    assert rule_set("seed", {"max_bar_age_seconds": None}) == SEED
    with pytest.raises(UnknownRuleSetError, match="good_slip_q50_bps"):
        rule_set("seed", {"good_slip_q50_bps": None})


def test_a_name_that_no_rule_set_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownRuleSetError, match="there is no rule set 'sead'; choose one of: seed"):
        rule_set("sead")


def test_a_parameter_that_the_rules_do_not_know_is_refused_by_name() -> None:
    with pytest.raises(UnknownRuleSetError, match="no_such_threshold") as caught:
        rule_set("seed", {"no_such_threshold": 1.0})
    assert isinstance(caught.value, RouterPolicyError)


def test_a_changed_threshold_changes_the_decision() -> None:
    assert SEED.decide(evidence()).policy.quality == "good"
    assert rule_set("seed", {"broken_fallback_ratio": 0.2}).decide(evidence()).policy.quality == "broken"


def test_a_decision_names_its_regime_last() -> None:
    decision = SEED.decide(evidence(ratio=3.0))

    assert decision.regime is Regime.PANIC
    assert decision.policy.taker_bias == "prefer_taker"
    assert decision.policy.codes[-1] == Code(code="regime_panic", value=3.0, threshold=2.5)
    assert decision.maker_offset_bps == 2.5  # 2.0 + 1.0 for panic - 0.5 for maker fills


def test_old_bars_make_the_regime_unknown_where_the_rules_have_a_limit() -> None:
    limited = rule_set("seed", {"max_bar_age_seconds": 899.0})

    assert SEED.decide(evidence(ratio=3.0)).regime is Regime.PANIC
    assert limited.decide(evidence(ratio=3.0)).regime is Regime.UNKNOWN
    assert limited.decide(evidence(ratio=3.0)).policy.taker_bias == "prefer_maker"


def test_a_symbol_of_which_nothing_is_known_still_gets_a_decision_that_says_so() -> None:
    decision = SEED.decide(Evidence(symbol="BTCUSDT"))

    assert (decision.policy.quality, decision.policy.maker_first, decision.policy.taker_bias) == (
        "ok",
        True,
        "balanced",
    )
    assert decision.regime is Regime.UNKNOWN
    assert [code.code for code in decision.policy.codes] == [
        "maker_fill_ratio_missing",
        "fallback_ratio_missing",
        "slip_q50_missing",
        "maker_fill_ratio_not_good",
        "regime_unknown_too_few_bars",
    ]


def judged_lines(evidence: Evidence, **parameters: float) -> list[tuple[str, str, bool]]:
    """The rule, the figure and the result of each line of an explanation that was compared."""
    checks = rule_set("seed", dict(parameters)).explain(evidence)
    return [(check.rule, check.figure, check.holds) for check in checks if check.holds is not None]


@pytest.mark.parametrize(
    ("fallback", "slip_q50", "verdicts"),
    [
        (0.95, 2.0, ["broken"]),
        (0.2, 20.0, ["broken"]),
        (0.7, 2.0, ["broken", "degraded"]),
        (0.2, 9.0, ["broken", "degraded"]),
        (0.2, 2.0, ["broken", "degraded", "good"]),
        (0.5, 2.0, ["broken", "degraded", "good"]),
    ],
)
def test_an_explanation_compares_no_line_after_the_verdict_that_decides(
    fallback: float, slip_q50: float, verdicts: list[str]
) -> None:
    figures = Effectiveness(maker_fill_ratio=0.8, fallback_ratio=fallback, slip_q50=slip_q50)
    lines = judged_lines(replace(evidence(), effectiveness=figures))

    quality_lines = [rule for rule, figure, _ in lines if figure in ("maker_fill_ratio", "fallback_ratio", "slip_q50")]
    assert list(dict.fromkeys(quality_lines)) == verdicts
    assert len(quality_lines) == sum({"broken": 2, "degraded": 2, "good": 3}[verdict] for verdict in verdicts)


@pytest.mark.parametrize(
    ("ratio", "lines"),
    [
        (0.4, [("quiet", True)]),
        (1.0, [("quiet", False), ("normal", True)]),
        (2.0, [("quiet", False), ("normal", False), ("hot", True)]),
        (3.0, [("quiet", False), ("normal", False), ("hot", False)]),
    ],
)
def test_an_explanation_compares_no_regime_after_the_one_that_holds(
    ratio: float, lines: list[tuple[str, bool]]
) -> None:
    judged = judged_lines(evidence(ratio=ratio))

    assert [(rule, holds) for rule, figure, holds in judged if figure == "atr_ratio"] == lines


def test_an_explanation_of_candles_that_are_too_old_compares_no_regime() -> None:
    judged = judged_lines(evidence(ratio=1.0), max_bar_age_seconds=899.0)

    assert ("regime known", "bar_age_seconds", False) in judged
    assert "atr_ratio" not in [figure for _, figure, _ in judged]
