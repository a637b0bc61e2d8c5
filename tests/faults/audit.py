"""What is wrong with a store after a fault, found in plain SQL and by walking the chain."""

from sqlalchemy import text

from storage.errors import StoreError
from storage.store import Store

_WRONG = {
    "a run without all of its snapshots": """
        select run_id from policy_run as r where symbol_count <>
            (select count(*) from policy_snapshot as s where s.run_id = r.run_id)""",
    "a run without all of its rejected rows": """
        select run_id from policy_run as r where reject_count <>
            (select coalesce(sum(reject_count), 0) from policy_reject as j where j.run_id = r.run_id)""",
    "a slot published twice": "select slot from policy_run group by scope, slot having count(*) > 1",
    "a snapshot without its run": """
        select distinct run_id from policy_snapshot as s
        where not exists (select 1 from policy_run as r where r.run_id = s.run_id)""",
    "a run whose slot is not marked published": """
        select run_id from policy_run as r where not exists (
            select 1 from policy_slot as s where s.scope = r.scope and s.slot = r.slot and s.state = 'published')""",
    "a slot marked published without a run": """
        select slot from policy_slot as s where state = 'published' and not exists (
            select 1 from policy_run as r where r.scope = s.scope and r.slot = s.slot)""",
    "a head that is not the last run": """
        select entry_id from policy_head where entry_id < coalesce((select max(run_id) from policy_run), 0)""",
}


def torn(store: Store) -> list[str]:
    """Return what plain counting finds wrong; quick, so it can follow every single fault."""
    with store.reader.connect() as connection:
        return [
            f"{what}: {', '.join(map(str, rows[:3]))}"
            for what, query in _WRONG.items()
            if (rows := connection.scalars(text(query)).all())
        ]


def faults(store: Store) -> list[str]:
    """Return everything that is wrong: the counts, the file itself on SQLite, and the chain."""
    return [*torn(store), *_broken_file(store), *_broken_chain(store)]


def _broken_file(store: Store) -> list[str]:
    if store.url.get_backend_name() != "sqlite":
        return []
    with store.reader.connect() as connection:
        lines: list[str] = list(connection.scalars(text("pragma integrity_check")).all())
    return [f"the file: {line}" for line in lines if line != "ok"]


def _broken_chain(store: Store) -> list[str]:
    try:
        for _ in store.verify():
            pass
    except StoreError as error:
        return [f"the chain: {error}"]
    return []
