"""The maker-first router: post-only at the policy's offset for the wait of its taker bias; the rest crosses."""

import logging
from datetime import datetime
from decimal import localcontext

from router_policy_client.clock import Clock, SystemClock
from router_policy_client.order import EXACT, Order, Outcome, UnfilledReason
from router_policy_client.route import Route
from router_policy_client.routing import OutcomeLog, PolicySource, Routing
from router_policy_client.venue import Venue

_log = logging.getLogger("router_policy_client")
DEFAULT_ROUTING = Routing()
_SYSTEM_CLOCK = SystemClock()


def route_order(
    order: Order,
    venue: Venue,
    reader: PolicySource,
    log: OutcomeLog,
    *,
    maker_first: bool = True,
    routing: Routing = DEFAULT_ROUTING,
    clock: Clock = _SYSTEM_CLOCK,
    resume_from: datetime | None = None,
) -> Outcome:
    """Carry out one order, append its outcome to `log` once, and return it.

    `maker_first` is the bot's own choice; the policy can only turn it off. Never trades more than the order's quantity,
    whatever the venue answers: while the end of one request is uncertain, the next is not sent, and the outcome is
    UNCONFIRMED. Exceptions of the venue and the log are not raised. An interruption (KeyboardInterrupt, SystemExit) is
    raised after the open order has been cancelled and the outcome appended.

    With `resume_from` a process that died may have routed the order, at that time at the earliest: its open orders are
    cancelled, its fills count, and only the rest is sent, across the spread. This takes `absence_seconds` longer. If
    `resume_from` is longer ago than the venue remembers orders (`remembered_seconds`), nothing is sent and the outcome
    is UNCONFIRMED. Raises ValueError if it has no time zone.
    """
    reading = reader.get(order.symbol)
    route = Route(order, venue, reading, routing, clock, maker_first=maker_first, resume_from=resume_from)
    with localcontext(EXACT):
        try:
            route.run()
        except Exception:  # noqa: BLE001 - the bot gets an outcome, whatever happens
            _log.exception("order %s: the router failed; open orders have been cancelled", order.order_id)
            route.reason = UnfilledReason.FAILED
        except BaseException:
            route.reason = UnfilledReason.INTERRUPTED
            raise
        finally:
            outcome = _append_despite_interruption(route, log)
    return outcome


def _append_despite_interruption(route: Route, log: OutcomeLog) -> Outcome:
    """Append the outcome and return it; a first interruption is raised after that, only a second one ends it.

    After an interruption the line may be in the log twice; the batch job counts one.
    """
    try:
        return _append_outcome(route, log)
    except BaseException:
        _append_outcome(route, log)
        raise


def _append_outcome(route: Route, log: OutcomeLog) -> Outcome:
    outcome = route.outcome()
    if outcome.unfilled < 0:
        _log.error("order %s: the venue filled %s more than the order", outcome.order.order_id, -outcome.unfilled)
    _append(log, outcome)
    return outcome


def _append(log: OutcomeLog, outcome: Outcome) -> None:
    try:
        log.append(outcome)
    except Exception:  # noqa: BLE001 - no failure to log may stop an order
        _log.exception("order %s: its outcome could not be logged: %s", outcome.order.order_id, outcome)
