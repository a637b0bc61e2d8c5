-- The evidence of an outage, by `owner`: a symbol, or '' for the pool of all symbols. The formulas are those of
-- policy/outage_evidence.py. The sum is taken in its closed form, the logarithm of the sum of exp(x(k) + ... + x(n)) over
-- every order k, and only over the newest part of an owner's orders: those of the last hour if these are `order_bound` or
-- more, else of the last six, else of the last 24, else all of them. Of older ones nothing is left in a sum.
-- The counts of an order, by which its normal fill probability is learnt, are over all orders of its kind before it.
-- maker_order has the outcomes that started as maker. breaker_state has per symbol since when its breaker is open and from
-- when its evidence counts, and the same of the scope's; open_period the earlier times in which they were open, the scope's
-- with a null symbol. What was sent while a breaker was open, probes and slivers show no normal operation, so nothing is
-- learnt from them; orders of a symbol whose own breaker was open are no part of the pool.
-- No breaker was open before `open_start`, which is the end if none was.
-- A sum below 0 comes in one row. Another comes with its newest orders, one a row, `rank_from_newest` 1 being the newest.
with shared as (
    select
        max(pool_opened_at) as opened_at,
        coalesce(max(pool_restarted_at), :window_start) as counts_from
    from breaker_state
),

-- When breakers were open; one that is open still is so until now.
own_time as (
    select symbol, opened_at, closed_at from open_period where symbol is not null
    union all
    select symbol, opened_at, :as_of from breaker_state where opened_at is not null
),

pool_time as (
    select opened_at, closed_at from open_period where symbol is null
    union all
    select opened_at, :as_of from shared where opened_at is not null
),

-- One pass over all orders without a join, because there may be millions; what nothing is learnt from is taken off below.
counted as (
    select
        symbol,
        case went_through when true then 1 when false then 0 else -1 end as kind,
        case when ts >= :hour_start then 3 when ts >= :quarter_start then 2 when ts >= :day_start then 1 else 0 end as recency,
        coalesce(probe, false) or coalesce(maker_share < 1, false) as is_probe,
        count(*) as order_count,
        sum(case when maker_filled then 1 else 0 end) as fill_count
    from maker_order
    where ts >= :window_start and ts < :as_of
    group by 1, 2, 3, 4
),

while_open as (
    select
        o.symbol,
        case o.went_through when true then 1 when false then 0 else -1 end as kind,
        case when o.ts >= :hour_start then 3 when o.ts >= :quarter_start then 2 when o.ts >= :day_start then 1 else 0 end
            as recency,
        count(*) as order_count,
        sum(case when o.maker_filled then 1 else 0 end) as fill_count
    from maker_order as o
    left join own_time as own on own.symbol = o.symbol and o.ts >= own.opened_at and o.ts < own.closed_at
    left join pool_time as pool on o.ts >= pool.opened_at and o.ts < pool.closed_at
    where
        o.ts >= :open_start
        and o.ts < :as_of
        and (own.symbol is not null or pool.opened_at is not null)
        and not (coalesce(o.probe, false) or coalesce(o.maker_share < 1, false))
    group by 1, 2, 3
),

-- How recent an order must be to be in the newest part: of the pool, and of its symbol.
pool_part as (
    select
        case
            when sum(case when recency >= 3 then order_count else 0 end) >= :order_bound then 3
            when sum(case when recency >= 2 then order_count else 0 end) >= :order_bound then 2
            when sum(case when recency >= 1 then order_count else 0 end) >= :order_bound then 1
            else 0
        end as least_recency
    from counted
),

part as (
    select
        symbol,
        least(
            max(pool_part.least_recency),
            case
                when sum(case when recency >= 3 then order_count else 0 end) >= :order_bound then 3
                when sum(case when recency >= 2 then order_count else 0 end) >= :order_bound then 2
                when sum(case when recency >= 1 then order_count else 0 end) >= :order_bound then 1
                else 0
            end
        ) as least_recency
    from counted
    cross join pool_part
    group by symbol
),

older as (
    select every.symbol, every.kind, sum(every.order_count) as order_count, sum(every.fill_count) as fill_count
    from (
        select symbol, kind, recency, order_count, fill_count from counted where not is_probe
        union all
        select symbol, kind, recency, -order_count, -fill_count from while_open
    ) as every
    join part on part.symbol = every.symbol
    where every.recency < part.least_recency
    group by every.symbol, every.kind
),

-- In two parts, so that of many orders those before the last 24 hours are not read a second time.
newest as (
    select o.symbol, o.ts, o.order_id, o.maker_filled, o.went_through, o.probe, o.maker_share
    from maker_order as o
    join part on part.symbol = o.symbol
    where
        o.ts >= :day_start
        and o.ts < :as_of
        and (part.least_recency <= 1 or o.ts >= case when part.least_recency = 2 then :quarter_start else :hour_start end)
    union all
    select o.symbol, o.ts, o.order_id, o.maker_filled, o.went_through, o.probe, o.maker_share
    from maker_order as o
    join part on part.symbol = o.symbol and part.least_recency = 0
    where o.ts >= :window_start and o.ts < :day_start
),

