-- The prices of each symbol in whole units of the 15th digit of its highest price: the precision of a floating-point price.
-- Prices are every high, low and close of the bars with first_priced_open <= ts <= last_bar_open; the highest is that of the
-- bars from first_bar_open on, which have `price_count` prices at most.
select
    price.symbol,
    highest.price_count,
    highest.units_per_price,
    cast(round(price.price * highest.units_per_price) as bigint) as units
from (
    select symbol, high as price from candle where ts >= :first_priced_open and ts <= :last_bar_open
    union all
    select symbol, low from candle where ts >= :first_priced_open and ts <= :last_bar_open
    union all
    select symbol, close from candle where ts >= :first_priced_open and ts <= :last_bar_open
) as price
join (
    select
        symbol,
        3 * count(*) as price_count,
        power(cast(10 as double), 14 - floor(log10(max(greatest(high, low, close))))) as units_per_price
    from candle
    where ts >= :first_bar_open and ts <= :last_bar_open and {asked}
    group by symbol
) as highest on highest.symbol = price.symbol
