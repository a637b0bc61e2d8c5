"""Notifications against local addresses that take them, hang, refuse and answer garbage; and the watcher's looks."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from console.terminal.logs import JsonLines
from jobs.notify.notices import Notice
from jobs.notify.quiet import parse_quiet_hours
from jobs.notify.sending import Delivery, Message, masked, send
from jobs.notify.watcher import NotifyPlan, Watcher, log_notice
from jobs.run.lease_owner import claim
from jobs.slots import Slots
from policy.effective import EffectivePolicy
from policy.enums import TakerBias
from policy.event_kind import EventKind
from storage.read.policies import latest
from storage.schema.tables import policy_run
from storage.store import Connection, Store
from storage.write import leases
from storage.write.overrides import make_override
from tests.support.bots import COMMAND, environment, write_bot
from tests.support.command import command
from tests.support.endpoints import Endpoint, answering_garbage, hanging, refusing, taking
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.store_calls import write
from tests.support.waiting import wait_until

DEADLINE = timedelta(seconds=20)
SECRET = "hunter2hunter2"
Address = Callable[[], AbstractContextManager[Endpoint]]


def message(url: str, number: int = 1) -> Message:
    return Message(number=number, url=url, title="a title", body="BTCUSDT: broken now")


def test_a_message_arrives_with_its_title_and_body() -> None:
    with taking() as endpoint:
        (delivery,) = send([message(endpoint.url)], DEADLINE)

    assert delivery.failure == ""
    arrived = json.loads(endpoint.bodies[0])
    assert (arrived["title"], arrived["message"]) == ("a title", "BTCUSDT: broken now")


def test_of_several_addresses_the_bad_ones_keep_none_of_the_others_waiting() -> None:
    with taking() as good, hanging() as hung, refusing() as closed, answering_garbage() as garbage:
        urls = (hung.url, closed.url, garbage.url, "nonsense", good.url)
        deliveries = send([message(url, number) for number, url in enumerate(urls, 1)], DEADLINE)

    assert len(good.bodies) == 1
    assert [delivery.failure == "" for delivery in deliveries] == [False, False, False, False, True]
    assert deliveries[3].failure == "not an address that apprise knows"


def test_an_address_that_hangs_is_given_up_at_the_deadline() -> None:
    with hanging() as hung:
        (delivery,) = send([message(f"{hung.url}?cto=300&rto=300")], timedelta(seconds=4))

    assert delivery.failure == "no answer within the deadline"


# Addresses of a test: apprise takes services that others add to it.
SERVICES = """
import os
from apprise import NotifyBase
from apprise.manager_plugins import NotificationManager

class Printing(NotifyBase):
    def send(self, body, **more):
        print("sending", body, flush=True)
        os.write(1, b"and a program that it starts prints as well\\n")
        return True

class Raising(NotifyBase):
    def send(self, body, **more):
        raise ConnectionError(f"{self.host} is not there")

class Dying(NotifyBase):
    def send(self, body, **more):
        os._exit(1)

for service in Printing, Raising, Dying:
    NotificationManager().add(service, schemas=service.__name__.lower())
"""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the services to the apprise of every process that is started."""
    (tmp_path / "sitecustomize.py").write_text(SERVICES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("services")
def test_what_a_service_prints_is_no_answer_and_an_error_in_one_is_told_by_its_kind() -> None:
    printing, raising = send([message("printing://x"), message(f"raising://{SECRET}", 2)], DEADLINE)

    assert (printing.number, printing.failure) == (1, "")
    assert (raising.number, raising.failure) == (2, "apprise failed with ConnectionError")


@pytest.mark.usefixtures("services")
def test_a_process_that_dies_is_told_as_such() -> None:
    (delivery,) = send([message("dying://x")], DEADLINE)

    assert delivery.failure == "the process that sends it has died"


@pytest.mark.usefixtures("services")
def test_a_message_to_a_service_that_prints_is_sent_once(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]]
) -> None:
    with taking() as endpoint:
        watcher = watcher_of(sqlite_store, plan(endpoint.url, "printing://x"))
        two_runs(watcher)
        watcher.tell(0.0)
        watcher.tell(1000.0)

    assert len(endpoint.bodies) == 1


def test_without_a_process_to_send_a_message_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    (delivery,) = send([message("json://127.0.0.1:1")], DEADLINE)

    assert delivery.failure.startswith("no process could be started to send it: ")


