-- Orders held against what had been published by their time: one row per symbol, with the newest three orders of each
-- kind. An order may be of several kinds.
--     order_event       the rows of the order log; those with a reason are not used
--     run               runs with slot, published_at, stale_at and expires_at: those that readers saw, and those that orders name
--     taker             run and symbol of each policy with maker_first off
--     override_span     overrides as they were in force, from_at <= t < end_at
--     assignment        orders whose policy holds orders out: which way chance sends each, derived from its id
with sent as (
    select
        order_id,
        symbol,
        ts,
        maker_started,
        coalesce(probe, false) as is_probe,
        policy_run_id,
        holdout,
        propensity,
        maker_started or slippage_bps is not null or notional is not null as is_sent
    from order_event
    where reason is null and ts >= $window_start and ts < $window_end
),

-- Readers see the newest slot: a run that was published after a later slot was never seen.
seen_run as (
    select *
    from run
    qualify slot = max(slot) over (order by published_at)
),

named_run as (
    select
        *,
        min(published_at) over later as superseded_at,
        arg_min(run_id, published_at) over later as superseded_by
    from run
    window later as (order by slot rows between 1 following and unbounded following)
),

-- Each moment at which the instruction for a symbol may change: a run is published or has expired, an override begins or
-- ends. An override is acted on up to its own end; a run that has expired gives no instruction: an order may start as
-- maker.
turn as (
    select symbol, from_at as moment from override_span
    union
    select symbol, end_at from override_span
    union
    select symbol, unnest([published_at, expires_at + interval 1 microsecond])
    from (select symbol from taker union select symbol from override_span) cross join seen_run
),

instruction as (
    select
        turn.symbol,
        turn.moment,
        coalesce(
            arg_max(override_span.maker_first, override_span.override_id),
            not bool_or(taker.symbol is not null and turn.moment <= seen_run.expires_at)
        ) as maker_first
    from turn
    asof left join seen_run on turn.moment >= seen_run.published_at
    left join taker on taker.run_id = seen_run.run_id and taker.symbol = turn.symbol
    left join override_span
        on override_span.symbol = turn.symbol
        and override_span.from_at <= turn.moment
        and override_span.end_at > turn.moment
    group by turn.symbol, turn.moment
),

instruction_since as (
    select *
    from instruction
    qualify maker_first is distinct from lag(maker_first) over (partition by symbol order by moment)
),

-- The first thing that does not fit the assignment of an order; null if all does. An order took part if its log has `holdout`. One that
-- took no part has the propensity 1 if its client knows holdouts: then the bot itself chose its way, or a cap was reached.
assigned as (
    select
        sent.*,
        assignment.maker_first <> assignment.is_held_out as assigned_maker_first,
        case when assignment.is_held_out then assignment.share else 1 - assignment.share end as assigned_propensity,
        holdout is not null and named_run.run_id is not null as took_part,
        coalesce(
            if(holdout is not null and policy_run_id is null, 'no_run', null),
            if(holdout is not null and policy_run_id > $pruned_through and named_run.run_id is null, 'unknown_run', null),
            if(took_part and assignment.run_id is null, 'no_holdout', null),
            if(took_part and assignment.is_held_out is null, 'no_id', null),
            if(took_part and holdout <> assignment.is_held_out, 'other_assignment', null),
            if(took_part and coalesce(abs(propensity - assigned_propensity) > 1e-9, true), 'other_propensity', null),
            if(took_part and is_sent and maker_started <> assigned_maker_first, 'other_way', null),
            if(took_part and sent.ts - $tolerance > named_run.stale_at, 'not_fresh', null),
            if(took_part and exists (
                from override_span
                where symbol = sent.symbol and from_at < sent.ts - $tolerance and end_at > sent.ts
            ), 'overridden', null),
            if(
                holdout is null and propensity is null and is_sent and sent.ts <= named_run.stale_at
                and assignment.is_held_out and maker_started = assignment.maker_first
                and not exists (
                    from override_span
                    where symbol = sent.symbol and from_at <= sent.ts and end_at > sent.ts - $tolerance
                ), 'no_part', null)
        ) as fault
    from sent
    left join named_run on named_run.run_id = sent.policy_run_id
    left join assignment
        on assignment.run_id = sent.policy_run_id
        and assignment.symbol = sent.symbol
        and assignment.order_id is not distinct from sent.order_id
),

judged as (
    select
        sent.symbol,
        {
            'ts': sent.ts,
            'order_id': sent.order_id,
            'run_id': sent.policy_run_id,
            'slot': named_run.slot,
            'superseded_by': named_run.superseded_by,
            'superseded_at': named_run.superseded_at,
            'instruction_since': instruction_since.moment,
            'maker_started': sent.maker_started,
            'holdout': sent.holdout,
            'propensity': sent.propensity,
            'assigned_maker_first': sent.assigned_maker_first,
            'assigned_propensity': sent.assigned_propensity,
            'fault': sent.fault
        } as example,
        sent.policy_run_id is null and sent.ts - $tolerance > $policies_from as is_no_run,
        sent.policy_run_id is null and not coalesce(sent.ts - $tolerance > $policies_from, false) as is_before_policies,
        sent.policy_run_id > $pruned_through and named_run.run_id is null as is_unknown_run,
        named_run.superseded_at < sent.ts - $tolerance as is_superseded,
        sent.ts > named_run.expires_at as is_expired,
        sent.maker_started
            and not sent.is_probe
            and not coalesce(sent.holdout, false)
            and not instruction_since.maker_first
            and instruction_since.moment < sent.ts - $tolerance as is_maker_while_taker,
        sent.fault is not null as is_not_as_assigned
    from assigned as sent
    left join named_run on named_run.run_id = sent.policy_run_id
    asof left join instruction_since on sent.symbol = instruction_since.symbol and sent.ts >= instruction_since.moment
)

select
    symbol,
    count(*) as order_count,
    count(*) filter (where is_before_policies) as before_policies_count,
    count(*) filter (where is_no_run) as no_run_count,
    count(*) filter (where is_unknown_run) as unknown_run_count,
    count(*) filter (where is_superseded) as superseded_count,
    count(*) filter (where is_expired) as expired_count,
    count(*) filter (where is_maker_while_taker) as maker_while_taker_count,
    count(*) filter (where is_not_as_assigned) as not_as_assigned_count,
    max(example, 3) filter (where is_no_run) as no_run,
    max(example, 3) filter (where is_unknown_run) as unknown_run,
    max(example, 3) filter (where is_superseded) as superseded,
    max(example, 3) filter (where is_expired) as expired,
    max(example, 3) filter (where is_maker_while_taker) as maker_while_taker,
    max(example, 3) filter (where is_not_as_assigned) as not_as_assigned
from judged
group by symbol
order by symbol
