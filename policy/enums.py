"""The stored words of a policy: each is stored, printed and compared as the text that stands here."""

from enum import StrEnum


class Quality(StrEnum):
    """How healthy the maker-first router is for one symbol, best first."""

    GOOD = "good"
    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"


class Regime(StrEnum):
    """How volatile a market is against its own recent past; UNKNOWN is treated as NORMAL, and the reason names it."""

    QUIET = "quiet"
    NORMAL = "normal"
    HOT = "hot"
    PANIC = "panic"
    UNKNOWN = "unknown"


class TakerBias(StrEnum):
    """How patient the router is at the maker price: the full wait, half of it, a quarter of it."""

    PREFER_MAKER = "prefer_maker"
    BALANCED = "balanced"
    PREFER_TAKER = "prefer_taker"
