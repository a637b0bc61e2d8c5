"""Which orders of a loop's log were held out, and which of them drift finds to be not as assigned."""

import json
from hashlib import sha256

from jobs.analysis.drift import Drift, DriftKind, find_drift
from jobs.analysis.order_history import OrderSelection
from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.slots import Slots
from storage.store import Store
from tests.support.closed_loop import DAY, START, Loop

Line = dict[str, object]


def part_of(order_id: object) -> float:
    """The hash of an id as a part of 1, by its words in the documents."""
    return int(sha256(f"spring\0{order_id}".encode()).hexdigest()[:16], 16) / 2**64


def lines_of(loop: Loop) -> list[Line]:
    return [json.loads(line) for line in loop.log.read_text().splitlines()]


def drift_of(loop: Loop, store: Store) -> Drift:
    selection = OrderSelection(
        scope="default",
        orders=OrdersSource(kind=OrdersKind.ORDER_LOG, location=Location(path=str(loop.log))),
        slots=Slots("0 0 * * *"),
        start=START,
        end=START + 3 * DAY,
    )
    return find_drift(store, selection)


def not_as_assigned(drift: Drift) -> list[tuple[str | None, str]]:
    (symbol,) = drift.symbols
    finding = symbol.findings[DriftKind.NOT_AS_ASSIGNED]
    assert finding.order_count == len(finding.examples)
    return [(example.order_id, example.what) for example in finding.examples]
