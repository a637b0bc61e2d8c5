-- The outcomes that started as maker, each with whether the market traded through its price: as the log has it; true of one
-- that filled at a known price, for its own fill shows that the price came; else as bars show it, in traded_through.
select
    o.symbol,
    o.ts,
    o.order_id,
    o.maker_filled,
    o.post_only_rejected,
    o.probe,
    o.maker_share,
    coalesce(
        o.went_through, case when o.maker_filled and o.maker_price > 0 then true end, bars.went_through
    ) as went_through
from order_outcome as o
left join traded_through as bars
    on bars.symbol = o.symbol
    and bars.side = o.side
    and bars.maker_price = o.maker_price
    and bars.maker_from = o.maker_from
    and bars.maker_until = o.maker_until
where o.maker_started
