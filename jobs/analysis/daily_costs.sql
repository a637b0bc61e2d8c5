-- What the orders of each UTC day cost, by symbol and route: from `order_cost`.
-- The money is that of the orders whose notional is known: their cost in basis points, of the notional of each.
select
    cast(ts as date) as day,
    symbol,
    route,
    count(*) as order_count,
    count(cost_bps) as cost_count,
    avg(cost_bps) as mean_bps,
    count(cost_bps * notional) as money_count,
    sum(cost_bps * notional / 10000) as money
from order_cost
where ts >= $window_start and ts < $window_end
group by all
order by all
