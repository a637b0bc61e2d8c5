"""The reader on both databases: what it finds, what it makes of time, and what it outlives."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import router_policy_client.reader as reader_module
from policy import TakerBias as ServiceTakerBias
from policy.experiment.experiment import Experiment
from router_policy_client import PolicyReader, Quality, Status, Symbols, TakerBias
from storage.read import overrides as read_overrides
from storage.store import Store
from storage.write import overrides
from tests.client.reading import Clock, watching
from tests.client.upgrade import PROBE_EVERY, make_view_anew
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish, result
from tests.support.store_calls import read, write
from tests.support.waiting import wait_until


def override(
    store: Store,
    lasting: timedelta,
    *,
    maker_first: bool = False,
    taker_bias: ServiceTakerBias = ServiceTakerBias.PREFER_TAKER,
) -> None:
    write(
        store,
        overrides.make_override,
        "default",
        "BTCUSDT",
        maker_first=maker_first,
        taker_bias=taker_bias,
        lasting=lasting,
        author="ann",
        reason="the venue is down",
    )


def test_a_published_policy_is_read_with_its_status_age_run_and_slot(store: Store, store_url: str) -> None:
    run = publish(store, SLOT, evidence("BTCUSDT"), evidence("BADUSDT", fallback=0.95))

    with PolicyReader(store_url, watch=False, now=Clock(SLOT + QUARTER)) as reader:
        assert reader.refresh() is True
        good, bad = reader.get("BTCUSDT"), reader.get("BADUSDT")

    assert (good.status, good.age_seconds, good.run_id, good.slot) == (Status.FRESH, 900.0, run.run_id, SLOT)
    assert (good.maker_first, good.taker_bias, good.quality) == (True, TakerBias.PREFER_MAKER, Quality.GOOD)
    assert (good.regime, good.maker_offset_bps, good.probe_every) == ("normal", 1.5, None)
    assert (good.maker_posts, good.probe_share) == (1, None)
    assert (bad.maker_first, bad.taker_bias, bad.quality) == (False, TakerBias.PREFER_TAKER, Quality.BROKEN)
    assert good.policy is not None
    assert good.policy.published_at == run.published_at


def test_a_fresh_policy_is_read_with_its_holdout_and_a_stale_one_without(store: Store, store_url: str) -> None:
    run = replace(result((evidence("BTCUSDT"),)), experiment=Experiment(share=0.02, salt="spring"))
    store.publish(claim(store), run)
    clock = Clock(SLOT + QUARTER)

    with PolicyReader(store_url, watch=False, now=clock) as reader:
        reader.refresh()
        fresh = reader.get("BTCUSDT")
        clock.at = SLOT + 3 * QUARTER
        stale = reader.get("BTCUSDT")

    assert (fresh.status, fresh.holdout_share, fresh.holdout_salt) == (Status.FRESH, 0.02, "spring")
    assert (stale.status, stale.holdout_share, stale.holdout_salt) == (Status.STALE, None, None)


def test_a_bot_asks_by_its_own_spelling_of_a_symbol(store: Store, store_url: str) -> None:
    publish(store, SLOT, evidence("BADUSDT", fallback=0.95))

    spelling = Symbols(style="compact", names={"the bad one": "BADUSDT"})
    with PolicyReader(store_url, watch=False, now=Clock(SLOT + QUARTER), symbols=spelling) as reader:
        reader.refresh()
        readings = [reader.get(symbol) for symbol in ("BAD/USDT:USDT", "BADUSDT-PERP.BINANCE", "the bad one")]
        other = reader.get("GOOD/USDT")

    assert [(reading.symbol, reading.maker_first) for reading in readings] == [("BADUSDT", False)] * 3
    assert (other.symbol, other.status) == ("GOOD/USDT", "missing")


def test_a_symbol_without_a_policy_is_the_routers_own_choice(store: Store, store_url: str) -> None:
    publish(store, SLOT)

    with watching(store_url) as reader:
        reading = reader.get("NOBODY")
        assert reader.get(["no", "symbol"]).status is Status.MISSING  # type: ignore[arg-type]  # no type checker looks over every router

    assert (reading.symbol, reading.status, reading.age_seconds) == ("NOBODY", Status.MISSING, None)
    assert (reading.run_id, reading.slot, reading.policy) == (None, None, None)
    assert (reading.maker_first, reading.taker_bias) == (True, TakerBias.BALANCED)


def test_time_alone_makes_a_policy_stale_and_expired(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    clock = Clock(SLOT)
    with PolicyReader(store_url, watch=False, now=clock, interval_seconds=60, expired_after_intervals=4) as reader:
        assert reader.refresh()
        statuses = []
        for seconds in (120, 121, 240, 241, -6, 0):
            clock.at = SLOT + timedelta(seconds=seconds)
            statuses.append(reader.get("BTCUSDT").status.value)

    assert statuses == ["fresh", "stale", "stale", "expired", "clock_skew", "fresh"]


def test_each_publication_and_override_is_seen_by_itself(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").slot == SLOT
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + QUARTER, "the second run is seen")
        override(store, timedelta(hours=1))
        wait_until(lambda: not reader.get("BTCUSDT").maker_first, "the override is seen")
        assert reader.get("BTCUSDT").taker_bias is TakerBias.PREFER_TAKER
        assert reader.get("ETHUSDT").maker_first is True
        write(store, overrides.end_override, "default", "BTCUSDT", author="ann", reason="it is back")
        wait_until(lambda: reader.get("BTCUSDT").maker_first, "the end of the override is seen")


def test_an_override_beneath_another_is_in_force_again_when_that_ends_by_itself(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    override(store, timedelta(hours=1))
    with watching(store_url) as reader:
        override(store, timedelta(seconds=1), maker_first=True, taker_bias=ServiceTakerBias.BALANCED)
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.BALANCED, "the upper override is seen")
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.PREFER_TAKER, "the lower one is seen again")


def test_an_override_ends_at_its_time_while_nothing_can_be_read(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(hours=1))
        clock = Clock(datetime.now(UTC))
        with PolicyReader(str(store.url), interval_seconds=1e9, watch=False, now=clock) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").maker_first is False
            clock.at += timedelta(minutes=61)
            assert reader.get("BTCUSDT").maker_first is True


def test_an_override_beneath_another_is_in_force_again_though_this_clock_is_ahead(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, SLOT)
    override(store, timedelta(hours=1))
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + 0.03)
    with watching(store_url) as reader:
        override(store, timedelta(seconds=1), maker_first=False, taker_bias=ServiceTakerBias.BALANCED)
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.BALANCED, "the upper override is seen")
        routes = set()

        def is_the_lower_one() -> bool:
            reading = reader.get("BTCUSDT")
            routes.add(reading.maker_first)
            return reading.taker_bias is TakerBias.PREFER_TAKER

        wait_until(is_the_lower_one, "the lower override is seen again")
    assert routes == {False}


def test_an_override_is_in_force_as_long_as_the_store_says_so_though_this_clock_is_far_ahead(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, SLOT)
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + 60.0)
    override(store, timedelta(seconds=3))
    with watching(store_url) as reader:
        readings = []

        def has_ended_in_the_store() -> bool:
            maker_first = reader.get("BTCUSDT").maker_first
            has_ended = not read(store, read_overrides.overrides_at, "default", store.now())
            if not has_ended:  # else it may have ended before the reading
                readings.append(maker_first)
            return has_ended

        wait_until(has_ended_in_the_store, "the override ends")
        assert set(readings) == {False}
        wait_until(lambda: reader.get("BTCUSDT").maker_first, "its end is seen")


def test_an_override_of_a_row_that_cannot_be_read_any_more_ends_at_its_time(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=2))
        with watching(str(store.url)) as reader:
            assert reader.get("BTCUSDT").maker_first is False
            with store.writer.begin() as connection:
                (view,) = connection.exec_driver_sql("select sql from sqlite_master where name = 'policy_latest'").one()
                connection.exec_driver_sql("drop view policy_latest")
                spoilt = view.replace("select c.scope,", "select c.scope, 'nothing' as published_at,", 1)
                connection.exec_driver_sql(spoilt)

            wait_until(lambda: "stays as it was" in str(reader.status.last_error), "the row cannot be read")
            wait_until(lambda: reader.get("BTCUSDT").maker_first, "the override ends all the same")


def test_an_override_that_ended_by_this_clock_alone_is_told_when_it_is_in_force_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.db"
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=60))
    ahead = 0.0
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + ahead)
    monkeypatch.setattr(reader_module, "monotonic", lambda: time.monotonic() + ahead)
    with PolicyReader(f"sqlite:///{path}", interval_seconds=1e9, watch=False) as reader:
        assert reader.refresh()
        path.rename(tmp_path / "away.db")
        ahead = 120.0
        assert not reader.refresh()
        ended = reader.status.change_count
        assert reader.get("BTCUSDT").maker_first is True
        (tmp_path / "away.db").rename(path)
        assert reader.refresh()

        assert (reader.get("BTCUSDT").maker_first, reader.status.change_count) == (False, ended + 1)


def test_by_a_clock_of_the_callers_own_an_override_ends_at_its_time(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(hours=1))
        clock = Clock(datetime.now(UTC) + timedelta(hours=2))
        with PolicyReader(str(store.url), interval_seconds=1e9, watch=False, now=clock) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").maker_first is True


def test_a_change_is_told_also_where_an_override_ends_while_the_store_is_away(tmp_path: Path) -> None:
    path = tmp_path / "policy.db"
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=1.5))

    async def changed_after_it_is_away(reader: PolicyReader) -> int:
        path.rename(tmp_path / "away.db")
        seen = reader.status.change_count
        return await asyncio.wait_for(reader.changed(after=seen), 30) - seen

    with watching(f"sqlite:///{path}") as reader:
        assert reader.get("BTCUSDT").maker_first is False
        assert asyncio.run(changed_after_it_is_away(reader)) == 1
        assert reader.get("BTCUSDT").maker_first is True


def test_the_policies_of_another_scope_are_not_ours(store: Store, store_url: str) -> None:
    publish(store, SLOT, evidence("BTCUSDT"), scope="paper")

    with watching(store_url) as ours, watching(store_url, scope="paper") as theirs:
        assert ours.get("BTCUSDT").status is Status.MISSING
        assert "scope 'default'" in str(ours.status.last_error)
        assert theirs.get("BTCUSDT").status is Status.FRESH


def test_a_symbol_that_the_newest_run_leaves_out_is_missing(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        publish(store, SLOT + QUARTER, evidence("ETHUSDT"))
        wait_until(lambda: reader.get("ETHUSDT").slot == SLOT + QUARTER, "the second run is seen")

        assert reader.get("BTCUSDT").status is Status.MISSING
        assert list(reader.readings()) == ["ETHUSDT"]


def test_readings_are_all_of_one_run(store: Store, store_url: str) -> None:
    run = publish(store, SLOT)

    with watching(store_url) as reader:
        assert {reading.symbol: reading.run_id for reading in reader.readings().values()} == {
            "BTCUSDT": run.run_id,
            "ETHUSDT": run.run_id,
        }


def test_a_reader_may_start_before_the_store_is_set_up(store_url: str) -> None:
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").status is Status.MISSING
        assert reader.refresh() is False
        assert reader.status.is_reachable is False
        with Store(store_url) as store:
            store.set_up()
            publish(store, SLOT)
            wait_until(lambda: reader.get("BTCUSDT").status is Status.FRESH, "the first run is seen")
        assert reader.status.is_reachable is True


def test_a_view_that_gains_columns_is_read_on(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").probe_every is None
        make_view_anew(store)
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.get("BTCUSDT").probe_every == PROBE_EVERY, "the column is read")
