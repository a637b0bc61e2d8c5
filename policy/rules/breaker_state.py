"""The state that the rule set `breaker` remembers of one symbol from run to run."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from policy.enums import Quality
from policy.rules import earlier_words
from policy.rules.hysteresis import StableQuality

_ENCODER = json.JSONEncoder(default=datetime.isoformat, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Since when the breaker is open, None while it is closed, and from when evidence counts, None for all of it."""

    opened_at: datetime | None = None
    restarted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The symbol's own breaker, the scope's, and the shown quality, with the progress of a change.

    `stable_quality` None means that no run has decided on the symbol yet.
    """

    own: Breaker = Breaker()
    pool: Breaker = Breaker()
    stable_quality: StableQuality | None = None

    @property
    def is_open(self) -> bool:
        """Whether the symbol's own breaker or the scope's holds maker orders back."""
        return self.own.opened_at is not None or self.pool.opened_at is not None

    def to_text(self) -> str:
        """Write the state as the JSON text that is stored: times as ISO 8601, keys sorted, no blanks."""
        stable = self.stable_quality
        return _ENCODER.encode(
            {
                "own": _fields(self.own),
                "pool": _fields(self.pool),
                "stable_quality": _fields(stable) if stable is not None else None,
            }
        )

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
    )


def _fields(value: Breaker | StableQuality) -> dict[str, object]:
    """Return the fields by name; `asdict` would copy each value, which takes most of the time of `to_text`."""
    return {name: getattr(value, name) for name in value.__slots__}


def _breaker(parts: dict[str, str | None]) -> Breaker:
    return Breaker(**{name: datetime.fromisoformat(text) if text else None for name, text in parts.items()})


def newcomer(states: Iterable[State]) -> State:
    """Return the state of a new symbol: the scope's breaker is shared, so it is taken from any other symbol."""
    return replace(State(), pool=next((state.pool for state in states), Breaker()))
