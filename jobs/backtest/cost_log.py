"""What orders cost beyond the quote at their arrival, order by order, as `maker_cost.sql` measures it."""

from collections import deque
from collections.abc import Iterator, Sequence
from math import sqrt

from jobs.backtest.evidence import EndedOrder
from jobs.engines.engine import MetricRow
from jobs.engines.maker_costs import cost_measurement
from policy.maker_cost import CostEvidence, CostParameters

_DAY_SECONDS = 86400


class CostLog:
    """The costs of the orders of each market; `fee_gaps_bps` are by market, None if the fees are not known."""

    def __init__(self, fee_gaps_bps: Sequence[float | None], parameters: CostParameters) -> None:
        self._fee_gaps = {str(market): gap_bps for market, gap_bps in enumerate(fee_gaps_bps)}
        self._parameters = parameters
        self._orders: deque[tuple[int, int, bool, bool, float]] = deque()
        self._sums: list[dict[tuple[bool, bool], _Sums]] = [{} for _ in fee_gaps_bps]

    def add(self, market: int, outcome: EndedOrder) -> None:
        """Add an outcome that ended no earlier than those before it; probes do not count."""
        if outcome.is_probe:
            return
        clip_bps = self._parameters.clip_bps
        cost_bps = max(-clip_bps, min(clip_bps, outcome.slippage_bps - outcome.arrival_quote_bps))
        kind = outcome.is_maker, outcome.is_filled
        self._orders.append((outcome.ends_seconds, market, *kind, cost_bps))
        self._sums[market].setdefault(kind, _Sums()).add(cost_bps, 1)

    def evidence(self, slot_seconds: int) -> list[CostEvidence]:
        """Return each market's evidence as of a slot; all outcomes before it must have been added, slots go forward."""
        start = slot_seconds - self._parameters.days * _DAY_SECONDS
        while self._orders and self._orders[0][0] < start:
            _, market, is_maker, is_filled, cost_bps = self._orders.popleft()
            self._sums[market][is_maker, is_filled].add(cost_bps, -1)
        measured = cost_measurement(self._rows(), self._fee_gaps.__getitem__)
        return [measured.of(symbol) for symbol in self._fee_gaps]

    def _rows(self) -> Iterator[MetricRow]:
        for market, by_kind in enumerate(self._sums):
            for (is_maker, is_filled), sums in by_kind.items():
                if sums.order_count:
                    yield {
                        "symbol": str(market),
                        "maker_started": is_maker,
                        "is_filled": is_filled,
                        "order_count": sums.order_count,
                        "mean_bps": sums.mean_bps,
                        "deviation_bps": sums.deviation_bps,
                    }


class _Sums:
    """The sums of one kind of orders of one market, from which orders leave in the order in which they came."""

    def __init__(self) -> None:
        self.order_count = 0
        self._total = self._squares = 0.0

    def add(self, cost_bps: float, sign: int) -> None:
        """Add an order, or with the sign -1 take it off."""
        self.order_count += sign
        self._total += sign * cost_bps
        self._squares += sign * cost_bps**2

    @property
    def mean_bps(self) -> float:
        return self._total / self.order_count

    @property
    def deviation_bps(self) -> float:
        return sqrt(max(0.0, self._squares / self.order_count - self.mean_bps**2))
