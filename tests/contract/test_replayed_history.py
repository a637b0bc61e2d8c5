"""What a replay returns stays equal to the bit to what is kept, whatever makes it faster."""

import json
from typing import Any

from jobs.analysis.replay_result import ReplayVerdict
from storage.store import Store
from tests.support.replayed_history import EXPECTED, REPLAYED, publish_history, results

KEPT: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))


def test_the_replays_of_a_made_history_stay(store: Store) -> None:
    publish_history(store)

    replayed = results(store)

    assert replayed.keys() == KEPT.keys()
    for name, expected in KEPT.items():
        assert replayed[name] == expected, name


def test_the_made_history_shows_every_verdict_and_every_ground() -> None:
    text = EXPECTED.read_text("utf-8")
    seen = {
        verdict
        for result in KEPT.values()
        for totals in result["symbols"].values()
        for verdict, tally in totals["tallies"].items()
        if not tally.startswith("0 runs")
    }

    assert KEPT.keys() == REPLAYED.keys()
    assert seen == {*ReplayVerdict}
    for ground in (
        "post-only rejects in a row",
        "the scope's breaker opened",
        "soon after it had closed",
        "misses in a row",
    ):
        assert ground in text, ground
