-- How the maker-first router fared, per symbol, over outcomes with window_start <= ts < as_of.
-- Ratios are over the outcomes that started as maker, null where there is none. Quartiles are exact, with linear
-- interpolation, over the outcomes that have a slippage.
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
    percentile_cont(0.25) within group (order by slippage_bps) as slip_q25,
    percentile_cont(0.5) within group (order by slippage_bps) as slip_q50,
    percentile_cont(0.75) within group (order by slippage_bps) as slip_q75
from order_outcome
where ts >= :window_start and ts < :as_of
group by symbol
