"""Four hours of the rule set `measured`: maker orders of a symbol come to cost more than crossing, then less."""

from dataclasses import replace

from policy import Evidence
from policy.fee_gap import FeeGap
from policy.maker_cost import CostEvidence, CostSample, MakerCost
from policy.outage_evidence import OutageEvidence
from policy.rules import State, rule_set
from policy.streaks import Streaks
from storage.store import Store
from tests.support.runs import evidence
from tests.support.shadowed_history import HOUR, MIDNIGHT, SEED, publish_run

MEASURED = rule_set("measured")
QUIET = OutageEvidence(sum_before=-3.5, order_count=40)
TAKERS = CostSample(order_count=20, mean_bps=0.25, deviation_bps=0.0)
COSTS_BY_HOUR = {0: None, 1: 1.0, 2: 0.1, 3: -1.0}


def seen(hour: int) -> Evidence:
    """Return what the run of an hour sees."""
    more = COSTS_BY_HOUR[hour]
    maker = CostSample(order_count=2000, mean_bps=more + 0.25, deviation_bps=10.0) if more is not None else CostSample()
    return replace(
        evidence("BTCUSDT"),
        streaks=Streaks(as_of=MIDNIGHT + hour * HOUR, own_outage=QUIET, pool_outage=QUIET),
        fee_gap=FeeGap(gap_bps=1.0),
        cost=CostEvidence(own=MakerCost(maker=maker), pool=MakerCost(maker=maker, taker=TAKERS)),
    )


def publish_measured_history(store: Store) -> None:
    """Publish four runs, of each hour's evidence, with the seed in their shadow."""
    states: dict[str, State | None] = {}
    for hour in COSTS_BY_HOUR:
        publish_run(store, hour, (seen(hour),), MEASURED, SEED, states)
