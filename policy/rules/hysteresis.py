"""Hysteresis of the shown quality: worse only if significant, and changed only if several runs agree."""

from dataclasses import dataclass
from math import sqrt

from policy.enums import Quality
from policy.evidence import Effectiveness
from policy.numbers import METRIC_DECIMALS
from policy.quality import QualityThresholds, judge_quality


@dataclass(frozen=True, slots=True, kw_only=True)
class StableQuality:
    """The shown quality, and the other quality that the last `candidate_count` runs measured; 0 if they agree."""

    quality: Quality
    candidate: Quality
    candidate_count: int = 0

    def after(self, measured: Quality, run_count: int) -> "StableQuality":
        """Return the state after one more run measured this quality; `run_count` equal ones in a row change it."""
        if measured is self.quality:
            return StableQuality(quality=measured, candidate=measured)
        count = self.candidate_count + 1 if measured is self.candidate else 1
        if count >= run_count:
            return StableQuality(quality=measured, candidate=measured)
        return StableQuality(quality=self.quality, candidate=measured, candidate_count=count)


def wilson_lower_bound(ratio: float, count: int, z: float) -> float:
    """Return the one-sided lower bound of a proportion of `ratio` over `count`, z standard deviations below it.

    Wilson's score interval (1927), without continuity correction. 0 for a count of 0.
    """
    if count == 0:
        return 0.0
    middle = ratio + z * z / (2 * count)
    spread = z * sqrt(ratio * (1 - ratio) / count + z * z / (4 * count * count))
    return max(0.0, (middle - spread) / (1 + z * z / count))


def candidate_quality(
    effectiveness: Effectiveness, thresholds: QualityThresholds, min_attempts: int, wilson_z: float
) -> Quality:
    """Classify as the seed does, but ok with fewer than `min_attempts` maker orders, and worse only if significant.

    A fallback ratio means broken or degraded only if its lower bound does; good is decided by the ratios themselves.
    """
    attempts = effectiveness.maker_started_count
    if attempts < min_attempts:
        return Quality.OK
    plain = judge_quality(effectiveness, thresholds)[0]
    if plain in (Quality.GOOD, Quality.OK):
        return plain
    bound = wilson_lower_bound(effectiveness.fallback_ratio or 0.0, attempts, wilson_z)
    doubted = Effectiveness(
        maker_fill_ratio=effectiveness.maker_fill_ratio,
        fallback_ratio=round(bound, METRIC_DECIMALS),
        slip_q50=effectiveness.slip_q50,
    )
    quality = judge_quality(doubted, thresholds)[0]
    return Quality.OK if quality is Quality.GOOD else quality
