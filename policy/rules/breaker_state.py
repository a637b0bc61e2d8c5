"""What the rule set `breaker` remembers of one symbol from one run to the next."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Self

from policy.enums import Quality
from policy.rules.hysteresis import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Since when maker orders are held back, None while they are not, and after when evidence counts, None for all."""

    opened_at: datetime | None = None
    restarted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The symbol's own breaker, the one of the whole scope, and the label with what is needed to change it.

    `label` None means that no run has judged the symbol yet.
    """

    own: Breaker = Breaker()
    pool: Breaker = Breaker()
    label: Label | None = None

    def to_text(self) -> str:
        """Write the state as the JSON text that is stored: times as ISO 8601, keys sorted, no blanks."""
        return json.dumps(asdict(self), default=datetime.isoformat, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote. Raises ValueError, KeyError or TypeError for any other text."""
        parts = json.loads(text)
        label = parts["label"]
        return cls(
            own=_breaker(parts["own"]),
            pool=_breaker(parts["pool"]),
            label=label
            and Label(
                quality=Quality(label["quality"]),
                next_quality=Quality(label["next_quality"]),
                next_count=label["next_count"],
            ),
        )


def _breaker(parts: dict[str, str | None]) -> Breaker:
    return Breaker(**{name: datetime.fromisoformat(text) if text else None for name, text in parts.items()})


def newcomer(states: Iterable[State]) -> State:
    """Return the state of a symbol that had none: the scope's breaker is shared, so it is taken from any other's."""
    return replace(State(), pool=next((state.pool for state in states), Breaker()))
