-- The outcomes of maker orders in the order of events: one row per symbol, and one with a null symbol for all symbols
-- together, the pool. maker_order has the outcomes that started as maker; maker_total has per symbol how many of these
-- there are over the whole window, and how many filled. breaker_state has per symbol since when its breaker is open and
-- from when its evidence counts, and the same of the breaker that all symbols share. None of these times, nor the last
-- 24 hours, lies before scan_start, so older orders are not read.
-- A miss follows a fill only if its time is later, so rows may be read in any order. An order that the venue rejected
-- and that filled as maker on a later try was kept by the venue. Every maker order since a breaker opened is a probe:
-- its own router sends no others then, and for a shadow's breaker the orders of the live rule set are as good.
with shared as (
    select
        max(pool_opened_at) as opened_at,
        coalesce(max(pool_restarted_at), :window_start) as counts_from
    from breaker_state
),
-- One pass with few groups and two plain aggregates, which is faster than many conditional ones.
sorted_out as (
    select
        o.symbol,
        o.maker_filled as is_filled,
        coalesce(o.post_only_rejected, false) as is_rejected,
        o.ts >= coalesce(s.restarted_at, :window_start) as is_own,
        o.ts >= shared.counts_from as is_pool,
        coalesce(o.ts >= s.opened_at, false) as is_own_probe,
        coalesce(o.ts >= shared.opened_at, false) as is_pool_probe,
        count(*) as order_count,
        max(o.ts) as last_at
    from maker_order as o
    left join breaker_state as s on s.symbol = o.symbol
    cross join shared
    where o.ts >= :scan_start and o.ts < :as_of
    group by 1, 2, 3, 4, 5, 6, 7
),
recent as (
    select
        symbol,
        coalesce(sum(order_count) filter (where is_own), 0) as start_count,
        coalesce(sum(order_count) filter (where is_own and is_filled), 0) as fill_count,
        coalesce(sum(order_count) filter (where is_pool), 0) as pool_start_count,
        coalesce(sum(order_count) filter (where is_pool and is_filled), 0) as pool_fill_count,
        max(last_at) filter (where is_filled) as last_fill_at,
        max(last_at) filter (where is_filled or not is_rejected) as last_kept_at,
        coalesce(sum(order_count) filter (where is_own_probe), 0) as probe_count,
        coalesce(sum(order_count) filter (where is_own_probe and is_filled), 0) as probe_filled_count,
        max(last_at) filter (where is_own_probe) as last_probe_at,
        coalesce(sum(order_count) filter (where is_pool_probe), 0) as pool_probe_count,
        coalesce(sum(order_count) filter (where is_pool_probe and is_filled), 0) as pool_probe_filled_count,
        max(last_at) filter (where is_pool_probe) as pool_last_probe_at
    from sorted_out
    group by symbol
),
by_symbol as (
    select
        t.symbol,
        coalesce(s.restarted_at, :window_start) as counts_from,
        case when s.restarted_at > :window_start then coalesce(r.start_count, 0) else t.start_count end as start_count,
        case when s.restarted_at > :window_start then coalesce(r.fill_count, 0) else t.fill_count end as fill_count,
        r.last_fill_at,
        r.last_kept_at,
        coalesce(r.probe_count, 0) as probe_count,
        coalesce(r.probe_filled_count, 0) as probe_filled_count,
        r.last_probe_at
    from maker_total as t
    left join recent as r on r.symbol = t.symbol
    left join breaker_state as s on s.symbol = t.symbol
),
pool as (
    select
        case
            when max(shared.counts_from) > :window_start then coalesce(sum(r.pool_start_count), 0)
            else coalesce(sum(t.start_count), 0)
        end as start_count,
        case
            when max(shared.counts_from) > :window_start then coalesce(sum(r.pool_fill_count), 0)
            else coalesce(sum(t.fill_count), 0)
        end as fill_count,
        max(r.last_fill_at) as last_fill_at,
        coalesce(sum(r.pool_probe_count), 0) as probe_count,
        coalesce(sum(r.pool_probe_filled_count), 0) as probe_filled_count,
        max(r.pool_last_probe_at) as last_probe_at
    from maker_total as t
    left join recent as r on r.symbol = t.symbol
    cross join shared
),
streak as (
    select
        o.symbol,
        count(*) filter (where o.ts >= b.counts_from and (b.last_fill_at is null or o.ts > b.last_fill_at)) as miss_streak,
        count(*) filter (
            where o.post_only_rejected and o.ts >= b.counts_from
                and (b.last_kept_at is null or o.ts > b.last_kept_at)
        ) as reject_streak,
        count(*) filter (
            where o.ts >= shared.counts_from and (pool.last_fill_at is null or o.ts > pool.last_fill_at)
        ) as pool_miss_streak
    from maker_order as o
    join by_symbol as b on b.symbol = o.symbol
    cross join pool
    cross join shared
    where o.ts >= :day_start and o.ts < :as_of and not o.maker_filled
    group by o.symbol
),
pool_streak as (
    select coalesce(sum(pool_miss_streak), 0) as miss_streak from streak
)
select
    b.symbol,
    coalesce(streak.miss_streak, 0) as miss_streak,
    b.start_count - coalesce(streak.miss_streak, 0) as start_count,
    b.start_count - b.fill_count - coalesce(streak.miss_streak, 0) as miss_count,
    coalesce(streak.reject_streak, 0) as reject_streak,
    b.probe_count,
    b.probe_filled_count,
    b.last_probe_at
from by_symbol as b
left join streak on streak.symbol = b.symbol
union all
select
    null,
    pool_streak.miss_streak,
    pool.start_count - pool_streak.miss_streak,
    pool.start_count - pool.fill_count - pool_streak.miss_streak,
    0,
    pool.probe_count,
    pool.probe_filled_count,
    pool.last_probe_at
from pool
cross join pool_streak
