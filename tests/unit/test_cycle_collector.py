"""Python's collector of cycles: off within a block and as before after it; what is exempt is never looked through."""

import gc
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from jobs.cycle_collector import exempt_what_is_loaded, without_collector


@pytest.fixture(autouse=True)
def collector_as_at_start() -> Iterator[None]:
    """The collector is on and looks through everything, before a test and after it."""
    gc.enable()
    gc.unfreeze()
    yield
    gc.enable()
    gc.unfreeze()


def test_the_collector_is_off_until_the_outer_block_ends() -> None:
    with without_collector():
        with without_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()

    assert gc.isenabled()


def test_the_collector_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="broken"), without_collector():
        raise ValueError("broken")

    assert gc.isenabled()


def test_a_collector_that_somebody_turned_off_stays_off() -> None:
    gc.disable()
    with without_collector():
        pass

    assert not gc.isenabled()


def test_only_what_is_there_the_first_time_is_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "duckdb", raising=False)
    exempt_what_is_loaded()
    exempt_count = gc.get_freeze_count()
    later = [[number] for number in range(100)]
    exempt_what_is_loaded()

    assert gc.get_freeze_count() <= exempt_count  # less if some of it is gone
    assert exempt_count > len(later)
    assert any(made is later for made in gc.get_objects())


def test_nothing_is_exempt_once_duckdb_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", ModuleType("duckdb"))
    exempt_what_is_loaded()

    assert gc.get_freeze_count() == 0
