"""The cap on what held-out orders cost in a day: above it the holdout stops until the next day in UTC."""

import logging
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from threading import Lock

from router_policy_client.holdout_costs import Cost, CostFile, DayCosts
from router_policy_client.order import Outcome

_log = logging.getLogger("router_policy_client")
_BPS = 10_000
# Of fewer orders the mean is not known; what filled as maker at the mid without a fee has cost 0.
_LEAST_ORDERS = 20
# More than nearly any venue's fee gap.
_UNREPORTED_BPS = 10.0


@dataclass(slots=True)
class _Mean:
    """A running mean."""

    count: int = 0
    value: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.value += (value - self.value) / self.count


class HoldoutCap:
    """Stops the holdout for the rest of a day (UTC) once the held-out orders of that day have cost too much.

    A held-out order costs its shortfall (slippage and fees) less the mean shortfall of this process's orders of the
    symbol that took part and went as the policy says. Of fewer than 20 that mean counts as 0, and a shortfall that the
    venue does not report as 10 bps: rather too much than too little. `bps_a_day` caps the sum of these costs in basis
    points of each order, `money_a_day` their sum in the quote currency. Orders on their way when a cap is reached still
    count, so the sum can pass it.

    With `path`, all processes that name this file share the sums, and a restart keeps them; without it, the cap covers
    this process alone. While the file cannot be read or written, no order is held out. `stopped_count` is how many
    orders took no part because of the cap. Raises ValueError without a cap above 0, OSError if the file's folder cannot
    be created.
    """

    def __init__(
        self,
        *,
        bps_a_day: float | None = None,
        money_a_day: float | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        given = [cap for cap in (bps_a_day, money_a_day) if cap is not None]
        if not given or not all(cap > 0 for cap in given):
            raise ValueError(f"bps_a_day={bps_a_day} and money_a_day={money_a_day}: give one or both, above 0")
        self.stopped_count = 0
        self._bps_a_day, self._money_a_day = bps_a_day, money_a_day
        self._file = None if path is None else CostFile(Path(path))
        self._unshared = DayCosts()
        self._usual: dict[tuple[str, bool], _Mean] = {}
        self._lock = Lock()
        self._warned_on: tuple[date, bool] | None = None  # the day, and whether the costs could not be read

    def stops(self, now: datetime) -> bool:
        """Return whether no order may be held out at this time, an aware one; if so, count it. Never raises."""
        day = now.astimezone(UTC).date()
        with self._lock:
            is_stopped = self._is_stopped(day)
            self.stopped_count += is_stopped
            return is_stopped

    def record(self, outcome: Outcome) -> None:
        """Count what an order cost, if it took part and anything was filled. Never raises."""
        try:
            self._record(outcome)
        except Exception as error:  # noqa: BLE001 - no cost may stop an order
            _log.error("order %s: its holdout cost cannot be counted: %s", outcome.order.order_id, error)

    def _record(self, outcome: Outcome) -> None:
        gate = outcome.gate
        if gate.holdout is None or outcome.filled <= 0:
            return
        with self._lock:
            shortfall = shortfall_bps(outcome)
            usual = self._usual.setdefault((outcome.order.symbol, gate.reading.maker_first), _Mean())
            if gate.holdout:
                known = usual.value if usual.count >= _LEAST_ORDERS else 0.0
                self._spend(outcome, _UNREPORTED_BPS if shortfall is None else shortfall - known)
            elif shortfall is not None:
                usual.add(shortfall)

    def _spent(self, day: date) -> Cost:
        return self._unshared.of(day) + (Cost() if self._file is None else self._file.of(day))

    def _spend(self, outcome: Outcome, cost_bps: float) -> None:
        day = outcome.done_at.astimezone(UTC).date()
        cost = Cost(bps=cost_bps, money=cost_bps / _BPS * _notional(outcome))
        if self._file is not None:
            try:
                self._file.append(outcome.order.order_id, day, cost)
            except OSError as error:
                _log.error("order %s: its holdout cost cannot be written: %s", outcome.order.order_id, error)
            else:
                return
        self._unshared.add(day, cost)

    def _is_stopped(self, day: date) -> bool:
        """Return whether no order may be held out on a day; warn of the reason."""
        try:
            spent = self._spent(day)
        except Exception as error:  # noqa: BLE001 - whatever is in the file, the order goes out
            self._warn(day, f"while the costs of the held-out orders cannot be read: {error}", is_unreadable=True)
            return True
        is_bps_reached = self._bps_a_day is not None and spent.bps >= self._bps_a_day
        is_money_reached = self._money_a_day is not None and spent.money >= self._money_a_day
        if not (is_bps_reached or is_money_reached):
            return False
        costs = f"they have cost {spent.bps:.2f} bps and {spent.money:.2f} in money; cap: {self._caps()}"
        self._warn(day, f"for the rest of {day} (UTC): {costs}", is_unreadable=False)
        return True

    def _warn(self, day: date, reason: str, *, is_unreadable: bool) -> None:
        """Warn once a day, and again if the reason is another."""
        if self._warned_on != (day, is_unreadable):
            self._warned_on = day, is_unreadable
            _log.warning("no order is held out %s", reason)

    def _caps(self) -> str:
        caps = {"bps": self._bps_a_day, "of money": self._money_a_day}
        return ", ".join(f"{cap:g} {unit}" for unit, cap in caps.items() if cap is not None)


def shortfall_bps(outcome: Outcome) -> float | None:
    """Return slippage and fees in basis points of the filled amount; None if they are not known or not finite."""
    slippage, notional, fees = outcome.slippage_bps, outcome.notional, outcome.fees
    if slippage is None or not notional or fees is None:
        return None
    bps = slippage + float(fees / notional) * _BPS
    return bps if isfinite(bps) else None


def _notional(outcome: Outcome) -> float:
    """Return the filled amount in the quote currency; at the mid if the fill price is not known."""
    if outcome.notional is not None:
        return float(outcome.notional)
    return 0.0 if outcome.mid is None else float(outcome.filled * outcome.mid)