classified as (
    select
        o.symbol,
        o.ts,
        o.order_id,
        o.maker_filled as is_filled,
        case o.went_through when true then 1 when false then 0 else -1 end as kind,
        own.symbol is not null as is_own_open,
        o.ts >= coalesce(s.restarted_at, :window_start) as is_own,
        o.ts >= shared.counts_from as is_pool,
        case when o.ts >= :hour_start then 3 when o.ts >= :quarter_start then 2 when o.ts >= :day_start then 1 else 0 end
            as recency,
        case
            when own.symbol is not null or pool.opened_at is not null or o.probe or o.maker_share < 1 then 0 else 1
        end as learnt_count
    from newest as o
    cross join shared
    left join breaker_state as s on s.symbol = o.symbol
    left join own_time as own on own.symbol = o.symbol and o.ts >= own.opened_at and o.ts < own.closed_at
    left join pool_time as pool on o.ts >= pool.opened_at and o.ts < pool.closed_at
),

learnt as (
    select
        n.*,
        coalesce(older.order_count, 0) + coalesce(
            sum(n.learnt_count) over (
                partition by n.symbol, n.kind order by n.ts, n.order_id nulls last, n.is_filled
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as order_count_so_far,
        coalesce(older.fill_count, 0) + coalesce(
            sum(case when n.is_filled then n.learnt_count else 0 end) over (
                partition by n.symbol, n.kind order by n.ts, n.order_id nulls last, n.is_filled
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as fill_count_so_far
    from classified as n
    left join older on older.symbol = n.symbol and older.kind = n.kind
),

expected as (
    select
        *,
        case
            when kind = 1 then 1 - greatest(
                :lowest_through_miss_ratio,
                least(
                    :highest_ratio,
                    (order_count_so_far - fill_count_so_far + :prior_through_misses)
                    / (order_count_so_far + :prior_through_orders)
                )
            )
            else greatest(
                :lowest_other_fill_ratio,
                least(:highest_ratio, (fill_count_so_far + :prior_other_fills) / (order_count_so_far + :prior_other_orders))
            )
        end as normal_fill
    from learnt
),

weighed as (
    select
        *,
        case
            when kind = 1 and is_filled then ln(:outage_fill_probability / normal_fill)
            when kind = 1 then ln((1 - :outage_fill_probability) / (1 - normal_fill))
            when is_filled then ln(greatest(:outage_fill_probability * normal_fill, 1e-2) / normal_fill)
            else ln((1 - :outage_fill_probability / 2) / (1 - normal_fill))
        end as increment
    from expected
),

owned as (
    select symbol as owner, weighed.* from weighed where is_own
    union all
    select '' as owner, weighed.*
    from weighed
    cross join pool_part
    where is_pool and not is_own_open and recency >= pool_part.least_recency
),

ranked as (
    select
        *,
        row_number() over (
            partition by owner order by ts desc, order_id desc nulls first, symbol desc, is_filled desc, kind desc
        ) as rank_from_newest,
        sum(increment) over (
            partition by owner order by ts desc, order_id desc nulls first, symbol desc, is_filled desc, kind desc
            rows between unbounded preceding and current row
        ) as suffix_sum
    from owned
),

-- The largest power is taken out of each sum, so that none is too large for a double.
largest as (
    select
        owner,
        count(*) as order_count,
        max(suffix_sum) as largest,
        max(case when rank_from_newest > :shown_count then suffix_sum end) as largest_before,
        max(case when rank_from_newest = :shown_count then suffix_sum end) as shown_sum
    from ranked
    group by owner
),

summed as (
    select
        ranked.owner,
        max(order_count) as order_count,
        max(largest) + ln(sum(exp(suffix_sum - largest))) as outage_sum,
        max(largest_before) - max(shown_sum) + ln(
            sum(case when rank_from_newest > :shown_count then exp(suffix_sum - largest_before) end)
        ) as sum_before
    from ranked
    join largest on largest.owner = ranked.owner
    group by ranked.owner
),

probe as (
    select o.symbol as owner, o.symbol, o.ts, o.order_id, o.maker_filled
    from maker_order as o
    join breaker_state as s on s.symbol = o.symbol
    where o.ts >= :open_start and o.ts >= s.opened_at and o.ts < :as_of
    union all
    select '' as owner, o.symbol, o.ts, o.order_id, o.maker_filled
    from maker_order as o
    cross join shared
    where o.ts >= :open_start and o.ts >= shared.opened_at and o.ts < :as_of
),

-- Fills in a row have the same number of misses before them.
probe_run as (
    select
        owner,
        maker_filled,
        sum(case when maker_filled then 0 else 1 end) over (
            partition by owner order by ts, order_id nulls last, symbol, maker_filled rows unbounded preceding
        ) as misses_before
    from probe
),

filled_run as (
    select owner, count(case when maker_filled then 1 end) as filled_count from probe_run group by owner, misses_before
),

probed as (
    select owner, max(filled_count) as filled_probe_streak from filled_run group by owner
)

select
    coalesce(summed.owner, probed.owner) as owner,
    coalesce(summed.order_count, 0) as order_count,
    summed.outage_sum,
    summed.sum_before,
    coalesce(probed.filled_probe_streak, 0) as filled_probe_streak,
    ranked.rank_from_newest,
    ranked.symbol,
    ranked.order_id,
    ranked.ts,
    ranked.kind,
    ranked.is_filled,
    ranked.order_count_so_far,
    ranked.fill_count_so_far
from summed
full join probed on probed.owner = summed.owner
left join ranked
    on ranked.owner = summed.owner and ranked.rank_from_newest <= :shown_count and summed.outage_sum >= 0