@pytest.mark.parametrize(
    ("url", "shown"),
    [("slack://A/B/C", "slack://..."), (SECRET, "..."), ("", "..."), (f"{SECRET}:x@y://z", "...")],
)
def test_of_an_address_only_the_scheme_is_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


def plan(*urls: str, **changes: object) -> NotifyPlan:
    values = {"scope": "default", "slots": Slots("*/15 * * * *"), "urls": urls, "deadline": DEADLINE, **changes}
    return NotifyPlan(**values)  # type: ignore[arg-type]


@pytest.fixture
def two_runs(sqlite_store: Store) -> Callable[[Watcher], list[Notice]]:
    """Publish a good run, look, publish a broken one, and look again."""

    def looks(watcher: Watcher) -> list[Notice]:
        publish(sqlite_store, SLOT, evidence("BTCUSDT"))
        assert watcher.look(sqlite_store) == []
        publish(sqlite_store, SLOT + QUARTER, evidence("BTCUSDT", fallback=0.95))
        return watcher.look(sqlite_store)

    return looks


def watcher_of(store: Store, notify: NotifyPlan) -> Watcher:
    return Watcher(plan=notify, store_url=store.url.render_as_string(hide_password=False))


def test_one_message_tells_all_that_a_run_changed(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]]
) -> None:
    with taking() as endpoint:
        watcher = watcher_of(sqlite_store, plan(endpoint.url))
        assert [notice.kind for notice in two_runs(watcher)] == [EventKind.TO_TAKER, EventKind.BROKEN]
        watcher.tell(0.0)
        watcher.tell(1000.0)

    (arrived,) = map(json.loads, endpoint.bodies)
    assert (arrived["title"], arrived["type"]) == ("router-policy default: 1 to taker, 1 broken", "warning")
    assert arrived["message"].count("BTCUSDT") == 2


def test_a_run_that_is_seen_while_a_message_is_sent_is_told_in_the_next(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[str] = []

    def look_meanwhile(messages: Sequence[Message], deadline: timedelta) -> list[Delivery]:
        if not bodies:
            publish(sqlite_store, SLOT + 2 * QUARTER, evidence("BTCUSDT"))
            looking = Thread(target=watcher.look, args=(sqlite_store,))
            looking.start()
            looking.join(60)
            assert not looking.is_alive()
        bodies.extend(each.body for each in messages)
        return [Delivery(number=each.number) for each in messages]

    monkeypatch.setattr("jobs.notify.watcher.send", look_meanwhile)
    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    two_runs(watcher)
    for _ in range(3):
        watcher.tell(0.0)

    assert ["maker first again" in body for body in bodies] == [False, True]
    assert "broken now" in bodies[0]
    assert "broken now" not in bodies[1]


def test_an_error_while_a_message_is_sent_loses_nothing(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[str] = []

    def fail_once(messages: Sequence[Message], deadline: timedelta) -> list[Delivery]:
        bodies.extend(each.body for each in messages)
        if len(bodies) == 1:
            raise RuntimeError(f"not even within {deadline}")
        return [Delivery(number=each.number) for each in messages]

    monkeypatch.setattr("jobs.notify.watcher.send", fail_once)
    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    two_runs(watcher)
    with pytest.raises(RuntimeError, match="not even within"):
        watcher.tell(0.0)
    for seconds in (1000.0, 2000.0):
        watcher.tell(seconds)

    assert bodies == [bodies[0]] * 2
    assert "broken now" in bodies[0]


def test_an_address_that_is_there_twice_has_two_mailboxes_after_a_reload_too(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]]
) -> None:
    with taking() as endpoint:
        watcher = watcher_of(sqlite_store, plan(endpoint.url, endpoint.url))
        watcher.replace_plan(plan(endpoint.url, endpoint.url))
        two_runs(watcher)
        watcher.tell(0.0)

    assert [json.loads(body)["message"].count("BTCUSDT") for body in endpoint.bodies] == [2, 2]


def test_only_the_kinds_that_were_asked_for_are_told(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]]
) -> None:
    with taking() as endpoint:
        watcher = watcher_of(sqlite_store, plan(endpoint.url, kinds=frozenset({EventKind.BROKEN})))
        two_runs(watcher)
        watcher.tell(0.0)

    assert json.loads(endpoint.bodies[0])["title"] == "router-policy default: 1 broken"


