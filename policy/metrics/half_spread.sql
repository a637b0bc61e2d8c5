-- Half the spread per symbol, in basis points squared, as estimated from candles: the estimator of Abdi and Ranaldo
-- (2017), the mean of (c - m) * (c - m'), where c is the logarithm of a close and m and m' the mid-range, the mean of
-- the logarithms of high and low, of its own bar and the next. Chance can make it negative. Of closes alone (Roll, 1984)
-- the estimate would be two to three times as uncertain. Bars are those with first_bar_open <= ts <= last_bar_open.
with bar as (
    select
        symbol,
        close,
        ln(close) as log_close,
        (ln(high) + ln(low)) / 2 as mid_range,
        lag((ln(high) + ln(low)) / 2) over (partition by symbol order by ts desc) as next_mid_range,
        row_number() over (partition by symbol order by ts desc) as bars_back
    from candle
    where ts >= :first_bar_open and ts <= :last_bar_open and {asked}
),

pair as (
    select
        symbol,
        close,
        bars_back,
        10000 * (log_close - mid_range) * 10000 * (log_close - next_mid_range) as product
    from bar
)

select
    symbol,
    count(product) as pair_count,
    avg(product) as squared_bps,
    stddev_samp(product) as squared_bps_deviation,
    max(case when bars_back = 1 then close end) as last_close
from pair
group by symbol
