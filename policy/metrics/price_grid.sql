-- The steps between neighbouring prices of each symbol, how often each occurs, in the units of price_units.sql. The tick is
-- the common divisor of these steps. One row for a symbol, with its steps and their counts as two lists in one order: a row
-- for each step takes longer to read than all of this query.
with different as (
    select distinct symbol, price_count, units_per_price, units from ({price_units}) as price
),

neighbour as (
    select symbol, price_count, units_per_price, units - lag(units) over (partition by symbol order by units) as step
    from different
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
