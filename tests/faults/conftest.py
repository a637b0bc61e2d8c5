"""Fixtures that several fault tests use."""

import pytest

from tests.faults.ticking import START, Clock, go_by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a test sets, and schedules that compute at once and in this process."""
    clock = Clock(START)
    go_by(clock, monkeypatch)
    return clock
