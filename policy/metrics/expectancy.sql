-- Realized profit per unit of notional, per symbol, in one hour of the day (UTC), over outcomes with
-- window_start <= ts < as_of that closed something and have a notional. closed_outcome has the rows of order_outcome, with
-- the profits that the log has in rows of their own.
select
    symbol,
    count(*) as expectancy_count,
    sum(realized_pnl) / nullif(sum(notional), 0) as expectancy
from closed_outcome
where
    ts >= :window_start
    and ts < :as_of
    and hour(ts) = :hour_of_day
    and realized_pnl is not null
    and notional is not null
group by symbol
