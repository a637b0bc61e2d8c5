"""Places that a new column of the snapshot must not be forgotten in: CONTRIBUTING.md lists them all."""

from dataclasses import fields

from console.records.policy_records import SnapshotRecord
from policy.rules import Decision
from policy.rules.decision import RouterPolicy
from storage.audit.rederive import _DECISION, _HOLDOUT
from storage.schema.tables import policy_snapshot


def test_verify_derives_every_field_of_a_decision_again() -> None:
    decided = {field.name for field in (*fields(RouterPolicy), *fields(Decision))} - {"policy"}

    assert {*_DECISION, _HOLDOUT[0]} == decided


def test_the_api_has_every_column_of_a_snapshot() -> None:
    assert set(SnapshotRecord.model_fields) == {column.name for column in policy_snapshot.columns}
