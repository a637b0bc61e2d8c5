"""What several migrations need: views with their descriptions, and which database it is."""

from collections.abc import Iterable, Mapping

from alembic import op


def on_postgres() -> bool:
    """Tell whether the migration runs on Postgres."""
    return op.get_bind().dialect.name == "postgresql"


def create_views(views: Mapping[str, str], comments: Mapping[str, str]) -> None:
    """Create views by name and query; Postgres keeps what each is for."""
    for name, query in views.items():
        op.execute(f"create view {name} as {query}")
        if on_postgres():
            comment = comments[name].replace("'", "''")
            op.execute(f"comment on view {name} is '{comment}'")


def drop_views(names: Iterable[str]) -> None:
    """Drop views, the last first."""
    for name in reversed(list(names)):
        op.execute(f"drop view {name}")
