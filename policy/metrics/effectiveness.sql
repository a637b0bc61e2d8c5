-- How the maker-first router fared, per symbol, over outcomes with window_start <= ts < as_of.
-- Ratios are over the outcomes that started as maker, null where there is none. Quartiles are a list of the lower one, the
-- median and the upper one, exact, with linear interpolation, over the outcomes that have a slippage; null if none has.
-- Survivors are maker starts of a kind whose misses the source does not keep; null if there are none.
select
    symbol,
    count(*) as outcome_count,
    count(*) filter (where maker_started) as maker_started_count,
    count(*) filter (where maker_started and maker_filled) as maker_filled_count,
    cast(count(*) filter (where maker_started and maker_filled) as double)
        / nullif(count(*) filter (where maker_started), 0) as maker_fill_ratio,
    cast(count(*) filter (where maker_started and fallback_used) as double)
        / nullif(count(*) filter (where maker_started), 0) as fallback_ratio,
    count(slippage_bps) as slippage_count,
    quartiles(slippage_bps) as slip_quartiles,
    nullif(count(*) filter (where maker_started and survivor), 0) as survivor_count
from order_outcome
where ts >= :window_start and ts < :as_of
group by symbol
