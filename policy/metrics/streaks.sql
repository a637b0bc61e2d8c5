-- What became of the maker orders, in the order of events: one row per symbol, and one with a null symbol for all
-- symbols together, the pool. maker_order has the outcomes that started as maker. breaker_state says per symbol since
-- when its breaker is open and from when its evidence counts, and the same of the breaker that all symbols share.
-- A miss comes after a fill only when its time is later, so rows may be read in any order.
with shared as (
    select
        max(pool_opened_at) as opened_at,
        coalesce(max(pool_restarted_at), :window_start) as counts_from
    from breaker_state
),
by_symbol as (
    select
        o.symbol,
        coalesce(max(s.restarted_at), :window_start) as counts_from,
        count(*) filter (where o.ts >= coalesce(s.restarted_at, :window_start)) as start_count,
        count(*) filter (where o.maker_filled and o.ts >= coalesce(s.restarted_at, :window_start)) as fill_count,
        max(o.ts) filter (where o.maker_filled) as last_fill_at,
        max(o.ts) filter (where not coalesce(o.post_only_rejected, false)) as last_kept_at,
        count(*) filter (where coalesce(o.probe, true) and o.ts >= s.opened_at) as probe_count,
        count(*) filter (where coalesce(o.probe, true) and o.ts >= s.opened_at and o.maker_filled)
            as probe_filled_count,
        max(o.ts) filter (where coalesce(o.probe, true) and o.ts >= s.opened_at) as last_probe_at,
        count(*) filter (where o.ts >= shared.counts_from) as pool_start_count,
        count(*) filter (where o.maker_filled and o.ts >= shared.counts_from) as pool_fill_count,
        count(*) filter (where coalesce(o.probe, true) and o.ts >= shared.opened_at) as pool_probe_count,
        count(*) filter (where coalesce(o.probe, true) and o.ts >= shared.opened_at and o.maker_filled)
            as pool_probe_filled_count,
        max(o.ts) filter (where coalesce(o.probe, true) and o.ts >= shared.opened_at) as pool_last_probe_at
    from maker_order as o
    left join breaker_state as s on s.symbol = o.symbol
    cross join shared
    where o.ts >= :window_start and o.ts < :as_of
    group by o.symbol
),
pool as (
    select
        sum(pool_start_count) as start_count,
        sum(pool_fill_count) as fill_count,
        max(last_fill_at) as last_fill_at,
        sum(pool_probe_count) as probe_count,
        sum(pool_probe_filled_count) as probe_filled_count,
        max(pool_last_probe_at) as last_probe_at
    from by_symbol
),
run as (
    select
        o.symbol,
        count(*) filter (where o.ts >= b.counts_from and (b.last_fill_at is null or o.ts > b.last_fill_at)) as miss_run,
        count(*) filter (
            where o.post_only_rejected and o.ts >= b.counts_from
                and (b.last_kept_at is null or o.ts > b.last_kept_at)
        ) as reject_run,
        count(*) filter (
            where o.ts >= shared.counts_from and (pool.last_fill_at is null or o.ts > pool.last_fill_at)
        ) as pool_miss_run
    from maker_order as o
    join by_symbol as b on b.symbol = o.symbol
    cross join pool
    cross join shared
    where o.ts >= :day_start and o.ts < :as_of and not o.maker_filled
    group by o.symbol
),
pool_run as (
    select coalesce(sum(pool_miss_run), 0) as miss_run from run
)
select
    b.symbol,
    coalesce(run.miss_run, 0) as miss_run,
    b.start_count - coalesce(run.miss_run, 0) as start_count,
    b.start_count - b.fill_count - coalesce(run.miss_run, 0) as miss_count,
    coalesce(run.reject_run, 0) as reject_run,
    b.probe_count,
    b.probe_filled_count,
    b.last_probe_at
from by_symbol as b
left join run on run.symbol = b.symbol
union all
select
    null,
    pool_run.miss_run,
    coalesce(pool.start_count, 0) - pool_run.miss_run,
    coalesce(pool.start_count, 0) - coalesce(pool.fill_count, 0) - pool_run.miss_run,
    0,
    coalesce(pool.probe_count, 0),
    coalesce(pool.probe_filled_count, 0),
    pool.last_probe_at
from pool
cross join pool_run
