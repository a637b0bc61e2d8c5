-- The steps between neighbouring prices of each symbol, in the units of price_units.sql, one row for a symbol: those of equal
-- prices are left out, and the others neither counted nor sorted, which for prices without a tick takes half of the time.
with neighbour as (
    select symbol, price_count, units - lag(units) over (partition by symbol order by units) as step
    from ({price_units}) as price
)

select symbol, price_count, array_agg(step) as steps
from neighbour
where step > 0
group by symbol, price_count
