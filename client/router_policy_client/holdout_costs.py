"""What held-out orders cost, by day: in this process, and in a file that several processes share."""

import json
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from pathlib import Path

from router_policy_client.order_log import append_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A cost in basis points of an order, and in money of its quote currency; of several orders the sums.

    Raises ValueError for one that is not finite: no cap would ever be reached by NaN.
    """

    bps: float = 0.0
    money: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.bps) and isfinite(self.money)):
            raise ValueError(f"a cost of {self.bps} bps and {self.money} in money is not finite")

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(bps=self.bps + other.bps, money=self.money + other.money)


@dataclass(slots=True)
class DayCosts:
    """The sum of the costs of each day (UTC).

    None is forgotten: a line of a later day, from a host whose clock is ahead, must not drop the costs of today.
    """

    _sums: dict[date, Cost] = field(default_factory=dict)

    def add(self, day: date, cost: Cost) -> None:
        """Add a cost of a day; raises ValueError if the sum is not finite."""
        self._sums[day] = self.of(day) + cost

    def of(self, day: date) -> Cost:
        """Return the sum of a day; of a day without costs, nothing."""
        return self._sums.get(day, Cost())


class CostFile:
    """A file with one JSON line for each held-out order, which processes append to and read as it grows.

    It may be removed, rotated or shortened at any time: then what is left in it counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._costs = DayCosts()
        self._file: tuple[int, int] | None = None
        self._read_bytes = 0

    def append(self, order_id: str, day: date, cost: Cost) -> None:
        """Write the cost of an order; raises OSError."""
        line = {"day": day.isoformat(), "order_id": order_id, "cost_bps": cost.bps, "cost": cost.money}
        append_line(self.path, f"{json.dumps(line)}\n")

    def of(self, day: date) -> Cost:
        """Return the sum of a day over all processes; raises OSError, and ValueError for a line that is not a cost."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return Cost()
        file = (status.st_dev, status.st_ino)
        if file != self._file or status.st_size < self._read_bytes:
            self._file, self._read_bytes, self._costs = file, 0, DayCosts()
        if status.st_size > self._read_bytes:
            self._read_on()
        return self._costs.of(day)

    def _read_on(self) -> None:
        """Read the lines after those that were read, up to the last whole one; each counts once, whatever follows."""
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        for line in whole.splitlines(keepends=True):
            if line.strip():
                self._costs.add(*_read_line(line))
            self._read_bytes += len(line)


def _read_line(line: bytes) -> tuple[date, Cost]:
    try:
        row = json.loads(line)
        return date.fromisoformat(row["day"]), Cost(bps=float(row["cost_bps"]), money=float(row["cost"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"line {line!r} is not the cost of an order: {error}; remove it") from error
