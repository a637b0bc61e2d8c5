-- How many orders a log has between two times, of how many symbols, how large they are, and by how much the costs of
-- maker starts and of orders straight to taker vary around the mean of their symbol; those of taker less half the spread.
-- Orders of which the log does not know which way they went count in `unknown_way_count` alone.
-- A fee that an order pays either way adds nothing to that, and is left out.
--     order_event       the rows of the order log; those with a reason are rejected
with sent as (
    select
        symbol,
        ts,
        maker_started,
        notional,
        slippage_bps + coalesce(
            case when isfinite(fees) then fees / nullif(notional, 0) * 10000 end,
            if(maker_filled, -$fee_gap_bps, 0)
        ) - if(maker_started, 0, coalesce(arrival_quote_bps, 0)) as cost_bps
    from order_event
    where reason is null and ts >= $window_start and ts < $window_end and maker_started is not null
),

surprise as (
    select *, cost_bps - avg(cost_bps) over (partition by symbol, maker_started) as surprise_bps
    from sent
)

select
    count(*) as order_count,
    (
        select count(*)
        from order_event
        where reason is null and ts >= $window_start and ts < $window_end and maker_started is null
    ) as unknown_way_count,
    count(distinct symbol) as symbol_count,
    epoch(max(ts) - min(ts)) / 86400 as days,
    avg(notional) filter (where notional > 0) as notional,
    count(surprise_bps) filter (where maker_started) as maker_count,
    sqrt(avg(surprise_bps * surprise_bps) filter (where maker_started)) as maker_deviation_bps,
    count(surprise_bps) filter (where not maker_started) as taker_count,
    sqrt(avg(surprise_bps * surprise_bps) filter (where not maker_started)) as taker_deviation_bps
from surprise
