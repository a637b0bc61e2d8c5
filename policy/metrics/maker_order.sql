-- The outcomes that started as maker, each with whether the market traded through its price: as the log has it; true of one
-- that filled at a known price, for its own fill shows that the price came; else as bars show it. A fill shows it only if it
-- is told of misses, too: else the fills would be of one kind and the misses of another, and none would say anything.
select
    o.symbol,
    o.ts,
    o.order_id,
    o.maker_filled,
    o.post_only_rejected,
    o.probe,
    o.maker_share,
    coalesce(
        o.went_through,
        case when o.maker_filled and o.maker_price > 0 and o.is_told then true end,
        o.went_through_by_bars
    ) as went_through
from checked_order as o
where o.maker_started
