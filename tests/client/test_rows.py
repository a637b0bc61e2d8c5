"""Rows of the view as both databases give them, with columns of later days, and rows that cannot be read."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from router_policy_client import Quality, TakerBias
from router_policy_client.errors import UnreadableRowError
from router_policy_client.rows import read_row, read_rows
from tests.client.policies import POLICY, SLOT, overridden

SQLITE: dict[str, object] = {
    "scope": "default",
    "symbol": "BTCUSDT",
    "run_id": 7,
    "slot": "2026-04-26 00:15:00",
    "published_at": "2026-04-26 00:15:02",
    "maker_first": 1,
    "taker_bias": "prefer_maker",
    "quality": "good",
    "regime": "normal",
    "reason": "maker orders fill",
    "maker_offset_bps": 1.5,
    "computed_maker_first": 1,
    "computed_taker_bias": "prefer_maker",
    "override_id": None,
    "override_until_at": None,
}
POSTGRES = {
    **SQLITE,
    "slot": SLOT.astimezone(timezone(timedelta(hours=2))),
    "published_at": SLOT + timedelta(seconds=2),
    "maker_first": True,
}


@pytest.mark.parametrize("row", [SQLITE, POSTGRES])
def test_both_databases_say_the_same(row: dict[str, object]) -> None:
    policy = read_row(row).policy

    assert policy == POLICY
    assert policy.slot.tzinfo is UTC


def test_words_and_columns_of_a_newer_service_do_no_harm() -> None:
    row = {**SQLITE, "quality": "superb", "taker_bias": "never", "regime": "storm", "later": object()}

    policy = read_row(row).policy

    assert (policy.quality, policy.taker_bias, policy.regime) == (Quality.UNKNOWN, TakerBias.BALANCED, "storm")


@pytest.mark.parametrize(("row", "every"), [({}, None), ({"probe_every": None}, None), ({"probe_every": 5}, 5)])
def test_probes_are_read_where_the_view_has_them(row: dict[str, object], every: int | None) -> None:
    assert read_row({**SQLITE, **row}).policy.probe_every == every


@pytest.mark.parametrize(
    ("row", "posts", "share"),
    [
        ({}, 1, None),  # a store from before these columns
        ({"maker_posts": None, "probe_share": None}, 1, None),
        ({"maker_posts": 4, "probe_share": 0.05}, 4, 0.05),
        ({"maker_posts": 1, "probe_share": 1}, 1, 1.0),
    ],
)
def test_posts_and_slivers_are_read_where_the_view_has_them(
    row: dict[str, object], posts: int, share: float | None
) -> None:
    policy = read_row({**SQLITE, **row}).policy

    assert (policy.maker_posts, policy.probe_share) == (posts, share)


def test_an_override_is_read_with_what_it_hides() -> None:
    row = {
        **SQLITE,
        "maker_first": 0,
        "taker_bias": "prefer_taker",
        "override_id": 9,
        "override_until_at": "2026-04-26 01:00:00.500000",
    }

    assert read_row(row) == overridden(datetime(2026, 4, 26, 1, 0, 0, 500_000, tzinfo=UTC))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("slot", "yesterday"),
        ("slot", None),
        ("slot", 17),
        ("slot", "0001-01-01T00:00:00+14:00"),
        ("maker_offset_bps", 10**400),
        ("symbol", None),
        ("run_id", "7"),
        ("run_id", True),
        ("maker_first", None),
        ("maker_first", 2),
        ("maker_offset_bps", float("nan")),
        ("maker_offset_bps", "1.5"),
        ("probe_every", 0),
        ("probe_every", -5),
        ("maker_posts", 0),
        ("maker_posts", 2.5),
        ("probe_share", 0.0),
        ("probe_share", 1.01),
        ("probe_share", float("nan")),
        ("probe_share", "5 %"),
        ("override_id", 9),  # and no time at which it ends
    ],
)
def test_a_value_that_cannot_be_is_refused_and_costs_its_own_row_only(column: str, value: Any) -> None:
    bad = {**SQLITE, "symbol": "BADUSDT", column: value}

    with pytest.raises(UnreadableRowError, match=f"(?s){column if column != 'override_id' else 'override_until_at'}"):
        read_row(bad)
    policies, problems = read_rows([bad, SQLITE])
    assert (list(policies), list(problems)) == (["BTCUSDT"], [bad["symbol"]])
