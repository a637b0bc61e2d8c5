"""The part of a decision that sends an order: maker first or not, and how long to wait."""

from collections.abc import Callable

from policy.enums import TakerBias
from policy.evidence import Evidence
from policy.reason_codes import Code
from policy.rules.breaker_state import State

# Whether to try maker first, how long to wait, and the codes of what decided it beside the breakers.
Routed = tuple[bool, TakerBias, tuple[Code, ...]]
# From the evidence of one symbol and the state before to the route and the state after.
DecideOnRoute = Callable[[Evidence, State | None], tuple[Routed, State | None]]
