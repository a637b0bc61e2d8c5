"""The words of a policy and of a reading. A word that a newer service may write is read as the neutral one."""

from enum import StrEnum


class Status(StrEnum):
    """How far a policy can be trusted, by its age."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"
    MISSING = "missing"
    CLOCK_SKEW = "clock_skew"


class TakerBias(StrEnum):
    """How long a maker order may wait before the rest crosses: the full wait, half of it, a quarter of it."""

    PREFER_MAKER = "prefer_maker"
    BALANCED = "balanced"
    PREFER_TAKER = "prefer_taker"


class Quality(StrEnum):
    """How well maker orders have been working; `unknown` where no policy says so, or one with a word of later days."""

    GOOD = "good"
    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"
    UNKNOWN = "unknown"


_BIASES = {word.value: word for word in TakerBias}
_QUALITIES = {word.value: word for word in Quality}


def read_taker_bias(word: str) -> TakerBias:
    """Read a stored word; one that is not known here means balanced."""
    return _BIASES.get(word, TakerBias.BALANCED)


def read_quality(word: str) -> Quality:
    """Read a stored word; one that is not known here means unknown."""
    return _QUALITIES.get(word, Quality.UNKNOWN)
