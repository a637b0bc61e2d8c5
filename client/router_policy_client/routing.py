"""The settings of a router: the source of its policies, the log of its outcomes, its waits and its attempts."""

from dataclasses import dataclass, field
from typing import Protocol

from router_policy_client.leg import Patience
from router_policy_client.order import Outcome
from router_policy_client.policy import Reading

MOST_TRIES = 9


class PolicySource(Protocol):
    """Provides readings; a PolicyReader is one."""

    def get(self, symbol: str) -> Reading:
        """Return what to act on now; never raises."""
        ...


class OutcomeLog(Protocol):
    """Stores outcomes; an OrderLog is one."""

    def append(self, outcome: Outcome) -> None:
        """Append one outcome. An exception is logged and stops no order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How orders are routed: waits and numbers of attempts.

    `post_only_tries` bounds the post-only rejects of one order, over all its posts: after each but the last it is
    posted again at a fresh price. `taker_tries` bounds the market orders for a part of it, and `quote_tries` the
    requests for a quote. An order has at most 9 orders of a kind at the venue, posts and rejects together. Raises
    ValueError for a count below 1, and for more than 9 tries of either kind.
    """

    patience: Patience = field(default_factory=Patience)
    post_only_tries: int = 3
    taker_tries: int = 3
    quote_tries: int = 3

    def __post_init__(self) -> None:
        if min(self.post_only_tries, self.taker_tries, self.quote_tries) < 1:
            raise ValueError(f"{self}: every count of tries must be at least 1")
        # A process that resumes an order fetches every leg that an earlier one with other counts may have sent.
        if max(self.post_only_tries, self.taker_tries) > MOST_TRIES:
            raise ValueError(f"{self}: post_only_tries and taker_tries must be at most {MOST_TRIES}")
