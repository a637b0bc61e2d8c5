"""The words of the first release: columns get the names of their field; what they hold, and every digest, stays."""

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
    "policy_run": {"scope": "the scope"},
    "policy_run_failure": {"scope": "the scope"},
    "policy_override": {"scope": "the scope"},
    "policy_breaker": {
        "start_count": "maker orders before that streak, since the evidence restarted",
        "pool_miss_streak": "the streak of misses over all symbols of the scope",
        "pool_start_count": "maker orders of all symbols before that streak",
        "candidate_quality": "what the last runs measured instead",
        "candidate_count": "how many runs in a row measured it; 0 if they agree with the stable quality",
    },
}


def upgrade() -> None:
    drop_views(views_0002.COMMENTS)
    for table, names in _RENAMED.items():
        _rename(table, names)
    if on_postgres():
        _rename_checks(_CHECKS)
        _describe(_COMMENTS)
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
    """SQLite cannot rename a constraint; there the name of an older schema stays."""
    for old, new in names.items():
        op.execute(f"alter table policy_breaker rename constraint ck_policy_breaker_{old} to ck_policy_breaker_{new}")


def _describe(comments: Mapping[str, Mapping[str, str]]) -> None:
    for table, columns in comments.items():
        for column, comment in columns.items():
            op.execute(f"comment on column {table}.{column} is '{comment}'")


def _create_views(counter: str) -> None:
    create_views(views_0002.views(op.get_bind().dialect.name, _PROBES, counter=counter), views_0002.COMMENTS)
