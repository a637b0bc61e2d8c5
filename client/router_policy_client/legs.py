"""The legs of one order by their names: how much they filled, at what price, and whether all of that is certain.

A leg's name is its kind and number: `m` for a maker attempt, `f` for its fallback, `t` for straight to taker. So a
process that resumes the order knows from the ids at the venue what the earlier one did.
"""

from decimal import Decimal

from router_policy_client.clock import Clock
from router_policy_client.leg import Ending, Leg, Patience, client_order_id_of
from router_policy_client.order import Order
from router_policy_client.venue import OrderState, OrderStatus, Venue

ALL_KINDS = "mft"
_NOTHING = Decimal(0)


class Legs:
    """The legs that were sent for an order, or may have been."""

    def __init__(self, order: Order, venue: Venue, clock: Clock, patience: Patience) -> None:
        self._order = order
        self._venue = venue
        self._clock = clock
        self._patience = patience
        self._by_name: dict[str, Leg] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def add(self, name: str) -> Leg:
        """Return a new leg of this name, not sent yet."""
        client_order_id = client_order_id_of(self._order.order_id, name)
        leg = self._by_name[name] = Leg(self._venue, self._order.symbol, client_order_id, self._clock, self._patience)
        return leg

    def drop_absent(self) -> None:
        """Forget the legs that certainly never were at the venue."""
        self._by_name = {name: leg for name, leg in self._by_name.items() if leg.ending is not Ending.ABSENT}

    def of(self, kinds: str = ALL_KINDS) -> list[Leg]:
        """Return the legs of these kinds, in the order in which they were added."""
        return [leg for name, leg in self._by_name.items() if name[0] in kinds]

    def filled(self, kinds: str = ALL_KINDS) -> Decimal:
        """Return the quantity that the venue has confirmed as filled."""
        return sum((leg.filled for leg in self.of(kinds)), _NOTHING)

    def is_certain(self, kinds: str = ALL_KINDS) -> bool:
        """Return whether it is certain how each leg ended, or that it never was there."""
        return all(leg.ending is not Ending.UNKNOWN for leg in self.of(kinds))

    @property
    def is_maker_started(self) -> bool:
        """Whether a maker attempt was made: one was sent, or the fallback of one was."""
        return any(leg.is_known for leg in self.of("mf"))

    @property
    def is_fallback_used(self) -> bool:
        """Whether a part was sent as taker after a maker attempt, and not refused."""
        return any(leg.is_known and leg.ending not in (Ending.REFUSED, Ending.ABSENT) for leg in self.of("f"))

    @property
    def is_crossing_refused(self) -> bool:
        """Whether the venue refused to cross."""
        return any(leg.ending is Ending.REFUSED for leg in self.of("ft"))

    @property
    def post_only_rejects(self) -> int:
        """How many maker attempts the venue rejected because they would have crossed."""
        return sum(leg.ending is Ending.RETRYABLE for leg in self.of("m"))

    def has_filled_whole_maker_leg(self) -> bool:
        """Return whether the venue filled a whole maker leg."""
        return any(leg.state is not None and leg.state.status is OrderStatus.FILLED for leg in self.of("m"))

    def is_maker_by_flags(self) -> bool | None:
        """Return whether the maker legs filled as maker by the venue's liquidity flags; None if one is unknown."""
        flags = {state.is_maker for state in _states_with_fills(self.of("m"))}
        return False if False in flags else None if None in flags else True

    def average_price(self) -> Decimal | None:
        """Return the mean fill price; None if nothing was filled, or a price is unknown."""
        states = _states_with_fills(self.of())
        paid = [state.average_price * state.filled for state in states if state.average_price is not None]
        return sum(paid, _NOTHING) / self.filled() if states and len(paid) == len(states) else None

    def fees(self) -> Decimal | None:
        """Return the sum of the fees; None if nothing was filled, or a fee is unknown."""
        states = _states_with_fills(self.of())
        fees = [state.fees for state in states if state.fees is not None]
        return sum(fees, _NOTHING) if states and len(fees) == len(states) else None

    def client_order_ids(self) -> tuple[str, ...]:
        """Return the ids of all legs at the venue."""
        return tuple(leg.client_order_id for leg in self.of())

    def unresolved_ids(self) -> tuple[str, ...]:
        """Return the ids of the legs that may still be open at the venue."""
        return tuple(leg.client_order_id for leg in self.of() if leg.ending is Ending.UNKNOWN)


def _states_with_fills(legs: list[Leg]) -> list[OrderState]:
    return [leg.state for leg in legs if leg.state is not None and leg.filled]
