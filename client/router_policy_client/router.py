"""The maker-first router: post-only at the policy's offset for the wait of its taker bias; the rest crosses."""

import logging
from datetime import datetime
from decimal import localcontext
from functools import partial

from router_policy_client.clock import Clock, SystemClock
from router_policy_client.gate import decide
from router_policy_client.holdout_cap import HoldoutCap
from router_policy_client.order import EXACT, Order, Outcome, UnfilledReason
from router_policy_client.policy import Reading
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
    holdout_cap: HoldoutCap | None = None,
) -> Outcome:
    """Carry out one order, append its outcome to `log` once, and return it.

    `maker_first` is the bot's own choice; the policy can only turn it off. Never trades more than the order's quantity,
    whatever the venue answers: while the end of one request is uncertain, the next is not sent, and the outcome is
    UNCONFIRMED. Exceptions of the venue and the log are not raised. An interruption (KeyboardInterrupt, SystemExit) is
    raised after the open order has been cancelled and the outcome appended.

    If the policy holds orders out, `holdout_cap` stops that for the day once they have cost too much. An order with
    `resume_from` takes no part.

    With `resume_from` a process that died may have routed the order, at that time at the earliest: its open orders are
    cancelled, its fills count, and only the rest is sent, across the spread. This takes `absence_seconds` longer. If
    `resume_from` is longer ago than the venue remembers orders (`remembered_seconds`), nothing is sent and the outcome
    is UNCONFIRMED. Raises ValueError if it has no time zone.
    """
    reading = reader.get(order.symbol)
    may_hold_out = maker_first and resume_from is None and not _is_stopped(holdout_cap, reading, clock)
    choice = partial(decide, reading, maker_first=maker_first, order_id=order.order_id, may_hold_out=may_hold_out)
    route = Route(order, venue, choice, routing, clock, resume_from=resume_from)
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
            if holdout_cap is not None:
                holdout_cap.record(outcome)
    return outcome


def _is_stopped(cap: HoldoutCap | None, reading: Reading, clock: Clock) -> bool:
    """Return whether the cap stops the holdout; it is asked only if there is one."""
    return cap is not None and reading.holdout_share is not None and cap.stops(clock.now())


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
