"""The public views as the first schema made them."""

SNAPSHOT_COLUMNS = (
    "run_id symbol scope slot maker_first taker_bias quality regime reason codes maker_fill_ratio fallback_ratio "
    "slip_q25 slip_q50 slip_q75 outcome_count maker_started_count slippage_count atr_short_pct atr_long_pct atr_ratio "
    "bar_count bar_age_seconds expectancy expectancy_count maker_offset_bps rule_set"
).split()
_SNAPSHOT = ", ".join(f"s.{name}" for name in SNAPSHOT_COLUMNS)

VIEWS = {
    "policy_latest": f"""
select {_SNAPSHOT.replace("s.scope", "c.scope")}, r.published_at
from policy_scope as c
join policy_run as r on r.run_id = (
    select newest.run_id from policy_run as newest
    where newest.scope = c.scope order by newest.slot desc limit 1
)
join policy_snapshot as s on s.run_id = r.run_id
""",
    "policy_history": f"""
select {_SNAPSHOT},
    s.slot as valid_from,
    (
        select min(later.slot) from policy_run as later
        where later.scope = s.scope and later.slot > s.slot
    ) as valid_to,
    r.origin,
    r.published_at
from policy_snapshot as s
join policy_run as r on r.run_id = s.run_id
""",
    "policy_change": f"""
select {_SNAPSHOT},
    p.slot as previous_slot,
    p.maker_first as previous_maker_first,
    p.taker_bias as previous_taker_bias,
    p.quality as previous_quality,
    p.regime as previous_regime,
    p.reason as previous_reason
from policy_snapshot as s
join policy_snapshot as p on p.symbol = s.symbol and p.run_id = (
    select earlier.run_id from policy_run as earlier
    where earlier.scope = s.scope and earlier.slot < s.slot
    order by earlier.slot desc limit 1
)
where p.maker_first <> s.maker_first or p.taker_bias <> s.taker_bias or p.quality <> s.quality
""",
}
COMMENTS = {
    "policy_latest": "The policy in force for every symbol: the snapshots of each scope's newest slot.",
    "policy_history": "Every policy with the time it was in force: valid_from <= t < valid_to, null for the newest.",
    "policy_change": "Only the snapshots whose decision differs from the symbol's run before, with what it was.",
}
