-- The orders of which chance decided the way, in the order in which they ended, each with its cost in basis points of
-- the notional, + is worse; null if it did not fill or its fee is not known. Order ids break ties. An order whose other
-- way was all but impossible says nothing of it, and its propensity is null. `is_maker` is null if the log does not know
-- which way the order went.
--     order_cost        the orders of the log with their slippage and fee
select
    symbol,
    maker_started as is_maker,
    holdout as is_held_out,
    case when propensity between 0.0001 and 0.9999 then propensity end as propensity,
    slippage_bps + fee_bps as cost_bps,
    arrival_quote_bps as half_spread_bps,
    taker_fee_bps,
    case when notional > 0 then notional end as notional,
    ts
from order_cost
where
    ts >= $window_start
    and ts < $window_end
    and holdout is not null
order by ts, order_id, symbol
