"""A reader without its store: what it saved, what it knew, and clocks that are set back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

import router_policy_client.reader as reader_module
from router_policy_client import PolicyReader, Status
from storage.store import Store
from tests.client.reading import Clock, watching
from tests.support.runs import SLOT, publish


def test_a_router_that_restarts_without_the_store_goes_on_with_what_it_knew(tmp_path: Path) -> None:
    url, kept = f"sqlite:///{tmp_path / 'policy.db'}", tmp_path / "kept.json"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT)) as reader:
            assert reader.refresh()
    (tmp_path / "policy.db").rename(tmp_path / "away.db")

    def restarted(at: datetime) -> PolicyReader:
        return PolicyReader(url, last_known_path=kept, now=Clock(at))

    with restarted(SLOT + timedelta(seconds=300)) as reader:
        assert (reader.get("BTCUSDT").status, reader.get("BTCUSDT").age_seconds) == (Status.FRESH, 300.0)
    with restarted(SLOT + timedelta(hours=3)) as reader:
        assert reader.get("BTCUSDT").status is Status.EXPIRED


def test_a_saved_policy_is_at_least_as_old_as_when_it_was_saved(tmp_path: Path) -> None:
    url, kept = f"sqlite:///{tmp_path / 'policy.db'}", tmp_path / "kept.json"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT + timedelta(hours=3))) as reader:
            assert reader.refresh()

    with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT + timedelta(minutes=1))) as reader:
        assert (reader.get("BTCUSDT").status, reader.get("BTCUSDT").age_seconds) == (Status.EXPIRED, 3 * 3600.0)


def test_a_file_that_cannot_be_written_is_reported_and_stops_nothing(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    publish(store, SLOT)

    with watching(store_url, last_known_path=tmp_path / "no folder" / "kept.json") as reader:
        assert reader.get("BTCUSDT").status is Status.FRESH
        assert "could not be saved" in str(reader.status.last_error)


def test_a_wall_clock_that_is_set_back_makes_an_expired_policy_no_fresher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        at = SLOT.timestamp() + 8000
        monkeypatch.setattr(reader_module, "time", lambda: at)
        with PolicyReader(str(store.url), watch=False) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            at -= 7000
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            assert reader.refresh()
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            at -= 7000
            assert reader.get("BTCUSDT").status is Status.CLOCK_SKEW


def test_the_status_is_that_of_the_moment_though_the_reading_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        at = SLOT.timestamp() + 1799.95
        monkeypatch.setattr(reader_module, "time", lambda: at)
        with PolicyReader(str(store.url), watch=False) as reader:
            assert reader.refresh()
            fresh = reader.get("BTCUSDT")
            at += 0.01
            assert reader.get("BTCUSDT") is fresh
            at += 0.05
            assert reader.get("BTCUSDT").status is Status.STALE
            at += 1.1
            assert reader.get("BTCUSDT").age_seconds == pytest.approx(1801.11)
