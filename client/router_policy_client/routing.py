"""What a router goes by: where its policies come from, where outcomes go, and how long and how often it tries."""

from dataclasses import dataclass, field
from typing import Protocol

from router_policy_client.leg import Patience
from router_policy_client.order import Outcome
from router_policy_client.policy import Reading

MOST_TRIES = 9


class PolicySource(Protocol):
    """What knows the policies; a PolicyReader is one."""

    def get(self, symbol: str) -> Reading:
        """Return what to act on now; never raises."""
        ...


class OutcomeLog(Protocol):
    """What keeps the outcomes; an OrderLog is one."""

    def append(self, outcome: Outcome) -> None:
        """Keep one outcome. What it raises is said in the log of the process and stops no order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How orders are routed: how long for what, and how often.

    `post_only_tries` counts the maker attempts of one order, each at a fresh price after the venue has turned the one
    before away; `taker_tries` the market orders for what is left, `quote_tries` the looks for a price. Raises
    ValueError for a count below 1, and for more than 9 tries of either kind of order.
    """

    patience: Patience = field(default_factory=Patience)
    post_only_tries: int = 3
    taker_tries: int = 3
    quote_tries: int = 3

    def __post_init__(self) -> None:
        if min(self.post_only_tries, self.taker_tries, self.quote_tries) < 1:
            raise ValueError(f"{self}: every count of tries is at least 1")
        # A process that takes an order up again looks for every leg that one with other counts may have sent.
        if max(self.post_only_tries, self.taker_tries) > MOST_TRIES:
            raise ValueError(f"{self}: post_only_tries and taker_tries are at most {MOST_TRIES}")
