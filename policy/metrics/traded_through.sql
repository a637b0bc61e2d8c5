-- Whether the market traded through the price of a maker order that missed while it rested there, from the bars that lie
-- wholly inside its time: true if one of them traded beyond the price, else false if they are all there, else null. Only
-- of orders that were posted once, whose log does not say it, and that rested for 4 to 1000 bars: of fewer bars, those
-- at the ends, which are not wholly inside, would be most of the time.
-- A bar is looked for by the number of intervals since 1970 at which it opens.
with resting as (
    select distinct
        symbol,
        side,
        maker_price,
        maker_from,
        maker_until,
        cast(floor(unix_micros(maker_from) / :interval_us) as bigint) as first_number,
        cast(floor(unix_micros(maker_until) / :interval_us) as bigint) as last_number,
        floor(unix_micros(maker_until) / :interval_us) - ceil(unix_micros(maker_from) / :interval_us) as inside_count
    from usable_order
    where
        ts >= :window_start
        and ts < :as_of
        and maker_started
        and not maker_filled
        and went_through is null
        and side in ('BUY', 'SELL')
        and maker_price > 0
        and coalesce(posts, 1) <= 1
        and unix_micros(maker_until) - unix_micros(maker_from) between 4 * :interval_us and 1000 * :interval_us
),

slot as (
    select *, explode(sequence(first_number, last_number)) as number
    from resting
),

bar as (
    select
        cast(symbol as string) as symbol,
        ts,
        high,
        low,
        cast(floor(unix_micros(ts) / :interval_us) as bigint) as number
    from candle
    where ts >= :first_bar_open and ts <= :last_bar_open
)

select
    slot.symbol,
    slot.side,
    slot.maker_price,
    slot.maker_from,
    slot.maker_until,
    case
        when max(
            case when slot.side = 'BUY' and bar.low < slot.maker_price then 1
                when slot.side = 'SELL' and bar.high > slot.maker_price then 1 else 0 end
        ) = 1 then true
        when count(distinct bar.ts) >= max(slot.inside_count) then false
    end as went_through
from slot
join bar on bar.symbol = slot.symbol and bar.number = slot.number
where
    bar.ts >= slot.maker_from
    and unix_micros(bar.ts) + :interval_us <= unix_micros(slot.maker_until)
group by slot.symbol, slot.side, slot.maker_price, slot.maker_from, slot.maker_until
