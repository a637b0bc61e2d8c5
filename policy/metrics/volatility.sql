-- ATR% over the last 50 and the last 500 closed bars, per symbol: the mean true range in percent of the last close.
-- A bar's true range is the largest of high - low, |high - previous close| and |low - previous close|; the first bar,
-- which has no previous close, has high - low. Bars are those with first_bar_open <= ts <= last_bar_open, so each
-- had closed by as_of. The ratio is null with fewer than 500 bars. Both window functions sort alike, so bars are sorted
-- once.
with bar as (
    select
        symbol,
        ts,
        high,
        low,
        close,
        lead(close) over (partition by symbol order by ts desc) as previous_close,
        row_number() over (partition by symbol order by ts desc) as bars_back
    from candle
    where ts >= :first_bar_open and ts <= :last_bar_open
),

true_range as (
    select
        symbol,
        ts,
        close,
        bars_back,
        case
            when previous_close is null then high - low
            else greatest(high - low, abs(high - previous_close), abs(low - previous_close))
        end as range_size
    from bar
    where bars_back <= 500
),

mean_range as (
    select
        symbol,
        count(*) as bar_count,
        max(ts) as last_bar_open,
        max(case when bars_back = 1 then close end) as last_close,
        avg(case when bars_back <= 50 then range_size end) as short_range,
        avg(range_size) as long_range
    from true_range
    group by symbol
)

select
    symbol,
    bar_count,
    last_bar_open,
    case when bar_count >= 50 then short_range / nullif(last_close, 0) * 100 end as atr_short_pct,
    case when bar_count >= 500 then long_range / nullif(last_close, 0) * 100 end as atr_long_pct,
    case when bar_count >= 500 then short_range / nullif(long_range, 0) end as atr_ratio
from mean_range
