"""The stored words of a policy and of a reading. A word of a newer service is read as the neutral member."""

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
    """How well maker orders work; `unknown` without a policy, or if a newer service wrote a word unknown here."""

    GOOD = "good"
    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"
    UNKNOWN = "unknown"


_BIASES = {word.value: word for word in TakerBias}
_QUALITIES = {word.value: word for word in Quality}


def read_taker_bias(word: str) -> TakerBias:
    """Return the member for a stored word; BALANCED for an unknown word."""
    return _BIASES.get(word, TakerBias.BALANCED)


def read_quality(word: str) -> Quality:
    """Return the member for a stored word; UNKNOWN for an unknown word."""
    return _QUALITIES.get(word, Quality.UNKNOWN)
