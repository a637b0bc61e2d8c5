"""What held-out orders cost, by day: in this process, and in a file that several processes share."""

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from router_policy_client.order_log import append_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A cost in basis points of an order, and in money of its quote currency; of several orders the sums."""

    bps: float = 0.0
    money: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(bps=self.bps + other.bps, money=self.money + other.money)


@dataclass(slots=True)
class DayCosts:
    """The sum of the costs of the newest day (UTC); earlier days are forgotten."""

    _day: date = date.min
    _sum: Cost = field(default_factory=Cost)

    def add(self, day: date, cost: Cost) -> None:
        """Add a cost of a day."""
        if day > self._day:
            self._day, self._sum = day, Cost()
        if day == self._day:
            self._sum += cost

    def of(self, day: date) -> Cost:
        """Return the sum of a day; of a day without costs, and of one before the newest, nothing."""
        return self._sum if day == self._day else Cost()


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
        """Write the cost of an order; raises OSError, and ValueError for a cost that is not finite."""
        line = {"day": day.isoformat(), "order_id": order_id, "cost_bps": cost.bps, "cost": cost.money}
        append_line(self.path, f"{json.dumps(line, allow_nan=False)}\n")

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
        """Read the lines after those that were read, up to the last whole one."""
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        for line in filter(bytes.strip, whole.splitlines()):
            self._costs.add(*_read_line(line))
        self._read_bytes += len(whole)


def _read_line(line: bytes) -> tuple[date, Cost]:
    try:
        row = json.loads(line)
        return date.fromisoformat(row["day"]), Cost(bps=float(row["cost_bps"]), money=float(row["cost"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"line {line!r} is not the cost of an order: {error}; remove it") from error
