-- What orders cost, in basis points, by the policy in force at their time and by their route: one row for each symbol,
-- regime, policy and route, and for each of the groups below, whose other columns are null.
--     order_cost        the orders of the log with their route, slippage and fee
--     run               runs with published_at and expires_at, as readers could see them
--     decision          what the rules decided for a symbol from decided_at on, until its next row
--     override_span     overrides as they were in force, from_at <= t < end_at
-- The error of a mean is that of sums by UTC day: orders of one day are taken for one observation, as they share the
-- market of that day. Where two ways are compared, a day counts with the orders of both.
with turn as (
    select symbol, decided_at as moment from decision
    union
    select symbol, from_at from override_span
    union
    select symbol, end_at from override_span
),

in_force as (
    select
        turn.symbol,
        turn.moment,
        any_value(decision.regime) as regime,
        any_value(decision.quality) as quality,
        coalesce(
            arg_max(override_span.maker_first, override_span.override_id), any_value(decision.maker_first)
        ) as maker_first
    from turn
    asof left join decision on decision.symbol = turn.symbol and turn.moment >= decision.decided_at
    left join override_span
        on override_span.symbol = turn.symbol
        and override_span.from_at <= turn.moment
        and override_span.end_at > turn.moment
    group by turn.symbol, turn.moment
),

-- Readers see the newest slot: a run that was published after a later slot was never visible.
visible_run as (
    select *
    from run
    qualify slot = max(slot) over (order by published_at)
),

sent as (
    select *
    from order_cost
    where ts >= $window_start and ts < $window_end
),

judged as (
    select
        coalesce(sent.ts <= visible_run.expires_at, false) as is_in_force,
        sent.symbol,
        if(is_in_force, coalesce(in_force.regime, 'none'), 'none') as regime,
        if(
            not is_in_force or in_force.maker_first is null, 'none', if(in_force.maker_first, 'maker_first', 'taker')
        ) as policy,
        if(is_in_force, coalesce(in_force.quality, 'none'), 'none') as quality,
        sent.route,
        cast(sent.ts as date) as day,
        sent.cost_bps,
        sent.fee_bps is not null as has_fee
    from sent
    asof left join visible_run on sent.ts >= visible_run.published_at
    asof left join in_force on sent.symbol = in_force.symbol and sent.ts >= in_force.moment
),

middle as (
    select symbol, regime, policy, quality, route, median(cost_bps) as median_bps
    from judged
    group by grouping sets (
        (route), (symbol, route), (regime, route), (policy, quality, route), (symbol, regime, policy, quality, route)
    )
),

daily as (
    select
        symbol,
        regime,
        policy,
        quality,
        route,
        day,
        count(*) as outcome_count,
        count(cost_bps) as cost_count,
        count(cost_bps) filter (where has_fee) as fee_count,
        coalesce(sum(cost_bps), 0) as cost_bps
    from judged
    group by grouping sets (
        (route, day),
        (symbol, route, day),
        (regime, route, day),
        (policy, quality, route, day),
        (symbol, regime, policy, quality, route, day)
    )
),

averaged as (
    select
        *,
        sum(cost_count) over cell as cell_count,
        sum(cost_bps) over cell / nullif(sum(cost_count) over cell, 0) as mean_bps
    from daily
    window cell as (partition by symbol, regime, policy, quality, route)
),

-- By how much each day moves the mean.
pulling as (
    select *, (cost_bps - cost_count * mean_bps) / cell_count as pull_bps
    from averaged
),

figure as (
    select
        symbol,
        regime,
        policy,
        quality,
        route,
        sum(outcome_count) as outcome_count,
        sum(cost_count) as cost_count,
        sum(fee_count) as fee_count,
        any_value(mean_bps) as mean_bps,
        count(*) filter (where cost_count > 0) as day_count,
        sum(pull_bps * pull_bps) as squared_error
    from pulling
    group by symbol, regime, policy, quality, route
),

-- A maker start, and a probe, against the orders of the same group that went straight to taker.
pulled_apart as (
    select
        pulling.symbol,
        pulling.regime,
        pulling.policy,
        pulling.quality,
        compared.route,
        pulling.day,
        sum(case when pulling.route = compared.route then pull_bps else -pull_bps end) as pull_bps
    from pulling
    join (values ('maker'), ('probe')) as compared(route) on pulling.route in (compared.route, 'taker')
    where pulling.cost_count > 0
    group by pulling.symbol, pulling.regime, pulling.policy, pulling.quality, compared.route, pulling.day
),

difference as (
    select symbol, regime, policy, quality, route, count(*) as day_count, sum(pull_bps * pull_bps) as squared_error
    from pulled_apart
    group by symbol, regime, policy, quality, route
)

select
    figure.symbol,
    figure.regime,
    figure.policy,
    figure.quality,
    figure.route,
    figure.outcome_count,
    figure.cost_count,
    figure.fee_count,
    figure.mean_bps,
    middle.median_bps,
    figure.day_count,
    sqrt(figure.squared_error * figure.day_count / nullif(figure.day_count - 1, 0)) as error_bps,
    figure.mean_bps - taker.mean_bps as difference_bps,
    difference.day_count as difference_day_count,
    sqrt(difference.squared_error * difference.day_count / nullif(difference.day_count - 1, 0)) as difference_error_bps
from figure
join middle
    on middle.symbol is not distinct from figure.symbol
    and middle.regime is not distinct from figure.regime
    and middle.policy is not distinct from figure.policy
    and middle.quality is not distinct from figure.quality
    and middle.route = figure.route
left join figure as taker
    on taker.symbol is not distinct from figure.symbol
    and taker.regime is not distinct from figure.regime
    and taker.policy is not distinct from figure.policy
    and taker.quality is not distinct from figure.quality
    and taker.route = 'taker'
left join difference
    on difference.symbol is not distinct from figure.symbol
    and difference.regime is not distinct from figure.regime
    and difference.policy is not distinct from figure.policy
    and difference.quality is not distinct from figure.quality
    and difference.route = figure.route
order by all
