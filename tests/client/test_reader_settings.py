"""Settings of a reader that cannot work, passwords, and a clock that fails."""

from datetime import datetime
from typing import Any

import pytest

from router_policy_client import PolicyReader, ReaderSettingsError, Status
from storage.store import Store
from tests.client.reading import Clock
from tests.support.runs import SLOT, publish


@pytest.mark.parametrize(
    ("url", "settings", "message"),
    [
        ("nonsense", {}, "neither SQLite nor Postgres"),
        ("mysql://host/database", {}, "neither SQLite nor Postgres"),
        ("sqlite://", {}, "a file"),
        ("sqlite:///:memory:", {}, "a file"),
        ("postgresql://host/database?password=geheim", {}, "after the question mark"),
        ("sqlite+unheardof:///policy.db", {}, "unheardof"),
        ("sqlite:///policy.db", {"interval_seconds": 0}, "stale before it expires"),
        ("sqlite:///policy.db", {"stale_after_intervals": 9}, "stale before it expires"),
        ("sqlite:///policy.db", {"poll_seconds": 0}, "poll_seconds"),
        ("sqlite:///policy.db", {"now": datetime.now}, "aware"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(url: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ReaderSettingsError, match=message) as refused:
        PolicyReader(url, watch=False, **settings)

    assert "geheim" not in str(refused.value)


def test_no_password_is_ever_printed() -> None:
    with PolicyReader("postgresql://ann:ge%20heim@127.0.0.1:1/policies", watch=False) as reader:
        assert reader.refresh() is False
        message = f"{reader!r} {reader.status}"

    assert "connection" in message
    assert "***" in message
    assert "heim" not in message


def test_a_clock_that_fails_does_not_fail_the_read(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    clock = Clock(SLOT)
    with PolicyReader(store_url, watch=False, now=clock) as reader:
        assert reader.refresh()
        clock.at = None  # type: ignore[assignment]  # so that it fails

        assert reader.get("BTCUSDT").status is Status.MISSING
