"""What waits for an address, how urgent it is, and the hours in which it waits."""

from datetime import UTC, datetime

import pytest

from jobs.notify.mailbox import Batch, Mailbox, Urgency, body, title, urgency
from jobs.notify.notices import Notice
from jobs.notify.quiet import parse_quiet_hours
from policy.event_kind import EventKind


@pytest.mark.parametrize(
    ("kinds_waiting", "expected"),
    [
        ([EventKind.TO_MAKER], Urgency.INFO),
        ([EventKind.STALE, EventKind.TO_MAKER], Urgency.WARNING),
        ([EventKind.STALE, EventKind.RUN_FAILED], Urgency.FAILURE),
        ([EventKind.EXPIRED], Urgency.FAILURE),
    ],
)
def test_a_message_is_as_urgent_as_the_most_urgent_notice(kinds_waiting: list[EventKind], expected: Urgency) -> None:
    waiting = tuple(Notice(kind=kind, message="it happened") for kind in kinds_waiting)

    assert urgency(Batch(notices=waiting)) is expected


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [("22:00-07:00", ["22:00", "23:59", "06:59"], ["07:00", "21:59"]), ("12:00-13:30", ["13:29"], ["13:30", "11:59"])],
)
def test_quiet_hours_may_pass_midnight(hours: str, quiet: list[str], loud: list[str]) -> None:
    span = parse_quiet_hours(hours)

    for clock in quiet + loud:
        at = datetime.fromisoformat(f"2026-04-26T{clock}:00").replace(tzinfo=UTC)
        assert span.holds(at) == (clock in quiet)


@pytest.mark.parametrize("text", ["22-7", "24:00-07:00", "22:00-07:60", "", "22:00-22:00"])
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_quiet_hours(text)


def notice(number: int = 0) -> Notice:
    return Notice(kind=EventKind.BROKEN, message=f"X{number}: broken now", symbols=(f"X{number}",))


def test_a_message_has_a_line_for_each_notice_and_counts_by_kind() -> None:
    mailbox = Mailbox(url="json://x")
    mailbox.add([notice(1), notice(2), Notice(kind=EventKind.RUN_FAILED, message="slot failed")])

    batch = mailbox.take()

    assert title("live", batch) == "router-policy live: 2 broken, 1 run failed"
    assert body(batch) == "X1: broken now\nX2: broken now\nslot failed"


def test_what_comes_while_a_message_is_sent_waits_for_the_next() -> None:
    mailbox, first, later = Mailbox(url="json://x"), notice(1), notice(1)
    mailbox.add([first])
    batch = mailbox.take()
    mailbox.add([later])

    mailbox.delivered()

    assert batch.notices == (first,)
    assert [each is later for each in mailbox.waiting] == [True]


def test_what_was_not_delivered_waits_again_before_what_came_meanwhile() -> None:
    mailbox = Mailbox(url="json://x")
    mailbox.add([notice(1), notice(2)])
    batch = mailbox.take()
    mailbox.add([notice(3)])

    mailbox.failed(batch, 0.0)

    assert mailbox.take().notices == (notice(1), notice(2), notice(3))


def test_what_is_dropped_while_a_message_is_sent_is_counted_in_the_next() -> None:
    mailbox = Mailbox(url="json://x")
    mailbox.add(notice(number) for number in range(201))
    sent = mailbox.take()
    mailbox.add(notice(number) for number in range(300, 505))

    mailbox.delivered()

    assert (sent.dropped_count, sent.notices[0]) == (1, notice(1))
    second = mailbox.take()
    assert (second.dropped_count, second.notices[0], len(second.notices)) == (5, notice(305), 200)


def test_what_is_dropped_before_and_after_a_failure_adds_up() -> None:
    mailbox = Mailbox(url="json://x")
    mailbox.add(notice(number) for number in range(203))
    mailbox.failed(mailbox.take(), 0.0)
    batch = mailbox.take()
    mailbox.add([notice(203), notice(204)])

    mailbox.failed(batch, 0.0)

    again = mailbox.take()
    assert (again.dropped_count, again.notices[0], again.notices[-1]) == (5, notice(5), notice(204))


def test_a_failure_is_followed_by_pauses_that_double_up_to_an_hour() -> None:
    mailbox = Mailbox(url="json://x", waiting=[notice()])
    pauses = []
    for _ in range(8):
        mailbox.failed(mailbox.take(), 100.0)
        pauses.append(mailbox.retry_at_seconds - 100.0)

    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert (mailbox.is_due(3699.0), mailbox.is_due(3700.0)) == (False, True)
    mailbox.delivered()
    mailbox.failed(mailbox.take(), 0.0)
    assert mailbox.retry_at_seconds == 60


def test_beyond_200_the_oldest_notices_are_dropped_and_counted() -> None:
    mailbox = Mailbox(url="json://x")
    mailbox.add(notice(number) for number in range(203))

    batch = mailbox.take()
    lines = body(batch).splitlines()

    assert (len(batch.notices), lines[0]) == (200, "X3: broken now")
    assert lines[-2:] == [
        "... and 170 more; router-policy latest has what is in force",
        "3 earlier ones were not delivered",
    ]
