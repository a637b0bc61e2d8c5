"""The public views once overrides and gaps are known: what is in force, and beside it what was computed."""

from collections.abc import Iterable, Mapping

from migrations.views_0001 import SNAPSHOT_COLUMNS

# SQLite's clock has milliseconds and stored times six digits; as text, .375 would stand before the .375000 it equals.
_CLOCKS = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'", "postgresql": "clock_timestamp()"}
_IN_FORCE = """
    coalesce(o.maker_first, s.maker_first) as maker_first,
    coalesce(o.taker_bias, s.taker_bias) as taker_bias"""
_BESIDE = """
    s.maker_first as computed_maker_first,
    s.taker_bias as computed_taker_bias,
    o.entry_id as override_id,
    o.author as override_author,
    o.reason as override_reason,
    o.until_at as override_until_at"""
_REST = ", ".join(f"s.{name}" for name in SNAPSHOT_COLUMNS if name not in ("scope", "maker_first", "taker_bias"))


def _override_at(moment: str) -> str:
    """Join the override that is in force for `s` at a moment; of several the one that was made last."""
    return f"""
left join policy_override as o on o.entry_id = (
    select max(x.entry_id) from policy_override as x
    left join policy_override_end as e on e.override_id = x.entry_id
    where x.scope = s.scope and x.symbol = s.symbol
        and x.from_at <= {moment} and coalesce(e.ended_at, x.until_at) > {moment}
)"""


def views(dialect: str, more: Mapping[str, str] | None = None, *, counter: str = "fence") -> dict[str, str]:
    """Return the views' queries by name, with the clock of the database in them.

    `more` are columns that the snapshot got later, each with what it says where a policy is in force: `s` is the
    snapshot and `o` the override, if there is one. `counter` is the column of failures that counts the tries.
    """
    now = _CLOCKS[dialect]
    more = more or {}
    return {
        "policy_latest": _latest(now, more),
        "policy_history": _history(now, more),
        "policy_change": _change(more),
        "policy_gap": _gap(now, counter),
    }


def _in_force(more: Mapping[str, str]) -> str:
    return "".join([_IN_FORCE, *(f",\n    {said} as {name}" for name, said in more.items())])


def _latest(now: str, more: Mapping[str, str]) -> str:
    return f"""
select c.scope, {_REST},{_in_force(more)},
    r.published_at,{_BESIDE}
from policy_scope as c
join policy_run as r on r.run_id = (
    select newest.run_id from policy_run as newest
    where newest.scope = c.scope order by newest.slot desc limit 1
)
join policy_snapshot as s on s.run_id = r.run_id
{_override_at(now)}"""


def _history(now: str, more: Mapping[str, str]) -> str:
    """A policy is in force from a slot, or from the moment when an override begins or ends, until the next of these."""
    columns = ", ".join((*SNAPSHOT_COLUMNS, *more))
    stored = ", ".join(f"p.{name}" for name in (*SNAPSHOT_COLUMNS, *more))
    return f"""
with turn as (
    select scope, symbol, from_at as at from policy_override where from_at <= {now}
    union
    select t.scope, t.symbol, coalesce(e.ended_at, t.until_at)
    from policy_override as t left join policy_override_end as e on e.override_id = t.entry_id
    where coalesce(e.ended_at, t.until_at) <= {now}
),
point as (
    select {columns}, slot as valid_from from policy_snapshot
    union all
    select {stored}, turn.at as valid_from
    from turn join policy_snapshot as p on p.symbol = turn.symbol and p.run_id = (
        select before.run_id from policy_run as before
        where before.scope = turn.scope and before.slot <= turn.at order by before.slot desc limit 1
    )
    where p.slot < turn.at
)
select s.scope, {_REST},{_in_force(more)},
    s.valid_from,
    (
        select min(ends.at) from (
            select min(later.slot) as at from policy_run as later
            where later.scope = s.scope and later.slot > s.valid_from
            union all
            select min(turn.at) from turn
            where turn.scope = s.scope and turn.symbol = s.symbol and turn.at > s.valid_from
        ) as ends
    ) as valid_to,
    r.origin,
    r.published_at,{_BESIDE}
from point as s
join policy_run as r on r.run_id = s.run_id
{_override_at("s.valid_from")}"""


def _gap(now: str, counter: str) -> str:
    return f"""
select
    g.scope,
    g.slot,
    case when g.state = 'running' then 'abandoned' else g.state end as state,
    g.owner,
    (
        select count(*) from policy_run_failure as f where f.scope = g.scope and f.slot = g.slot
    ) as failure_count,
    (
        select f.error from policy_run_failure as f
        where f.scope = g.scope and f.slot = g.slot order by f.{counter} desc limit 1
    ) as last_error
from policy_slot as g
where g.state in ('missed', 'failed') or (g.state = 'running' and g.lease_until_at < {now})
"""


def _change(more: Iterable[str]) -> str:
    """The run before is looked up once a run, not once a snapshot."""
    return f"""
select {", ".join(f"s.{name}" for name in (*SNAPSHOT_COLUMNS, *more))},
    p.slot as previous_slot,
    p.maker_first as previous_maker_first,
    p.taker_bias as previous_taker_bias,
    p.quality as previous_quality,
    p.regime as previous_regime,
    p.reason as previous_reason
from policy_run as r
join policy_run as before on before.run_id = (
    select earlier.run_id from policy_run as earlier
    where earlier.scope = r.scope and earlier.slot < r.slot
    order by earlier.slot desc limit 1
)
join policy_snapshot as s on s.run_id = r.run_id
join policy_snapshot as p on p.run_id = before.run_id and p.symbol = s.symbol
where p.maker_first <> s.maker_first or p.taker_bias <> s.taker_bias or p.quality <> s.quality
"""


COMMENTS = {
    "policy_latest": "The policy in force for every symbol, overrides included, beside what was computed.",
    "policy_history": "Every policy with the time it was in force: valid_from <= t < valid_to, null for the newest.",
    "policy_change": "Only the snapshots whose decision differs from the symbol's run before, with what it was.",
    "policy_gap": "Slots that should have been published and were not, with the last error.",
}
