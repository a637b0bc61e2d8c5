"""The assignment of orders to the holdout, and which share of them each policy holds out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Quality, RouterPolicy, TakerBias
from policy.enums import Regime
from policy.experiment.assignment import is_held_out
from policy.experiment.experiment import Experiment, Holdout, experiment_from_text
from policy.rules import Decision

SHARES = st.floats(0, 1)
# How what `printf 'salt\0order-1' | sha256sum` prints for each begins: the first is 0x1e55 / 0x10000 of 1.
HASHED = {"order-1": 0x1E55, "order-6": 0x03D2, "order-8": 0x736E, "order-12": 0x5999}


def decision(
    *, probe_every: int | None = None, probe_share: float | None = None, holdout_share: float | None = None
) -> Decision:
    """A decision whose advice does not matter here."""
    policy = RouterPolicy(maker_first=True, taker_bias=TakerBias.PREFER_MAKER, quality=Quality.GOOD, reason="")
    return Decision(
        policy=policy,
        regime=Regime.NORMAL,
        maker_offset_bps=1.0,
        probe_every=probe_every,
        probe_share=probe_share,
        holdout_share=holdout_share,
    )


@pytest.mark.parametrize("order_id", HASHED)
def test_an_order_is_held_out_if_the_hash_of_its_id_is_below_the_share(order_id: str) -> None:
    part = HASHED[order_id] / 0x10000

    assert is_held_out(order_id, "salt", part + 1 / 0x10000)
    assert not is_held_out(order_id, "salt", part)


def test_another_salt_holds_out_other_orders() -> None:
    ids = [f"order-{number}" for number in range(2000)]
    first, second = ({id_ for id_ in ids if is_held_out(id_, salt, 0.1)} for salt in ("first", "second"))

    # Binomial: 200 of 2000 are expected with a standard deviation of 13.4, and 20 in both with one of 4.4.
    assert 140 < len(first) < 260
    assert 140 < len(second) < 260
    assert len(first & second) < 45


@given(st.text(), st.text(), SHARES, SHARES)
def test_a_larger_share_holds_out_the_same_orders_and_more(order_id: str, salt: str, share: float, more: float) -> None:
    assert is_held_out(order_id, salt, max(share, more)) >= is_held_out(order_id, salt, min(share, more))
    assert not is_held_out(order_id, salt, 0.0)


def test_any_id_has_an_assignment() -> None:
    assert is_held_out("\ud800", "\udfff", 1.0)


def test_a_decision_is_held_out_by_the_share_of_the_experiment() -> None:
    experiment = Experiment(share=0.02, salt="spring")

    assert experiment.holdout(decision()) == Holdout(share=0.02, salt="spring")


def test_nothing_is_held_out_without_a_share() -> None:
    assert Experiment(salt="spring").holdout(decision()) is None


@pytest.mark.parametrize("probes", [{"probe_every": 5}, {"probe_share": 0.05}])
def test_nothing_is_held_out_while_a_breaker_lets_only_probes_through(probes: dict[str, float]) -> None:
    open_breaker = decision(
        probe_every=5 if "probe_every" in probes else None, probe_share=probes.get("probe_share"), holdout_share=0.05
    )

    assert Experiment(share=0.02, salt="spring").holdout(open_breaker) is None


def test_the_share_of_a_rule_set_goes_before_that_of_the_experiment() -> None:
    experiment = Experiment(share=0.02, salt="spring")

    assert experiment.holdout(decision(holdout_share=0.05)) == Holdout(share=0.05, salt="spring")
    assert experiment.holdout(decision(holdout_share=0.0)) is None
    assert Experiment(salt="spring").holdout(decision(holdout_share=0.05)) == Holdout(share=0.05, salt="spring")


@pytest.mark.parametrize(("half_width_bps", "share"), [(None, 0.02), (0.51, 0.02), (0.5, 0.005), (0.2, 0.005)])
def test_the_share_falls_once_the_saving_is_known_well_enough(half_width_bps: float | None, share: float) -> None:
    experiment = Experiment(share=0.02, salt="spring", until_bps=0.5, then=0.005, half_width_bps=half_width_bps)

    assert experiment.holdout(decision()) == Holdout(share=share, salt="spring")


def test_the_share_never_rises() -> None:
    experiment = Experiment(share=0.002, salt="spring", then=0.005, half_width_bps=0.1)

    assert experiment.share_in_force == 0.002


@given(SHARES, st.text(), SHARES, SHARES, st.none() | SHARES)
def test_an_experiment_reads_back_as_it_was_written(
    share: float, salt: str, until_bps: float, then: float, half_width_bps: float | None
) -> None:
    experiment = Experiment(share=share, salt=salt, until_bps=until_bps, then=then, half_width_bps=half_width_bps)

    assert experiment_from_text(experiment.to_text()) == experiment
    assert experiment_from_text(None) == Experiment()
