-- What orders cost beyond the quote at their arrival, in basis points: per symbol, of maker orders that filled, of those that
-- did not, and of taker orders. usable_order has the outcomes; those of cost_start <= ts < as_of count that have a slippage
-- and a quote. Each cost is clipped to clip_bps either way. The deviation is that of the sample. Probes and slivers are left
-- out: they are sent while maker orders do not fill. A maker order counts as filled if all of it filled as maker.
select
    symbol,
    maker_started,
    is_filled,
    count(*) as order_count,
    avg(cost_bps) as mean_bps,
    stddev_pop(cost_bps) as deviation_bps
from (
    select
        symbol,
        maker_started,
        coalesce(maker_filled, false) as is_filled,
        greatest(-:clip_bps, least(:clip_bps, slippage_bps - arrival_quote_bps)) as cost_bps
    from usable_order
    where ts >= :cost_start
        and ts < :as_of
        and maker_started is not null
        and slippage_bps is not null
        and arrival_quote_bps is not null
        and not coalesce(probe, false)
        and coalesce(maker_share, 1) >= 1
)
group by symbol, maker_started, is_filled
