"""Orders routed on a scripted venue, as the router's tests begin."""

from typing import Any

from router_policy_client.clock import SimulatedClock
from router_policy_client.order import Outcome, Side
from router_policy_client.policy import Reading
from router_policy_client.router import route_order
from router_policy_client.venue import (
    VenueTimeoutError,
)
from tests.client.scripted import READING, START, Kept, Reader, Script, ScriptedVenue, order

NEVER_FILLED = Script()
NO_ANSWER = VenueTimeoutError("no answer")


def route(
    venue: ScriptedVenue, clock: SimulatedClock, reading: Reading = READING, side: Side = Side.BUY, **more: Any
) -> Outcome:
    """Route one order of 2 and see that the log has got what was returned, once."""
    log = Kept()
    outcome = route_order(order(side), venue, Reader(reading), log, clock=clock, **more)
    assert log.outcomes == [outcome]
    assert outcome.filled + outcome.unfilled == 2
    return outcome


def scripted(**scripts: Script) -> tuple[ScriptedVenue, SimulatedClock]:
    clock = SimulatedClock(START)
    return ScriptedVenue(clock, scripts), clock
