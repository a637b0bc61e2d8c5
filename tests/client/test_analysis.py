"""The past of a store as tables: the same rows and types from SQLite and Postgres, in pandas, polars and Arrow."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from sqlalchemy import Boolean, Double, Integer, Text, text

from router_policy_client.analysis import (
    read_changes,
    read_costs,
    read_drift,
    read_gaps,
    read_history,
    read_latest,
    read_overrides,
    read_runs,
    read_savings,
)
from router_policy_client.analysis.arrow_columns import CATEGORY, CODES, COUNT, FIGURE, FLAG, TIME, arrow_array, kind_of
from router_policy_client.errors import ReaderSettingsError, StoreReadError, UnknownScopeError
from storage.schema.column_types import Flag, UtcTimestamp
from storage.schema.tables import (
    policy_day,
    policy_day_cost,
    policy_day_drift,
    policy_override,
    policy_override_end,
    policy_run,
    policy_saving,
)
from storage.schema.views import policy_change, policy_gap, policy_history, policy_latest
from storage.store import Store
from tests.support.small_history import publish_small_history

MIDNIGHT = datetime(2025, 3, 4, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TEXT = pyarrow.string()
EVERY_READ = (
    read_history,
    read_latest,
    read_changes,
    read_runs,
    read_overrides,
    read_gaps,
    read_savings,
    read_costs,
    read_drift,
)


@pytest.fixture(scope="module")
def url(module_store: Store) -> str:
    """The address of a store with the small history."""
    publish_small_history(module_store)
    return module_store.url.render_as_string(hide_password=False)


def rows(table: Any, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def test_the_history_has_each_policy_with_the_time_that_it_was_in_force(url: str) -> None:
    history = read_history(url, symbols="BTCUSDT", to="arrow")

    assert rows(history, "valid_from", "valid_to", "maker_first", "quality", "override_author") == [
        (MIDNIGHT - 2 * HOUR, MIDNIGHT - HOUR, True, "good", None),
        (MIDNIGHT - HOUR, MIDNIGHT, True, "degraded", None),
        (MIDNIGHT, MIDNIGHT + 20 * MINUTE, True, "degraded", None),
        (MIDNIGHT + 20 * MINUTE, MIDNIGHT + HOUR, False, "degraded", "ann"),
        (MIDNIGHT + HOUR, MIDNIGHT + 90 * MINUTE, False, "good", "ann"),
        (MIDNIGHT + 90 * MINUTE, MIDNIGHT + 4 * HOUR, True, "good", None),
        (MIDNIGHT + 4 * HOUR, None, True, "good", None),
    ]


def test_codes_are_records_with_their_figure_and_threshold(url: str) -> None:
    latest = read_latest(url, symbols=["DOGEUSDT"], to="polars")

    assert latest["codes"].to_list()[0][0] == {"code": "fallback_ratio_broken", "value": 0.97, "threshold": 0.95}


def test_bounds_take_the_rows_from_the_first_up_to_the_second(url: str) -> None:
    since, until = "2025-03-04T01:00:00+01:00", MIDNIGHT + HOUR

    assert rows(read_history(url, since=since, until=until, to="arrow"), "symbol", "valid_from") == [
        ("BTCUSDT", MIDNIGHT),
        ("DOGEUSDT", MIDNIGHT),
        ("ETHUSDT", MIDNIGHT),
        ("BTCUSDT", MIDNIGHT + 20 * MINUTE),
    ]
    assert rows(read_runs(url, since=since, until=until, to="arrow"), "slot", "shadows")[0][0] == MIDNIGHT
    assert read_history(url, symbols=[], to="arrow").num_rows == 0


def test_a_bound_between_two_seconds_is_exact(url: str) -> None:
    assert read_runs(url, since=MIDNIGHT + timedelta(microseconds=1), to="arrow").column("slot")[0].as_py() == (
        MIDNIGHT + HOUR
    )


def test_changes_have_what_was_decided_before(url: str) -> None:
    changes = read_changes(url, symbols=["BTCUSDT"], to="arrow")

    assert rows(changes, "slot", "quality", "previous_quality", "previous_slot", "previous_maker_first") == [
        (MIDNIGHT - HOUR, "degraded", "good", MIDNIGHT - 2 * HOUR, True),
        (MIDNIGHT + HOUR, "good", "degraded", MIDNIGHT, True),
    ]


def test_overrides_have_who_made_and_who_ended_them(url: str) -> None:
    assert rows(read_overrides(url, to="arrow"), "symbol", "author", "until_at", "ended_at", "ended_by") == [
        ("BTCUSDT", "ann", MIDNIGHT + 140 * MINUTE, MIDNIGHT + 90 * MINUTE, "bob"),
        ("ETHUSDT", "ann", datetime(2999, 1, 1, tzinfo=UTC), None, None),
    ]


def test_runs_and_the_slots_without_one_are_those_of_the_scope(url: str) -> None:
    assert rows(read_gaps(url, to="arrow"), "slot", "state", "last_error") == [
        (MIDNIGHT + 2 * HOUR, "missed", None),
        (MIDNIGHT + 3 * HOUR, "failed", "the log is locked"),
    ]
    assert read_runs(url, to="arrow").num_rows == 5
    assert rows(read_runs(url, scope="paper", to="arrow"), "slot", "origin") == [(MIDNIGHT + 4 * HOUR, "manual")]


def test_a_scope_that_the_store_does_not_have_is_refused_with_those_that_it_has(url: str) -> None:
    for read in EVERY_READ:
        with pytest.raises(
            UnknownScopeError, match=r"^no policy in scope 'nothing'; the store has: 'default', 'paper'$"
        ):
            read(url, scope="nothing")
    assert read_gaps(url, scope="paper", to="arrow").num_rows == 0


def test_a_store_without_a_run_has_empty_tables_with_a_type_for_every_column(store: Store) -> None:
    url = store.url.render_as_string(hide_password=False)

    for read in EVERY_READ:
        empty = read(url, to="arrow")
        assert empty.num_rows == 0
        assert pyarrow.null() not in empty.schema.types


def test_a_column_without_a_value_has_its_type(url: str) -> None:
    for read, name in ((read_history, "holdout_salt"), (read_latest, "holdout_salt"), (read_runs, "experiment")):
        table = read(url, to="arrow")
        assert table.column(name).null_count == table.num_rows > 0
        assert pyarrow.null() not in table.schema.types
        assert read(url, to="polars").schema[name] == polars.String


def test_every_kind_of_table_holds_the_same(url: str) -> None:
    arrow = read_history(url, to="arrow")
    in_polars, in_pandas = read_history(url, to="polars"), read_history(url)

    assert isinstance(in_polars, polars.DataFrame)
    assert in_polars.drop("codes").to_dicts() == arrow.drop_columns(["codes"]).to_pylist()
    assert isinstance(in_pandas, pandas.DataFrame)
    for name in arrow.column_names:
        values = [_plain(value) for value in in_pandas[name]]
        assert values == arrow.column(name).to_pylist()


def _plain(value: Any) -> object:
    """Return a cell of pandas as Arrow gives it: None if it is missing, a list for an array."""
    if pandas.api.types.is_list_like(value):
        return list(value)
    return None if pandas.isna(value) else value


@pytest.mark.parametrize("symbols", [None, ["NEVER"]])
def test_types_in_pandas_do_not_depend_on_the_rows(url: str, symbols: list[str] | None) -> None:
    types = read_history(url, symbols=symbols).dtypes

    assert str(types["valid_to"]) == "datetime64[us, UTC]"
    assert [str(types[name]) for name in ("maker_first", "probe_every", "quality")] == ["boolean", "Int64", "category"]
    assert str(types["fallback_ratio"]) == "float64"


TABLES = [
    *(policy_history, policy_latest, policy_change, policy_gap, policy_run, policy_override, policy_override_end),
    *(policy_saving, policy_day, policy_day_cost, policy_day_drift),
]


@pytest.mark.parametrize("column", {column.name: column for table in TABLES for column in table.columns}.values())
def test_every_column_of_the_store_has_the_type_of_its_values(column: Any) -> None:
    kinds: list[tuple[type, set[Any]]] = [
        (UtcTimestamp, {TIME}),
        (Flag, {FLAG}),
        (Boolean, {FLAG}),
        (Double, {FIGURE}),
        (Integer, {COUNT}),
        (Text, {CATEGORY, CODES, TEXT}),
    ]
    expected = next(kinds for kind, kinds in kinds if isinstance(column.type, kind))

    assert kind_of(column.name) in expected


def test_an_unknown_column_gets_the_type_of_its_values() -> None:
    assert arrow_array("new_word", ["a", None]).to_pylist() == ["a", None]
    assert arrow_array("new_number", [None, 2]).type == pyarrow.int64()


@pytest.mark.parametrize(
    ("name", "value"), [("slot", "yesterday"), ("maker_first", 2), ("codes", "[{"), ("run_id", "many")]
)
def test_a_damaged_value_is_refused_with_its_column(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"column {name}: "):
        arrow_array(name, [value])


def test_a_bound_without_a_zone_is_refused(url: str) -> None:
    with pytest.raises(ReaderSettingsError, match=r"since: '2025-03-04 00:00:00' has no zone"):
        read_history(url, since="2025-03-04 00:00:00")
    with pytest.raises(ReaderSettingsError, match="until: 'now' is not a valid time"):
        read_history(url, until="now")


def test_an_unknown_kind_of_table_is_refused(url: str) -> None:
    with pytest.raises(ReaderSettingsError, match="to: 'excel' is not a kind of table; use 'pandas'"):
        read_history(url, to="excel")  # type: ignore[arg-type]


def test_a_store_that_is_not_there_is_refused_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(
        StoreReadError, match=f"^the store {tmp_path}/nowhere.db cannot be read: there is no such file$"
    ):
        read_latest(f"sqlite:///{tmp_path}/nowhere.db")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    file.write_text("not a database, but long enough to be read as one")

    with pytest.raises(StoreReadError, match=f"^the store {file} cannot be read: file is not a database$"):
        read_latest(f"sqlite:///{file}")


def test_a_library_that_is_not_installed_is_named_before_anything_is_read() -> None:
    program = (
        "import importlib.util, importlib.machinery\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'polars' else real(name, *more)\n"
        "from router_policy_client.analysis import read_latest\n"
        "try: read_latest('sqlite:////nowhere.db', to='polars')\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("to='polars' needs polars, which is not installed; install router-policy-client[")


@pytest.fixture
def slow_view(store: Store) -> str:
    """The address of a Postgres store whose view of gaps takes longer to read than a router would wait."""
    if store.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has no limit of a statement's time")
    with store.writing() as connection:
        connection.execute(text("alter view policy_gap rename to gaps_before"))
        connection.execute(text("create view policy_gap as select gaps_before.* from gaps_before, pg_sleep(2.2)"))
    return store.url.render_as_string(hide_password=False)


def test_a_query_may_take_longer_than_that_of_a_router(slow_view: str) -> None:
    assert read_gaps(slow_view, to="arrow").num_rows == 0


def test_figures_that_were_not_measured_are_missing(url: str) -> None:
    history = read_latest(url, scope="paper")

    assert math.isnan(history["fallback_ratio"][0])
    assert history["survivor_count"].isna().all()
