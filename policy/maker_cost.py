"""What maker orders cost more than crossing at their arrival, as a bot's own orders show it.

Of each maker order: its slippage less the quote at arrival, and less the fee gap if it filled as maker. What taker
orders paid beyond their quotes is taken off, for an order that had crossed would have paid that as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from policy.experiment.confidence_sequence import anytime_margin
from policy.numbers import round_metric

# With fewer taker orders their standard deviation is not known well enough, and crossing counts as its quote.
LEAST_TAKER_ORDERS = 10


class CostRoute(StrEnum):
    """The way that costs less by the evidence."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParameters:
    """Which orders are the evidence: those of the last `days`, each with its cost beyond the quote clipped.

    A cost of more than `clip_bps` basis points to either side counts as that.
    """

    days: int = 60
    clip_bps: float = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSample:
    """A cost of `order_count` orders in basis points, + is worse: its mean and standard deviation, both 0 without any.

    The deviation is that of the sample: its variance is the mean square of the differences from the mean.
    """

    order_count: int = 0
    mean_bps: float = 0.0
    deviation_bps: float = 0.0

    def less(self, bps: float) -> "CostSample":
        """Return the sample if each order had cost so much less."""
        return CostSample(order_count=self.order_count, mean_bps=self.mean_bps - bps, deviation_bps=self.deviation_bps)


def merged(samples: Iterable[CostSample]) -> CostSample:
    """Return the sample of all these orders together, its figures rounded to 9 decimals."""
    parts = [sample for sample in samples if sample.order_count]
    count = sum(part.order_count for part in parts)
    if not count:
        return CostSample()
    mean = sum(part.order_count * part.mean_bps for part in parts) / count
    squares = (part.order_count * (part.deviation_bps**2 + (part.mean_bps - mean) ** 2) for part in parts)
    return CostSample(
        order_count=count,
        mean_bps=round_metric(mean) or 0.0,
        deviation_bps=round_metric(sqrt(sum(squares) / count)) or 0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerCost:
    """The costs of one symbol, or of the pool of all symbols of the scope.

    `maker` is what each maker order cost beyond its quote, less the fee gap if it filled as maker; `taker` is what each
    taker order cost beyond its quote.
    """

    maker: CostSample = CostSample()
    taker: CostSample = CostSample()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEvidence:
    """The evidence of one symbol: its own costs, and those of the pool, in which its own are as well."""

    own: MakerCost = MakerCost()
    pool: MakerCost = MakerCost()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What a maker order costs more than crossing at arrival, in basis points: the mean, with the margin around it.

    The margin holds at every look. `order_count` is that of the maker orders, at least 1.
    """

    order_count: int
    mean_bps: float
    margin_bps: float

    @property
    def route(self) -> CostRoute | None:
        """The way that costs less, None if the margin leaves it open."""
        if abs(self.mean_bps) < self.margin_bps:
            return None
        return CostRoute.TAKER if self.mean_bps > 0 else CostRoute.MAKER


def estimated(maker: CostSample, taker: CostSample) -> CostEstimate | None:
    """Return the estimate from these orders, rounded to 9 decimals; None without maker orders.

    The variance is that of two samples that chance assigned: s1^2 / n1 + s0^2 / n0. With fewer than 10 taker orders,
    crossing counts as its quote.
    """
    if not maker.order_count:
        return None
    excess = taker if taker.order_count >= LEAST_TAKER_ORDERS else CostSample(order_count=1)
    variance = maker.deviation_bps**2 + maker.order_count * excess.deviation_bps**2 / excess.order_count
    margin = anytime_margin(maker.order_count, sqrt(variance))
    return CostEstimate(
        order_count=maker.order_count,
        mean_bps=round_metric(maker.mean_bps - excess.mean_bps) or 0.0,
        margin_bps=round_metric(margin) or 0.0,
    )
