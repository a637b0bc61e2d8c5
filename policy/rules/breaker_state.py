"""The state that the rule sets `breaker` and `measured` remember of one symbol from run to run."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from policy.enums import Quality
from policy.maker_cost import CostRoute
from policy.rules import earlier_words
from policy.rules.hysteresis import StableQuality

_ENCODER = json.JSONEncoder(default=datetime.isoformat, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPeriod:
    """A time in which a breaker was open: `opened_at` inclusive, `closed_at` exclusive; both are slots."""

    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Since when the breaker is open, None while it is closed, and from when evidence counts, None for all of it.

    Version 2 also remembers how many times in a row it opened again soon after it had closed, and in which times of the
    outcome window it was open, oldest first: what was sent then shows no normal operation.
    """

    opened_at: datetime | None = None
    restarted_at: datetime | None = None
    relapse_count: int = 0
    open_periods: tuple[OpenPeriod, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The symbol's own breaker, the scope's, and the shown quality, with the progress of a change.

    `stable_quality` None means that no run has decided on the symbol yet. `cost_route` is the way that cost less when
    the evidence of `measured` was last clear, None if it has not been.
    """

    own: Breaker = Breaker()
    pool: Breaker = Breaker()
    stable_quality: StableQuality | None = None
    cost_route: CostRoute | None = None

    @property
    def is_open(self) -> bool:
        """Whether the symbol's own breaker or the scope's holds maker orders back."""
        return self.own.opened_at is not None or self.pool.opened_at is not None

    def with_breakers(self, own: Breaker, pool: Breaker) -> "State":
        """Return the state with these breakers: itself, if neither is another one."""
        if own is self.own and pool is self.pool:
            return self
        return State(own=own, pool=pool, stable_quality=self.stable_quality, cost_route=self.cost_route)

    def to_text(self) -> str:
        """Write the state as the JSON text that is stored: times as ISO 8601, keys sorted, no blanks."""
        stable = self.stable_quality
        parts = {
            "own": _breaker_fields(self.own),
            "pool": _breaker_fields(self.pool),
            "stable_quality": _fields(stable) if stable is not None else None,
        }
        return _ENCODER.encode(parts if self.cost_route is None else {**parts, "cost_route": self.cost_route})

    @staticmethod
    def from_text(text: str) -> "State":
        """Read what `to_text` wrote. Raises ValueError, KeyError or TypeError for any other text."""
        return _state(text)


@lru_cache(maxsize=4096)  # most symbols of a run have one of few states
def _state(text: str) -> State:
    parts = earlier_words.state_now(json.loads(text))
    stable = parts["stable_quality"]
    return State(
        own=_breaker(parts["own"]),
        pool=_breaker(parts["pool"]),
        stable_quality=stable
        and StableQuality(
            quality=Quality(stable["quality"]),
            candidate=Quality(stable["candidate"]),
            candidate_count=stable["candidate_count"],
        ),
        cost_route=CostRoute(parts["cost_route"]) if "cost_route" in parts else None,
    )


def _breaker_fields(breaker: Breaker) -> dict[str, object]:
    """Return the fields by name, without those of version 2 that are at their start: so a text of version 1 stays."""
    fields: dict[str, object] = {"opened_at": breaker.opened_at, "restarted_at": breaker.restarted_at}
    if breaker.relapse_count:
        fields["relapse_count"] = breaker.relapse_count
    if breaker.open_periods:
        fields["open_periods"] = [(period.opened_at, period.closed_at) for period in breaker.open_periods]
    return fields


def open_periods_to_text(periods: tuple[OpenPeriod, ...]) -> str | None:
    """Write open periods as the JSON text that is stored: a list of their two times as ISO 8601; None for none."""
    return _ENCODER.encode([(period.opened_at, period.closed_at) for period in periods]) if periods else None


def open_periods_from_text(text: str | None) -> tuple[OpenPeriod, ...]:
    """Read what `open_periods_to_text` wrote. Raises ValueError or TypeError for any other text."""
    return _open_periods(json.loads(text)) if text is not None else ()


def _open_periods(periods: Iterable[tuple[str, str]]) -> tuple[OpenPeriod, ...]:
    return tuple(
        OpenPeriod(opened_at=datetime.fromisoformat(opened_at), closed_at=datetime.fromisoformat(closed_at))
        for opened_at, closed_at in periods
    )


def _fields(value: StableQuality) -> dict[str, object]:
    """Return the fields by name; `asdict` would copy each value, which takes most of the time of `to_text`."""
    return {name: getattr(value, name) for name in value.__slots__}


def _breaker(parts: dict[str, Any]) -> Breaker:
    return Breaker(
        opened_at=_time(parts["opened_at"]),
        restarted_at=_time(parts["restarted_at"]),
        relapse_count=parts.get("relapse_count", 0),
        open_periods=_open_periods(parts.get("open_periods", ())),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def newcomer(states: Iterable[State]) -> State:
    """Return the state of a new symbol: the scope's breaker is shared, so it is taken from any other symbol."""
    return replace(State(), pool=next((state.pool for state in states), Breaker()))
