"""What maker orders cost more than crossing, as the rule set `measured` asks for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.engines.engine import Engine, MetricRow
from policy import metrics
from policy.maker_cost import CostEvidence, CostParameters, CostSample, MakerCost, merged
from policy.numbers import round_metric
from policy.rules import RuleSet
from policy.window import Window

# By symbol, how much less a maker fill costs, None if it is not known.
FeeGaps = Callable[[str], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostMeasurement:
    """The costs by symbol, and of the pool: all symbols with known fees."""

    own: Mapping[str, MakerCost] = field(default_factory=dict)
    pool: MakerCost = field(default_factory=MakerCost)

    def of(self, symbol: str) -> CostEvidence:
        """Return a symbol's evidence; one without such orders, or without known fees, has none of its own."""
        return CostEvidence(own=self.own.get(symbol, MakerCost()), pool=self.pool)


def measure_costs(
    engine: Engine, rule_sets: Sequence[RuleSet], window: Window, fee_gaps: FeeGaps
) -> dict[str, CostMeasurement]:
    """Measure what maker orders cost for each rule set that asks for it, by its name; maker orders are loaded.

    A query runs once for those that ask the same.
    """
    asked = {rules.name: rules.cost_parameters for rules in rule_sets if rules.cost_parameters is not None}
    measured = {parameters: _measure(engine, parameters, window, fee_gaps) for parameters in {*asked.values()}}
    return {name: measured[parameters] for name, parameters in asked.items()}


def _measure(engine: Engine, parameters: CostParameters, window: Window, fee_gaps: FeeGaps) -> CostMeasurement:
    start = window.as_of - timedelta(days=parameters.days)
    bounds: dict[str, datetime | float] = {
        "cost_start": start,
        "as_of": window.as_of,
        "clip_bps": parameters.clip_bps,
    }
    return cost_measurement(engine.rows(metrics.MAKER_COST, bounds), fee_gaps)


def cost_measurement(rows: Iterable[MetricRow], fee_gaps: FeeGaps) -> CostMeasurement:
    """Read the rows of the query; the fees are those of now, whatever they were when an order was sent."""
    makers: dict[str, list[CostSample]] = {}
    takers: dict[str, list[CostSample]] = {}
    for row in sorted(rows, key=lambda row: (row["symbol"], row["is_filled"])):
        gap_bps = fee_gaps(row["symbol"])
        if gap_bps is None:
            continue
        of_symbol = (makers if row["maker_started"] else takers).setdefault(row["symbol"], [])
        of_symbol.append(_sample(row).less(gap_bps if row["is_filled"] else 0.0))
    own = {
        symbol: MakerCost(maker=merged(makers.get(symbol, ())), taker=merged(takers.get(symbol, ())))
        for symbol in sorted(makers.keys() | takers.keys())
    }
    pool = MakerCost(
        maker=merged(cost.maker for cost in own.values()), taker=merged(cost.taker for cost in own.values())
    )
    return CostMeasurement(own=own, pool=pool)


def _sample(row: MetricRow) -> CostSample:
    return CostSample(
        order_count=row["order_count"],
        mean_bps=round_metric(row["mean_bps"]) or 0.0,
        deviation_bps=round_metric(row["deviation_bps"]) or 0.0,
    )
