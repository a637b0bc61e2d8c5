"""The form that each entry names: part of its digest, so that who edits it is found, in new entries and in old ones."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from policy.enums import TakerBias
from storage.audit.difference import TamperedError
from storage.audit.digest import DIGEST_FORM
from storage.schema.tables import policy_override, policy_override_end, policy_prune, policy_run
from storage.store import Store
from storage.write import overrides
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.store_calls import write
from tests.support.tampering import behind_the_triggers

pytestmark = pytest.mark.usefixtures("schema_made_once")

ENTRIES = {"policy_run": policy_run, "policy_override": policy_override, "policy_override_end": policy_override_end}


@pytest.fixture
def history(store: Store) -> Store:
    """One run, an override and its end."""
    publish(store, SLOT)
    write(
        store,
        overrides.make_override,
        "default",
        "BTCUSDT",
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=QUARTER,
        author="ann",
        reason="venue is down",
    )
    write(store, overrides.end_override, "default", "BTCUSDT", author="ann", reason="venue is up")
    return store


def as_text(value: object) -> object:
    """A time as the canonical text has it."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def test_the_digest_of_an_entry_is_over_a_text_that_names_its_form(history: Store) -> None:
    with history.reader.connect() as connection:
        row = connection.execute(select(policy_override)).one()._mapping

    values = [as_text(value) for name, value in row.items() if name != "digest"]
    document = json.dumps(["policy_override", values], separators=(",", ":"), ensure_ascii=False)
    assert values[-1] == row["digest_form"] == DIGEST_FORM == 3
    assert hashlib.sha256(document.encode()).hexdigest() == row["digest"]


def test_every_kind_of_entry_names_its_form(history: Store) -> None:
    publish(history, SLOT + QUARTER)
    pruned = list(history.prune(timedelta(0)))
    with history.reader.connect() as connection:
        forms = [
            form
            for table in (*ENTRIES.values(), policy_prune)
            for form in connection.scalars(select(table.c.digest_form))
        ]

    assert [batch.run_count for batch in pruned] == [1]
    assert forms == [3] * len(forms)
    assert len(forms) >= 2


@pytest.mark.parametrize("table", ENTRIES)
def test_another_form_of_a_new_entry_is_found(history: Store, table: str) -> None:
    for form in ("null", "0", "1", "2", "4", "9223372036854775807"):
        with behind_the_triggers(history) as connection:
            connection.execute(text(f"update {table} set digest_form = {form}"))

        with pytest.raises(TamperedError, match=rf"{table.removeprefix('policy_')} \d: digest is "):
            list(history.verify())


def test_an_old_form_does_not_hide_another_change(history: Store) -> None:
    with behind_the_triggers(history) as connection:
        connection.execute(text("update policy_run set digest_form = null, engine = 'another'"))

    with pytest.raises(TamperedError, match="run 1: digest is "):
        list(history.verify())
