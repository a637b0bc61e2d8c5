"""A venue that does what a test says, leg by leg, and writes every request down; readings and logs to go with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from router_policy_client.clock import SimulatedClock
from router_policy_client.enums import Quality, Status, TakerBias
from router_policy_client.order import Order, Outcome, Side
from router_policy_client.policy import Reading
from router_policy_client.venue import OrderState, OrderStatus, Quote, VenueTimeoutError

START = datetime(2026, 4, 26, 12, 0, tzinfo=UTC)
READING = Reading(
    symbol="BTCUSDT",
    status=Status.FRESH,
    age_seconds=60.0,
    run_id=7,
    slot=START - timedelta(minutes=1),
    maker_first=True,
    taker_bias=TakerBias.PREFER_MAKER,
    quality=Quality.GOOD,
    regime="normal",
    reason="",
    maker_offset_bps=5.0,
    probe_every=None,
    maker_posts=1,
    probe_share=None,
    holdout_share=None,
    holdout_salt=None,
    policy=None,
)
TAKER = replace(READING, maker_first=False, taker_bias=TakerBias.PREFER_TAKER, quality=Quality.BROKEN)
QUOTE = Quote(bid=Decimal("99.90"), ask=Decimal("100.10"))


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader that gives one reading for every symbol."""

    reading: Reading = READING

    def get(self, symbol: str) -> Reading:
        return replace(self.reading, symbol=symbol)


class Kept:
    """A log that keeps the outcomes in memory."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def append(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What becomes of one leg. Times are seconds after it was sent.

    Placing it takes `takes` seconds, raises `raises`, and is sent at the end of that; `arrives_after` None: never. Each
    of `fills` is when, how much, at what price. `race_fill` is filled when a cancellation arrives; `ends_as` is how it
    ends by itself after its last fill.
    """

    takes: float = 0.0
    raises: BaseException | None = None
    arrives_after: float | None = 0.0
    fills: tuple[tuple[float, str, str], ...] = ()
    race_fill: tuple[str, str] | None = None
    ends_as: OrderStatus | None = None
    is_maker: bool | None = True
    has_price: bool = True


@dataclass(slots=True, kw_only=True)
class _Sent:
    script: Script
    quantity: Decimal
    at: datetime
    cancelled_at: datetime | None = None


