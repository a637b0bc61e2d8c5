"""What a venue knows of its markets: the ticks of its prices, and which quantities it accepts."""

from contextlib import suppress
from decimal import Decimal
from typing import cast

from router_policy_client.order import Side
from router_policy_client.venue import MarketVenue, Venue

_NOTHING = Decimal(0)


class MarketRules:
    """The rules of a symbol at a venue; unknown if the venue is not a MarketVenue, or cannot tell them now.

    Nothing raises: an order goes out without the rules too.
    """

    def __init__(self, venue: Venue, symbol: str) -> None:
        self._venue = cast(MarketVenue, venue)  # one without these methods raises AttributeError below
        self._symbol = symbol

    def on_tick(self, side: Side, price: Decimal) -> Decimal | None:
        """Return the price at which a post-only order at `price` rests; None if the ticks are unknown."""
        with suppress(Exception):
            on_tick = self._venue.on_tick(self._symbol, side, price)
            return on_tick if isinstance(on_tick, Decimal) and on_tick.is_finite() and on_tick > 0 else None
        return None

    def may_accept(self, quantity: Decimal, price: Decimal) -> bool:
        """Return whether the venue accepts an order of this quantity, as far as is known."""
        return self._tradable(quantity, price) in (None, quantity)

    def sliver(self, quantity: Decimal, share: float, price: Decimal) -> Decimal:
        """Return the share of a quantity in whole lot steps, such that the venue accepts it and the rest by itself.

        0 if it does not, or if its rules are unknown.
        """
        if share == 1:
            return quantity
        sliver = self._tradable(quantity * Decimal(str(share)), price) or _NOTHING
        return sliver if sliver and self._tradable(quantity - sliver, price) == quantity - sliver else _NOTHING

    def _tradable(self, quantity: Decimal, price: Decimal) -> Decimal | None:
        with suppress(Exception):
            tradable = self._venue.tradable(self._symbol, quantity, price)
            return tradable if isinstance(tradable, Decimal) and 0 <= tradable <= quantity else None
        return None
