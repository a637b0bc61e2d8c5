"""The names of the first release: columns and comments take the field's terms; values and digests stay."""

from collections.abc import Mapping

from alembic import op

from migrations import views_0002
from migrations.ddl import create_views, drop_views, on_postgres

revision = "0004"
down_revision = "0003"

_PROBES = {"probe_every": "case when o.entry_id is null then s.probe_every end"}
_RENAMED = {
    "policy_slot": {"fence": "fencing_token"},
    "policy_run_failure": {"fence": "fencing_token"},
    "policy_breaker": {
        "miss_run": "miss_streak",
        "reject_run": "reject_streak",
        "pool_miss_run": "pool_miss_streak",
        "label": "stable_quality",
        "next_label": "candidate_quality",
        "next_label_count": "candidate_count",
    },
}
_CHECKS = {"label_known": "stable_quality_known", "next_label_known": "candidate_quality_known"}
_COMMENTS = {
    "policy_scope": {"scope": "an account, a venue, paper or live"},
    "policy_slot": {"scope": "the scope that the slot belongs to"},
    "policy_run": {
        "scope": "the scope",
        "rule_set_digest": "that rule set",
        "reject_count": "how many rows of the sources were rejected",
        "shadows": "rule sets in its shadow, JSON: name to digest; null if there are none",
    },
    "policy_reject": {"reason": "why the rows were rejected"},
    "policy_run_failure": {"scope": "the scope"},
    "policy_override": {
        "scope": "the scope",
        "maker_first": "what the router does instead",
        "taker_bias": "how patient the router is instead",
    },
    "policy_breaker": {
        "state_before": "its state before the run, as JSON; null for a first run",
        "fee_gap_bps": "taker fee less maker fee; null if the settings have no fees",
        "is_one_tick": "whether the spread is one tick; null if candles do not show it",
        "start_count": "maker orders before that streak, since the evidence restarted",
        "pool_miss_streak": "the streak of misses over all symbols of the scope",
        "pool_start_count": "maker orders of all symbols before that streak",
        "candidate_quality": "what the last runs measured instead",
        "candidate_count": "how many runs in a row measured it; 0 if they agree with the stable quality",
    },
}

_TABLE_COMMENTS = {
    "policy_head": "The end of the chain; every publisher locks this row first, so that the chain cannot fork.",
    "policy_slot": "Who computes which slot: a lease with a fencing token. The only table whose rows change.",
    "policy_rule_set": "The rule sets that have decided, each with its parameters.",
    "policy_reject": "Rows of the sources that a run rejected, counted by reason.",
    "policy_breaker": "What the rule set breaker rested on, and its state after the run, live or in the shadow.",
}


def upgrade() -> None:
    drop_views(views_0002.COMMENTS)
    for table, names in _RENAMED.items():
        _rename(table, names)
    if on_postgres():
        _rename_checks(_CHECKS)
        _comment_columns(_COMMENTS)
        _comment_tables(_TABLE_COMMENTS)
    _create_views(counter="fencing_token")


def downgrade() -> None:
    drop_views(views_0002.COMMENTS)
    for table, names in _RENAMED.items():
        _rename(table, _reversed(names))
    if on_postgres():
        _rename_checks(_reversed(_CHECKS))
    _create_views(counter="fence")


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _rename(table: str, names: Mapping[str, str]) -> None:
    for old, new in names.items():
        op.execute(f"alter table {table} rename column {old} to {new}")


def _rename_checks(names: Mapping[str, str]) -> None:
    """Rename check constraints; SQLite cannot, and keeps the names of the older schema."""
    for old, new in names.items():
        op.execute(f"alter table policy_breaker rename constraint ck_policy_breaker_{old} to ck_policy_breaker_{new}")


def _comment_columns(comments: Mapping[str, Mapping[str, str]]) -> None:
    for table, columns in comments.items():
        for column, comment in columns.items():
            op.execute(f"comment on column {table}.{column} is '{comment}'")


def _comment_tables(comments: Mapping[str, str]) -> None:
    for table, comment in comments.items():
        op.execute(f"comment on table {table} is '{comment}'")


def _create_views(counter: str) -> None:
    create_views(views_0002.views(op.get_bind().dialect.name, _PROBES, counter=counter), views_0002.COMMENTS)
