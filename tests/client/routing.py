"""Orders routed on a scripted venue, as the router's tests begin."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.order import Outcome, Side
from router_policy_client.policy import Reading
from router_policy_client.router import route_order
from router_policy_client.venue import PostOnlyRejectedError, VenueTimeoutError
from tests.client.scripted import READING, START, Kept, Reader, Script, ScriptedMarket, ScriptedVenue, order

NEVER_FILLED = Script()
NO_ANSWER = VenueTimeoutError("no answer")
TURNED_AWAY = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)


def route(
    venue: ScriptedVenue, clock: SimulatedClock, reading: Reading = READING, side: Side = Side.BUY, **more: Any
) -> Outcome:
    """Route one order of 2 and see that the log has got what was returned, once."""
    log = Kept()
    outcome = route_order(order(side), venue, Reader(reading), log, clock=clock, **more)
    assert log.outcomes == [outcome]
    assert outcome.filled + outcome.unfilled == 2
    return outcome


def market(**scripts: Script) -> tuple[ScriptedMarket, SimulatedClock]:
    """A venue that knows the rules of its market, with scripts of its legs."""
    clock = SimulatedClock(START)
    return ScriptedMarket(clock, scripts), clock


def scripted(**scripts: Script) -> tuple[ScriptedVenue, SimulatedClock]:
    clock = SimulatedClock(START)
    return ScriptedVenue(clock, scripts), clock


class KilledAt:
    """A venue whose caller is killed at its first request after so many seconds: nothing reaches it from then on."""

    def __init__(self, venue: ScriptedVenue, clock: SimulatedClock, seconds: float) -> None:
        self._venue, self._clock = venue, clock
        self._until = clock.now() + timedelta(seconds=seconds)

    def __getattr__(self, name: str) -> Any:
        if self._clock.now() >= self._until:
            raise KeyboardInterrupt
        return getattr(self._venue, name)


def died_in(venue: ScriptedVenue, clock: SimulatedClock, at_seconds: float, reading: Reading = READING) -> None:
    """Route an order in a process that dies at its first pause after so many seconds and cannot clean up."""

    class Killed(BaseException):
        pass

    class Deadly(SimulatedClock):
        def now(self) -> datetime:
            return clock.now()

        def monotonic_seconds(self) -> float:
            return clock.monotonic_seconds()

        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            if clock.monotonic_seconds() >= at_seconds:
                raise Killed

    alive = venue.cancel_order
    venue.cancel_order = None  # type: ignore[assignment, method-assign]  # so that it fails
    with pytest.raises(Killed):
        route_order(order(), venue, Reader(reading), Kept(), clock=Deadly(START))
    venue.cancel_order = alive  # type: ignore[method-assign]  # as it was
