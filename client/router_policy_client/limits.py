"""When a policy is too old, and what to do instead."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Self

from router_policy_client.enums import Quality, Status, TakerBias
from router_policy_client.errors import ReaderSettingsError


def refuse_what_is_no_number(**settings: object) -> None:
    """Raise ReaderSettingsError for the first setting of another kind, by its name."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ReaderSettingsError(f"{name} must be a number, was {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What a router is told where there is no policy to act on."""

    maker_first: bool
    taker_bias: TakerBias
    quality: Quality


# An old policy says nothing about today's router, so it is taken for a degraded one; without any, the router decides.
DEGRADED = Fallback(maker_first=True, taker_bias=TakerBias.PREFER_TAKER, quality=Quality.DEGRADED)
OWN_CHOICE = Fallback(maker_first=True, taker_bias=TakerBias.BALANCED, quality=Quality.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """The fallback for each status that needs one; `stale` None acts on the policy while it is only stale."""

    stale: Fallback | None = None
    expired: Fallback = DEGRADED
    missing: Fallback = OWN_CHOICE
    clock_skew: Fallback = DEGRADED

    def for_status(self, status: Status) -> Fallback | None:
        """Return what to do instead of the policy, or None where the policy is acted on."""
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

    A slot up to `clock_tolerance_seconds` in the future counts as now: the clocks of two machines differ a little.
    Raises ReaderSettingsError where the limits are no finite ages in this order.
    """

    stale_seconds: float
    expired_seconds: float
    clock_tolerance_seconds: float

    def __post_init__(self) -> None:
        ordered = 0 < self.stale_seconds <= self.expired_seconds and self.clock_tolerance_seconds >= 0
        if not (ordered and isfinite(self.expired_seconds) and isfinite(self.clock_tolerance_seconds)):
            raise ReaderSettingsError(
                f"a policy must become stale before it expires, and both after some time; was: stale after "
                f"{self.stale_seconds} s, expired after {self.expired_seconds} s, "
                f"a slot {self.clock_tolerance_seconds} s in the future counts as now"
            )

    @classmethod
    def of_intervals(
        cls, interval_seconds: float, *, stale_after: float, expired_after: float, clock_tolerance_seconds: float
    ) -> Self:
        """Return the limits after so many intervals; raises ReaderSettingsError for what is no number, too."""
        refuse_what_is_no_number(
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

    def judge(self, age_seconds: float) -> tuple[Status, float]:
        """Return the status at an age, negative for a slot in the future, and for how long it stays so.

        An age that is no number is expired, and what is expired stays so for ever.
        """
        if age_seconds < -self.clock_tolerance_seconds:
            return Status.CLOCK_SKEW, -self.clock_tolerance_seconds - age_seconds
        if age_seconds <= self.stale_seconds:
            return Status.FRESH, self.stale_seconds - age_seconds
        if age_seconds <= self.expired_seconds:
            return Status.STALE, self.expired_seconds - age_seconds
        return Status.EXPIRED, inf
