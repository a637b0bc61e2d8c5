-- The orders of which chance decided the way, in the order in which they ended, each with its cost in basis points of
-- the notional, + is worse; null if it did not fill or its fee is not known. Order ids break ties. An order whose other
-- way was all but impossible says nothing of it, and its propensity is null.
--     order_event       the rows of the order log; those with a reason are rejected
--     fee               the fees of the settings by symbol, of all others under an empty name
-- Which part of an order that fell back was filled as maker is not known: all of it pays the taker fee here.
select
    log.symbol,
    log.maker_started as is_maker,
    log.holdout as is_held_out,
    case when log.propensity between 0.0001 and 0.9999 then log.propensity end as propensity,
    log.slippage_bps + coalesce(
        case when isfinite(log.fees) then log.fees / nullif(log.notional, 0) * 10000 end,
        case
            when log.maker_filled then coalesce(fee.maker_bps, other_fee.maker_bps)
            else coalesce(fee.taker_bps, other_fee.taker_bps)
        end
    ) as cost_bps,
    log.arrival_quote_bps as half_spread_bps,
    coalesce(fee.taker_bps, other_fee.taker_bps) as taker_fee_bps,
    case when log.notional > 0 then log.notional end as notional,
    log.ts
from order_event as log
left join fee on fee.symbol = log.symbol
left join fee as other_fee on other_fee.symbol = ''
where
    log.reason is null
    and log.ts >= $window_start
    and log.ts < $window_end
    and log.holdout is not null
    and log.maker_started is not null
order by log.ts, log.order_id, log.symbol
