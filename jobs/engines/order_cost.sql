-- What each order of the log cost, in basis points of its notional, + is worse: one row per usable order. `fee_bps` is
-- null if the fee is not known; `cost_bps` counts none then.
--     order_event       the rows of the order log; those with a reason are rejected
--     fee               the fees of the settings by symbol, of all others under an empty name
-- Which part of an order that fell back was filled as maker is not known: all of it pays the taker fee here.
select
    log.order_id,
    log.symbol,
    log.ts,
    if(log.maker_started, if(log.probe, 'probe', 'maker'), if(log.maker_started is null, 'unknown', 'taker')) as route,
    log.maker_started,
    log.maker_filled,
    log.holdout,
    log.propensity,
    log.arrival_quote_bps,
    log.notional,
    log.policy_run_id,
    log.slippage_bps,
    coalesce(
        case when isfinite(log.fees) then log.fees / nullif(log.notional, 0) * 10000 end,
        case
            when log.maker_filled then coalesce(fee.maker_bps, other_fee.maker_bps)
            when log.maker_started is not null then coalesce(fee.taker_bps, other_fee.taker_bps)
        end
    ) as fee_bps,
    log.slippage_bps + coalesce(fee_bps, 0) as cost_bps,
    coalesce(fee.taker_bps, other_fee.taker_bps) as taker_fee_bps
from order_event as log
left join fee on fee.symbol = log.symbol
left join fee as other_fee on other_fee.symbol = ''
where log.reason is null
