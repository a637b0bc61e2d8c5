"""What maker orders cost, on which the rule set measured decides, and the way that cost less."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import on_postgres

revision = "0010"
down_revision = "0009"

_EVIDENCE = {
    "cost_evidence": "what orders of the symbol cost, as JSON; null unless measured decides",
    "pool_cost_evidence": "what orders of the scope cost, as JSON; null unless measured decides",
}
_COST_ROUTE = "the way that cost less when this was last clear; null: not known"
_BEFORE = "What the rule set breaker rested on, and its state after the run, live or in the shadow."
_NOW = "What breaker or measured rested on, and its state after the run, live or in the shadow."


def upgrade() -> None:
    for name, comment in _EVIDENCE.items():
        op.add_column("policy_breaker", sa.Column(name, sa.Text(), comment=comment))
    _add_cost_route()
    _comment_table(_NOW)


def downgrade() -> None:
    op.execute("alter table policy_breaker drop column cost_route")
    for name in reversed(_EVIDENCE):
        op.drop_column("policy_breaker", name)
    _comment_table(_BEFORE)


def _add_cost_route() -> None:
    """Add the column with its check: Alembic adds none to a column of SQLite."""
    check = "constraint ck_policy_breaker_cost_route_known check (cost_route in ('maker', 'taker'))"
    op.execute(f"alter table policy_breaker add column cost_route text {check}")
    if on_postgres():
        op.execute(f"comment on column policy_breaker.cost_route is '{_COST_ROUTE}'")


def _comment_table(comment: str) -> None:
    if on_postgres():
        op.execute(f"comment on table policy_breaker is '{comment}'")
