"""The order log: one JSON line per outcome, in the layout that the batch job reads as `order-log`."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Unpack

from router_policy_client.flat_order import FlatOrder, flat_row, timestamp
from router_policy_client.gate import Gate
from router_policy_client.known_fields import known_fields
from router_policy_client.order import Outcome, UnfilledReason

_LOCK_TRIES = 200
_LOCK_PAUSE_SECONDS = 0.001
_log = logging.getLogger("router_policy_client")
OnFailure = Callable[[Outcome, Exception], None]


class OrderLog:
    """Appends orders to a file, each as one line in one write, so that several processes may share it.

    The file is opened for each line and can be rotated at any time. A line that cannot be written increments
    `failure_count` and is logged, and an outcome is passed to `on_failure`; nothing is raised. The constructor raises
    OSError if it cannot create the folder.
    """

    def __init__(self, path: str | os.PathLike[str], on_failure: OnFailure | None = None) -> None:
        self.failure_count = 0
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._on_failure = on_failure

    def append(self, outcome: Outcome) -> None:
        """Append an outcome; never raises."""
        error = self._append_row(outcome.order.order_id, lambda: order_row(outcome))
        if error is not None:
            self._report_failure(outcome, error)

    def write(self, **order: Unpack[FlatOrder]) -> bool:
        """Append a finished order of the bot's own router; return whether it was written. Never raises.

        The fields are those of FlatOrder; an order with a missing, unknown or invalid one is not written.
        """
        return self._append_row(str(order.get("order_id")), lambda: flat_row(order)) is None

    def _append_row(self, order_id: str, row: Callable[[], Mapping[str, object]]) -> Exception | None:
        """Append a row as one line; count, log and return what prevents it."""
        try:
            append_line(self._path, f"{json.dumps(row(), allow_nan=False)}\n")
        except Exception as error:  # noqa: BLE001 - no failure to log may stop an order
            self.failure_count += 1
            _log.error("order %s: its outcome cannot be written to %s: %s", order_id, self._path, error)
            return error
        return None

    def _report_failure(self, outcome: Outcome, error: Exception) -> None:
        if self._on_failure is None:
            return
        try:
            self._on_failure(outcome, error)
        except Exception:  # noqa: BLE001 - the caller's own code may not stop an order either
            _log.exception("order %s: on_failure raised", outcome.order.order_id)


def append_line(path: Path, line: str) -> None:
    """Append a line with its line break in one write, so that several processes may share the file; raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _lock(descriptor)
        # After an incomplete line of any process, start a new one.
        content = (f"\n{line}" if _ends_incomplete(descriptor) else line).encode()
        written = os.write(descriptor, content)
    finally:
        os.close(descriptor)
    if written < len(content):  # no second write: another process may have appended in between
        raise OSError(f"only {written} of {len(content)} bytes were written")


def _lock(descriptor: int) -> None:
    """Lock out other writers until the descriptor is closed: a half-written line looks incomplete to them.

    The bot does not wait for a writer that was stopped while it held the lock: after 0.2 seconds, and at once on a
    system without such locks, it writes without the lock. Its line is still whole; at worst an empty line precedes it,
    which readers skip.
    """
    if sys.platform == "win32":
        return
    import fcntl

    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        except OSError:
            return
        else:
            return


def _ends_incomplete(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    if not size:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)  # writes still append to the end
    return os.read(descriptor, 1) != b"\n"


def order_row(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as the keys of the order log; `ts` is `done_at` in seconds since 1970 (UTC).

    An unconfirmed outcome is written as an order still open, and a fill without a price with the price 0: the batch job
    rejects both and counts them. The grounds of the decision are null for a resumed order. How it rested is left out
    as far as it is unknown.
    """
    order = outcome.order
    is_confirmed = outcome.unfilled_reason is not UnfilledReason.UNCONFIRMED
    notional = outcome.notional if is_confirmed else None
    return {
        "attempt_id": order.order_id,
        "route": "maker_first" if outcome.maker_started else "market",
        "prices": {"mark": _number(outcome.mid), "submitted": _number(outcome.mid), "avg_fill": _price(outcome)},
        "qty": {
            "asked": _number(order.quantity),
            "contracts": _number(outcome.filled),
            "notional_usd": _number(notional),
        },
        "timing_ms": {"ack": round(outcome.duration_seconds * 1000, 1)},
        "result": {
            "status": _status(outcome),
            "retries": outcome.post_only_rejects,
            "cancelled": is_confirmed and outcome.unfilled > 0,
            "unfilled": _number(outcome.unfilled),
            "unfilled_reason": outcome.unfilled_reason,
            "unresolved_ids": list(outcome.unresolved_ids),
        },
        "fees_usd": _number(outcome.fees),
        "slippage_bps": outcome.slippage_bps if is_confirmed else None,
        "maker_start": outcome.maker_started,
        "is_maker_final": outcome.maker_filled,
        "used_fallback": outcome.fallback_used,
        **(_UNKNOWN if outcome.is_resumed else _decision_fields(outcome.gate)),
        **_rest_fields(outcome),
        "client_order_ids": list(outcome.client_order_ids),
        "symbol": order.symbol,
        "side": order.side,
        "decided_ts": timestamp(outcome.decided_at),
        "ts": timestamp(outcome.done_at),
    }


def _decision_fields(gate: Gate) -> dict[str, object]:
    reading = gate.reading
    return {
        "probe": gate.probe,
        "policy_run_id": reading.run_id,
        "policy_status": reading.status,
        "policy_age_seconds": reading.age_seconds,
        "policy_maker_first": reading.maker_first,
        "patience": gate.patience,
        **known_fields(holdout=gate.holdout, propensity=gate.propensity),
    }


_UNKNOWN: dict[str, object] = dict.fromkeys(
    "probe policy_run_id policy_status policy_age_seconds policy_maker_first patience".split()
)


def _rest_fields(outcome: Outcome) -> dict[str, object]:
    """Return how the order rested, and half the spread at the decision; without what is unknown."""
    rest = outcome.rest
    return known_fields(
        arrival_quote_bps=outcome.arrival_quote_bps,
        maker_share=outcome.maker_share,
        posts=None if rest is None else rest.posts,
        maker_price=None if rest is None else _number(rest.maker_price),
        maker_from=None if rest is None else timestamp(rest.maker_from),
        maker_until=None if rest is None else timestamp(rest.maker_until),
        # The market is looked at when a post ends, so "not seen beyond the price" does not mean "was not".
        went_through=True if rest is not None and rest.went_through else None,
    )


def _price(outcome: Outcome) -> float | None:
    if outcome.unfilled_reason is UnfilledReason.UNCONFIRMED or not outcome.filled:
        return None
    return 0.0 if outcome.average_price is None else float(outcome.average_price)


def _status(outcome: Outcome) -> str:
    if outcome.unfilled_reason is UnfilledReason.UNCONFIRMED:
        return "NEW"
    return "CANCELED" if outcome.unfilled > 0 else "FILLED"


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
