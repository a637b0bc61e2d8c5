"""An upgrade of the store under a reader: the public view made anew with other columns, as a migration does."""

from sqlalchemy import text

from storage.store import Store

PROBE_EVERY = 5


def make_view_anew(store: Store) -> None:
    """Let `policy_latest` say that every fifth order is a probe, whether it had such a column before or not."""
    with store.writer.begin() as connection:
        columns = connection.execute(text("select * from policy_latest where 1 = 0")).keys()
        kept = ", ".join(name for name in columns if name != "probe_every")
        if store.url.get_backend_name() == "postgresql":
            connection.execute(text("alter view policy_latest rename to policy_latest_before"))
        else:
            query = "select sql from sqlite_master where name = 'policy_latest'"
            before = connection.execute(text(query)).scalar_one()
            connection.execute(text("drop view policy_latest"))
            connection.exec_driver_sql(before.replace("policy_latest", "policy_latest_before", 1))
        view = f"select {kept}, {PROBE_EVERY} as probe_every, 'new' as later from policy_latest_before"
        connection.execute(text(f"create view policy_latest as {view}"))
