-- The steps between neighbouring prices of each symbol, how often each occurs, in whole units of the 15th digit of its
-- highest price: the precision of a floating-point price. Prices are every different high, low and close of the bars
-- with first_priced_open <= ts <= last_bar_open; the highest is that of the bars from first_bar_open on, which have
-- `price_count` prices at most. The tick is the common divisor of these steps. One row for a symbol, with its
-- steps and their counts as two lists in one order: a row for each step takes longer to read than all of this query.
with highest as (
    select
        symbol,
        3 * count(*) as price_count,
        power(cast(10 as double), 14 - floor(log10(max(greatest(high, low, close))))) as units_per_price
    from candle
    where ts >= :first_bar_open and ts <= :last_bar_open and {asked}
    group by symbol
),

price as (
    select symbol, high as price from candle where ts >= :first_priced_open and ts <= :last_bar_open
    union all
    select symbol, low from candle where ts >= :first_priced_open and ts <= :last_bar_open
    union all
    select symbol, close from candle where ts >= :first_priced_open and ts <= :last_bar_open
),

in_units as (
    select distinct
        price.symbol,
        price_count,
        units_per_price,
        cast(round(price.price * units_per_price) as bigint) as units
    from price
    join highest on highest.symbol = price.symbol
),

neighbour as (
    select symbol, price_count, units_per_price, units - lag(units) over (partition by symbol order by units) as step
    from in_units
),

counted as (
    select symbol, price_count, units_per_price, step, count(*) as step_count
    from neighbour
    where step is not null
    group by symbol, price_count, units_per_price, step
)

select symbol, price_count, units_per_price, array_agg(step) as steps, array_agg(step_count) as step_counts
from counted
group by symbol, price_count, units_per_price