def test_in_quiet_hours_notices_wait(sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]]) -> None:
    now = datetime.now(UTC)
    quiet = parse_quiet_hours(f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}")
    with taking() as endpoint:
        watcher = watcher_of(sqlite_store, plan(endpoint.url, quiet=quiet))
        two_runs(watcher)
        watcher.tell(0.0)
        assert endpoint.bodies == []
        watcher.replace_plan(plan(endpoint.url))
        watcher.tell(0.0)

    assert len(endpoint.bodies) == 1


def test_a_message_that_was_refused_is_tried_again_and_its_address_is_never_logged(
    sqlite_store: Store, two_runs: Callable[[Watcher], list[Notice]], caplog: pytest.LogCaptureFixture
) -> None:
    with taking(status=500) as endpoint:
        watcher = watcher_of(sqlite_store, plan(f"{endpoint.url}{SECRET}"))
        two_runs(watcher)
        watcher.tell(0.0)
        watcher.tell(59.0)
        watcher.tell(60.0)

    assert len(endpoint.bodies) == 2
    (first, second) = [record.getMessage() for record in caplog.records if "did not get" in record.getMessage()]
    assert first == (
        "address 1 of [notify] urls, json://... did not get 2 notices: it was refused, or nobody answered; "
        "it is tried again in 60 s"
    )
    assert second.endswith("in 120 s")
    assert SECRET not in caplog.text


def test_a_slot_that_fails_again_and_again_is_told_once_until_a_run_is_published(sqlite_store: Store) -> None:
    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    watcher.look(sqlite_store)

    def fails(slot: datetime) -> list[EventKind]:
        """Look while a try at the slot goes on, and after it failed; what is told then."""
        lease = claim(sqlite_store, "default", slot, timedelta(minutes=1))
        watcher.look(sqlite_store)
        write(sqlite_store, leases.record_failure, lease, "no file matches", timedelta(0))
        return [notice.kind for notice in watcher.look(sqlite_store) if notice.kind is EventKind.RUN_FAILED]

    now = sqlite_store.now().replace(microsecond=0)
    assert [fails(now - QUARTER), fails(now - QUARTER), fails(now)] == [[EventKind.RUN_FAILED], [], []]
    publish(sqlite_store, now, evidence("BTCUSDT"))
    assert fails(now + QUARTER) == [EventKind.RUN_FAILED]


def test_what_a_run_published_is_read_once(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def counted(connection: Connection, scope: str, symbol: str | None = None) -> list[EffectivePolicy]:
        reads.append(scope)
        return latest(connection, scope, symbol)

    monkeypatch.setattr("jobs.notify.observation.latest", counted)
    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))
    for _ in range(3):
        assert watcher.look(sqlite_store) == []
    assert len(reads) == 1
    publish(sqlite_store, SLOT + QUARTER, evidence("BTCUSDT", fallback=0.95))

    assert [notice.kind for notice in watcher.look(sqlite_store)] == [EventKind.TO_TAKER, EventKind.BROKEN]
    assert len(reads) == 2


def test_an_override_is_told_although_no_run_was_published(sqlite_store: Store) -> None:
    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))
    watcher.look(sqlite_store)
    write(
        sqlite_store,
        make_override,
        "default",
        "BTCUSDT",
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=timedelta(hours=1),
        author="ann",
        reason="a test",
    )

    assert [notice.kind for notice in watcher.look(sqlite_store)] == [EventKind.OVERRIDE_MADE]


