"""Labels that do not flicker: worse only beyond doubt, and changed only when several runs agree."""

from dataclasses import dataclass
from math import sqrt

from policy.enums import Quality
from policy.evidence import Effectiveness
from policy.numbers import METRIC_DECIMALS
from policy.quality import QualityThresholds, judge_quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The label that is shown, and the other one that the last `next_count` runs found; 0 where they agreed."""

    quality: Quality
    next_quality: Quality
    next_count: int = 0

    def after(self, found: Quality, runs: int) -> "Label":
        """Return the label once one more run found this; `runs` equal ones in a row change it."""
        if found is self.quality:
            return Label(quality=found, next_quality=found)
        count = self.next_count + 1 if found is self.next_quality else 1
        return (
            Label(quality=found, next_quality=found)
            if count >= runs
            else Label(quality=self.quality, next_quality=found, next_count=count)
        )


def wilson_lower_bound(ratio: float, count: int, z: float) -> float:
    """Return the lower bound of a proportion that was `ratio` of `count`, one-sided, z standard deviations below.

    Wilson's score interval (1927), without continuity correction. 0 for a count of 0.
    """
    if count == 0:
        return 0.0
    middle = ratio + z * z / (2 * count)
    spread = z * sqrt(ratio * (1 - ratio) / count + z * z / (4 * count * count))
    return max(0.0, (middle - spread) / (1 + z * z / count))


def found_quality(
    effectiveness: Effectiveness, thresholds: QualityThresholds, min_attempts: int, wilson_z: float
) -> Quality:
    """Judge as the seed does, but ok with fewer than `min_attempts` maker orders, and worse only beyond doubt.

    A fallback ratio makes broken or degraded when its lower bound does; good is judged by the ratios themselves.
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
