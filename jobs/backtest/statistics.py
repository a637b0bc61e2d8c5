"""The mean difference of two policies over the same orders, with its confidence interval."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from jobs.backtest.arrays import Floats, Integers
from jobs.confidence_interval import ConfidenceInterval, confidence_interval

CLEAR_AT_ERRORS = 3.0
_MIN_CLUSTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over orders with its standard error and its 95 % interval, both None if they are unknown."""

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


def estimate(values: Floats, day: Integers, repetition: Integers) -> Estimate:
    """Estimate the mean of the orders' values, which are alike within a calendar day and perhaps within a repetition.

    The standard error is the larger of those with days and with repetitions as clusters, at least 3 of either.
    Raises ValueError without orders.
    """
    if len(values) == 0:
        raise ValueError("there are no orders to estimate a mean of")
    mean = float(values.mean())
    error, cluster_count = max(_clustered(values - mean, day), _clustered(values - mean, repetition))
    if cluster_count < _MIN_CLUSTERS:
        return Estimate(mean=mean, standard_error=None, interval=None, order_count=len(values))
    within = confidence_interval(mean, error, cluster_count)
    return Estimate(mean=mean, standard_error=error, interval=within, order_count=len(values))


def _clustered(residual: Floats, cluster: Integers) -> tuple[float, int]:
    """Return the standard error of the mean by these clusters, and their number; -1 and 0 if they are too few."""
    _, index = np.unique(cluster, return_inverse=True)
    sums = np.bincount(index, weights=residual)
    count = len(sums)
    if count < _MIN_CLUSTERS:
        return -1.0, 0
    return sqrt(count / (count - 1) * float((sums**2).sum())) / len(residual), count
