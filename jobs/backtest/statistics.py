"""How much one policy costs more than another over the same orders, and how sure that is."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from jobs.backtest.arrays import Floats, Integers
from jobs.confidence_interval import ConfidenceInterval, confidence_interval

CLEAR_AT_ERRORS = 3.0
_FEWEST_CLUSTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over orders with its standard error and its 95 % interval, both None where they cannot be told."""

    mean: float
    standard_error: float | None
    interval: ConfidenceInterval | None
    order_count: int

    @property
    def is_clear(self) -> bool:
        """Whether it is more than three standard errors from zero: several policies are compared at once."""
        return self.standard_error is not None and abs(self.mean) > CLEAR_AT_ERRORS * self.standard_error

    def scaled(self, factor: float) -> "Estimate":
        """Return the estimate in another unit; `factor` is not negative."""
        error, within = self.standard_error, self.interval
        return Estimate(
            mean=self.mean * factor,
            standard_error=error * factor if error is not None else None,
            interval=ConfidenceInterval(lower=within.lower * factor, upper=within.upper * factor) if within else None,
            order_count=self.order_count,
        )


def estimate(values: Floats, day: Integers, run: Integers) -> Estimate:
    """Estimate the mean of the orders' values, which are alike within a calendar day and perhaps within a run.

    The standard error is the larger of those with days and with runs as clusters, of which at least 3 must be there.
    Raises ValueError without orders.
    """
    if len(values) == 0:
        raise ValueError("the mean of no orders was asked for")
    mean = float(values.mean())
    error, cluster_count = max(_clustered(values - mean, day), _clustered(values - mean, run))
    if cluster_count < _FEWEST_CLUSTERS:
        return Estimate(mean=mean, standard_error=None, interval=None, order_count=len(values))
    within = confidence_interval(mean, error, cluster_count)
    return Estimate(mean=mean, standard_error=error, interval=within, order_count=len(values))


def _clustered(residual: Floats, cluster: Integers) -> tuple[float, int]:
    """Return the standard error of the mean by these clusters, and their number; -1 and 0 where they are too few."""
    _, place = np.unique(cluster, return_inverse=True)
    sums = np.bincount(place, weights=residual)
    count = len(sums)
    if count < _FEWEST_CLUSTERS:
        return -1.0, 0
    return sqrt(count / (count - 1) * float((sums**2).sum())) / len(residual), count
