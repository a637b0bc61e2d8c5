"""What any future order saves in money, of which runs stored the sum over the orders sent alone."""

from alembic import op

from migrations.ddl import on_postgres

revision = "0012"
down_revision = "0011"

_COLUMNS = {
    "any_margin_money": "± of what one future order saves in money, at every look",
    "any_single_look_margin_money": "± of the same, valid for one look only",
    "mean_notional": "mean notional of these orders, which a future order has on average",
}


def upgrade() -> None:
    for name, comment in _COLUMNS.items():
        _add_number(name, comment)


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.execute(f"alter table policy_saving drop column {name}")


def _add_number(name: str, comment: str) -> None:
    """Add the column with its check: Alembic adds none to a column of SQLite."""
    kind = "double precision" if on_postgres() else "real"
    check = f"constraint ck_policy_saving_{name}_finite check ({name} between -1e300 and 1e300)"
    op.execute(f"alter table policy_saving add column {name} {kind} {check}")
    if on_postgres():
        op.execute(f"comment on column policy_saving.{name} is '{comment}'")