class ScriptedVenue:
    """Answers by the scripts of the legs (m1, m2, ..., t1, ...); from `deaf_from` to `deaf_until` it answers nothing.

    A leg without a script is filled whole at once, at 99.90 as maker and at 100.10 as taker.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        scripts: Mapping[str, Script] | None = None,
        *,
        deaf_from: float = 1e9,
        deaf_until: float = 1e9,
        broken_by: BaseException | None = None,
    ) -> None:
        self.requests: list[tuple[str, ...]] = []
        self.sent: dict[str, _Sent] = {}
        self.quotes = [QUOTE]
        self._clock = clock
        self._scripts = scripts or {}
        self._deaf = (START + timedelta(seconds=deaf_from), START + timedelta(seconds=deaf_until))
        self._deaf_error = broken_by or VenueTimeoutError("no answer")

    def quote(self, symbol: str) -> Quote:
        self.requests.append(("quote", symbol))
        self._answer()
        return self.quotes.pop(0) if len(self.quotes) > 1 else self.quotes[0]

    def place_post_only(self, symbol: str, side: Side, quantity: Decimal, price: Decimal, client_order_id: str) -> None:
        self.requests.append(("post-only", symbol, side, str(quantity), str(price.normalize()), client_order_id))
        self._place(client_order_id, quantity, Script(fills=((0.0, str(quantity), "99.90"),)))

    def place_market(self, symbol: str, side: Side, quantity: Decimal, client_order_id: str) -> None:
        self.requests.append(("market", symbol, side, str(quantity), client_order_id))
        self._place(client_order_id, quantity, Script(fills=((0.0, str(quantity), "100.10"),), is_maker=False))

    def cancel_order(self, symbol: str, client_order_id: str) -> None:
        self.requests.append(("cancel", symbol, client_order_id))
        self._answer()
        sent = self.sent.get(client_order_id)
        if sent is not None and self._has_arrived(sent) and sent.cancelled_at is None:
            sent.cancelled_at = self._clock.now()

    def fetch_order(self, symbol: str, client_order_id: str) -> OrderState | None:
        self.requests.append(("fetch", symbol, client_order_id))
        self._answer()
        sent = self.sent.get(client_order_id)
        return None if sent is None or not self._has_arrived(sent) else self._state(sent)

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """The requests of a kind."""
        return [request for request in self.requests if request[0] == kind]

    def _answer(self) -> None:
        if self._deaf[0] <= self._clock.now() < self._deaf[1]:
            raise self._deaf_error

    def _place(self, client_order_id: str, quantity: Decimal, default: Script) -> None:
        assert client_order_id not in self.sent, "placed twice"
        script = self._scripts.get(client_order_id[-2:], default)
        self._answer()
        self._clock.sleep(script.takes)
        self.sent[client_order_id] = _Sent(script=script, quantity=quantity, at=self._clock.now())
        if script.raises is not None:
            raise script.raises

    def _has_arrived(self, sent: _Sent) -> bool:
        after = sent.script.arrives_after
        return after is not None and self._clock.now() >= sent.at + timedelta(seconds=after)

    def _state(self, sent: _Sent) -> OrderState:
        until = sent.cancelled_at or self._clock.now()
        fills = [
            (Decimal(quantity), Decimal(price))
            for after, quantity, price in sent.script.fills
            if sent.at + timedelta(seconds=after) <= until
        ]
        if sent.cancelled_at is not None and sent.script.race_fill is not None:
            fills.append((Decimal(sent.script.race_fill[0]), Decimal(sent.script.race_fill[1])))
        filled = sum((quantity for quantity, _ in fills), Decimal(0))
        paid = sum((quantity * price for quantity, price in fills), Decimal(0))
        return OrderState(
            status=self._status(sent, filled, is_last=len(fills) >= len(sent.script.fills)),
            filled=filled,
            average_price=paid / filled if filled and sent.script.has_price else None,
            fees=paid * (2 if sent.script.is_maker else 5) / 10_000 if filled else None,
            is_maker=sent.script.is_maker if filled else None,
        )

    @staticmethod
    def _status(sent: _Sent, filled: Decimal, *, is_last: bool) -> OrderStatus:
        if filled == sent.quantity:
            return OrderStatus.FILLED
        if sent.cancelled_at is not None:
            return OrderStatus.CANCELED
        return sent.script.ends_as if sent.script.ends_as is not None and is_last else OrderStatus.OPEN


class ScriptedMarket(ScriptedVenue):
    """The same with rules of its market: ticks and lot steps of 0.01, and orders worth 5 or more."""

    def on_tick(self, symbol: str, side: Side, price: Decimal) -> Decimal:  # noqa: ARG002
        return price.quantize(Decimal("0.01"), ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)

    def tradable(self, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:  # noqa: ARG002
        on_step = quantity.quantize(Decimal("0.01"), ROUND_FLOOR)
        return on_step if on_step * price >= 5 else Decimal(0)


def quotes(*mids: str) -> list[Quote]:
    """Quotes around these mids, with a spread of 0.20 as that of QUOTE."""
    return [Quote(bid=Decimal(mid) - Decimal("0.10"), ask=Decimal(mid) + Decimal("0.10")) for mid in mids]


def order(side: Side = Side.BUY, quantity: str = "2", order_id: str = "bot-1") -> Order:
    """An order of two coins."""
    return Order(order_id=order_id, symbol="BTCUSDT", side=side, quantity=Decimal(quantity))
