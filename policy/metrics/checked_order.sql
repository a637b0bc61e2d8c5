-- The orders, each with what the bars in which it rested show of it, and whether it is told of its symbol's misses whether
-- the market traded through them: by bars, or with `is_logged` by the log. usable_order has the rows of order_outcome; an
-- engine may leave out what only its measures need.
select o.*, bars.went_through as went_through_by_bars, {is_logged} or told.symbol is not null as is_told
from usable_order as o
left join traded_through as bars
    on bars.symbol = o.symbol
    and bars.side = o.side
    and bars.maker_price = o.maker_price
    and bars.maker_from = o.maker_from
    and bars.maker_until = o.maker_until
left join (select distinct symbol from traded_through where went_through is not null) as told on told.symbol = o.symbol