def test_by_another_schedule_policies_get_stale_from_its_beginning_on(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the schedule of every quarter of an hour they would be fresh until 00:45; by the other until 00:17."""

    def statuses(minute: int) -> list[EventKind]:
        monkeypatch.setattr(Store, "now", lambda _: SLOT.replace(minute=minute))
        return [notice.kind for notice in watcher.look(sqlite_store)]

    watcher = watcher_of(sqlite_store, plan("json://127.0.0.1:1"))
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))
    assert statuses(20) == []
    watcher.replace_plan(replace(watcher.plan, slots=Slots("* * * * *")))

    assert statuses(21) == []
    assert statuses(23) == [EventKind.STALE]


def test_an_event_is_a_line_of_json_with_keys(caplog: pytest.LogCaptureFixture) -> None:
    notice = Notice(kind=EventKind.BROKEN, message="BTCUSDT: broken now", symbols=("BTCUSDT",), run_id=7, slot=SLOT)
    with caplog.at_level(logging.INFO, "router_policy.events"):
        log_notice(notice)

    line = json.loads(JsonLines().format(caplog.records[0]))
    assert (line["event"], line["run_id"], line["slot"]) == ("broken", 7, "2026-04-26T00:15:00Z")
    assert (line["symbols"], line["message"], line["level"]) == (["BTCUSDT"], "BTCUSDT: broken now", "warning")


def test_the_test_message_arrives_and_each_address_has_its_line(tmp_path: Path) -> None:
    with taking() as endpoint, refusing() as closed:
        urls = json.dumps([endpoint.url, f"{closed.url}{SECRET}"])
        write_bot(tmp_path, SLOT, more=f"\n[notify]\nurls = {urls}\n")
        read = command(tmp_path, "notify")
        assert endpoint.bodies == []
        sent = command(tmp_path, "notify", "--test", "--json")

    assert (read.returncode, read.stdout.count("can be used")) == (0, 2)
    assert sent.returncode == 1
    assert [each["ok"] for each in json.loads(sent.stdout)["items"]] == [True, False]
    assert "router-policy default: test" in endpoint.bodies[0]
    assert SECRET not in read.stdout + read.stderr + sent.stdout + sent.stderr


def test_check_names_an_address_that_cannot_be_used_without_its_secret(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime.now(UTC), more=f'\n[notify]\nurls = ["json://127.0.0.1", "{SECRET}"]\n')

    checked = command(tmp_path, "check")

    assert checked.returncode == 1
    assert "WRONG notify: urls, address 2: not an address that apprise knows" in checked.stdout
    assert SECRET not in checked.stdout


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (f'urls = "{SECRET}"', "notify.urls"),
        (f'on = ["{SECRET[:3]}"]', "notify.on"),
        ('quiet = "late"', "invalid hours 'late'; write them in UTC as 22:00-07:00"),
    ],
)
def test_settings_that_cannot_be_used_are_named_without_a_secret(tmp_path: Path, setting: str, words: str) -> None:
    write_bot(tmp_path, SLOT, more=f"\n[notify]\n{setting}\n")

    failed = command(tmp_path, "latest")

    assert failed.returncode == 2
    assert words in failed.stderr
    assert SECRET not in failed.stderr


# What refuses or answers garbage is done with at once: the messages to it are tried in this process as well.
@pytest.mark.parametrize(
    "address", [hanging, *(pytest.param(other, marks=pytest.mark.long) for other in (refusing, answering_garbage))]
)
def test_no_run_waits_for_an_address_that_does_not_answer(tmp_path: Path, address: Address) -> None:
    """The message may take five minutes; three runs are published while it is on its way."""
    with address() as endpoint:
        notify = f'[notify]\nurls = ["{endpoint.url}?cto=300&rto=300"]\ndeadline = "5m"\n'
        write_bot(tmp_path, datetime.now(UTC), more=f'\n[schedule]\ncron = "* * * * * *"\ntick = "1s"\n{notify}')
        log = tmp_path / "messages.log"
        with log.open("wb") as messages:
            process = subprocess.Popen([COMMAND, "run"], cwd=tmp_path, env=environment(), stderr=messages)
        try:
            with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
                wait_until(lambda: "published as run" in log.read_text(), "a first run is published")
                wait_until(lambda: "override_made" in _overridden(tmp_path, log), "the watcher has seen an override")
                wait_until(
                    lambda: bool(endpoint.bodies) or "did not get" in log.read_text(), "the address has been tried"
                )
                before = len(_published(store))
                wait_until(lambda: len(_published(store)) >= before + 3, "three more runs are published")
            assert ("did not get" in log.read_text()) == (address is not hanging)
        finally:
            process.terminate()
            assert process.wait(60) == 0


def _overridden(folder: Path, log: Path) -> str:
    """Make an override, so that there is something to tell, and return what is logged."""
    command(folder, "override", "GOODUSDT", "--taker", "--for", "1h", "--reason", "try", "--author", "ann")
    return log.read_text()


def _published(store: Store) -> list[datetime]:
    with store.reading() as connection:
        return list(connection.scalars(select(policy_run.c.slot)))
