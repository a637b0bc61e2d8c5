"""Age limits of a policy, and the fallback beyond them."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Self

from router_policy_client.enums import Quality, Status, TakerBias
from router_policy_client.errors import ReaderSettingsError


def require_numbers(**settings: object) -> None:
    """Raise ReaderSettingsError for the first setting that is not a number, with its name."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReaderSettingsError(f"{name} must be a number, was {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What a router acts on if no policy applies."""

    maker_first: bool
    taker_bias: TakerBias
    quality: Quality


# An expired policy is not evidence of today, so the router counts as degraded; without any policy the router decides.
DEGRADED = Fallback(maker_first=True, taker_bias=TakerBias.PREFER_TAKER, quality=Quality.DEGRADED)
OWN_CHOICE = Fallback(maker_first=True, taker_bias=TakerBias.BALANCED, quality=Quality.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """The fallback for each status; with `stale` None a stale policy is still acted on."""

    stale: Fallback | None = None
    expired: Fallback = DEGRADED
    missing: Fallback = OWN_CHOICE
    clock_skew: Fallback = DEGRADED

    def for_status(self, status: Status) -> Fallback | None:
        """Return the fallback for a status, or None if the policy is acted on."""
        match status:
            case Status.FRESH:
                return None
            case Status.STALE:
                return self.stale
            case Status.EXPIRED:
                return self.expired
            case Status.MISSING:
                return self.missing
            case Status.CLOCK_SKEW:
                return self.clock_skew


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ages in seconds: fresh up to `stale_seconds`, stale up to `expired_seconds`, both inclusive.

    A slot up to `clock_tolerance_seconds` in the future counts as now: clocks of two machines differ a little.
    Raises ReaderSettingsError unless the limits are finite and 0 < stale <= expired.
    """

    stale_seconds: float
    expired_seconds: float
    clock_tolerance_seconds: float

    def __post_init__(self) -> None:
        ordered = 0 < self.stale_seconds <= self.expired_seconds and self.clock_tolerance_seconds >= 0
        if not (ordered and isfinite(self.expired_seconds) and isfinite(self.clock_tolerance_seconds)):
            raise ReaderSettingsError(
                f"invalid limits: a policy must become stale before it expires, both after more than 0 s; "
                f"was: stale after {self.stale_seconds} s, expired after {self.expired_seconds} s, "
                f"clock tolerance {self.clock_tolerance_seconds} s"
            )

    @classmethod
    def of_intervals(
        cls, interval_seconds: float, *, stale_after: float, expired_after: float, clock_tolerance_seconds: float
    ) -> Self:
        """Return limits in multiples of an interval. Raises ReaderSettingsError also if a value is not a number."""
        require_numbers(
            interval_seconds=interval_seconds,
            stale_after_intervals=stale_after,
            expired_after_intervals=expired_after,
            clock_tolerance_seconds=clock_tolerance_seconds,
        )
        return cls(
            stale_seconds=stale_after * interval_seconds,
            expired_seconds=expired_after * interval_seconds,
            clock_tolerance_seconds=clock_tolerance_seconds,
        )

    def status_at(self, age_seconds: float) -> tuple[Status, float]:
        """Return the status at an age and the seconds until it changes; the age is negative for a slot in the future.

        NaN is EXPIRED, and EXPIRED lasts for ever (infinity).
        """
        if age_seconds < -self.clock_tolerance_seconds:
            return Status.CLOCK_SKEW, -self.clock_tolerance_seconds - age_seconds
        if age_seconds <= self.stale_seconds:
            return Status.FRESH, self.stale_seconds - age_seconds
        if age_seconds <= self.expired_seconds:
            return Status.STALE, self.expired_seconds - age_seconds
        return Status.EXPIRED, inf
