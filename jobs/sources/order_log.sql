-- The order log of a maker-first bot, one JSON object a line, as canonical rows; {rows} has texts as text, and numbers,
-- flags and the symbol as JSON. Two layouts are read: with maker flags (maker_start, earlier started_maker), and without
-- them, when maker_started is null and neither ratio is known. A row with `event`, or with neither prices nor a result,
-- is not an order; the realized profit of a position_close belongs to the order of the same attempt_id.
with logged as (
    select
        file,
        {line},
        ts is null and symbol is null and attempt_id is null and event is null and prices is null
            and result is null as is_nothing,
        event is not null or (prices is null and result is null) as is_no_order,
        coalesce(attempt_id, intent_id) as order_id,
        -- DuckDB computes a column again wherever a filter names it, but cannot see through unnest.
        unnest([instant_of_text(ts)]) as ts,
        ts as ts_text,
        text_in_json(symbol) as symbol_text,
        upper(side) as side,
        value_in_json(coalesce(maker_start, started_maker, decision.maker_started)) as started_text,
        value_in_json(is_maker_final) as final_text,
        value_in_json(used_fallback) as fallback_text,
        value_in_json(probe) as probe_text,
        value_in_json(prices.avg_fill) as price_text,
        value_in_json(slippage_bps) as slippage_text,
        value_in_json(qty.notional_usd) as notional_text,
        value_in_json(pnl_at_close_usd) as pnl_text,
        fees_usd as fees,
        upper(result.status) as status,
        coalesce(result.retries, 0) > 0 as was_retried,
        policy_run_id
    from {rows}
),

read as (
    select
        *,
        symbol_of_text(symbol_text) as symbol,
        flag_of_text(started_text) as maker_started,
        flag_of_text(final_text) as is_final,
        flag_of_text(fallback_text) as is_fallback,
        flag_of_text(probe_text) as probe,
        try_cast(price_text as double) as price,
        try_cast(slippage_text as double) as slippage,
        try_cast(notional_text as double) as notional,
        try_cast(pnl_text as double) as pnl
    from logged
)

select
    file,
    line,
    order_id,
    ts,
    symbol,
    side,
    maker_started,
    maker_started and coalesce(is_final, false) and not coalesce(is_fallback, false) and coalesce(price > 0, false)
        as maker_filled,
    case when maker_started then coalesce(is_fallback, false) end as fallback_used,
    case when price > 0 then slippage + 0.0 end as slippage_bps,
    case when notional > 0 then notional end as notional,
    case when isfinite(pnl) then pnl end as realized_pnl,
    case when maker_started then was_retried end as post_only_rejected,
    fees,
    probe,
    policy_run_id,
    case
        when is_nothing then 'not_json'
        when is_no_order then 'not_an_order'
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when
            is_unread(started_text, maker_started) or is_unread(final_text, is_final)
            or is_unread(fallback_text, is_fallback) or is_unread(probe_text, probe)
            or is_unread(price_text, price) or is_unread(slippage_text, slippage)
            or is_unread(notional_text, notional) or price < 0
            or (price is null and status = 'FILLED') then 'bad_value'
        when not isfinite(price) or not isfinite(slippage) or not isfinite(notional) then 'not_finite'
        when price = 0 then 'zero_fill'
        when abs(slippage) >= 10000 then 'sentinel_slippage'
        when maker_started and price > 0 and (is_final or is_fallback) is null then 'unknown_fill'
        when
            price is null
            and status in ('NEW', 'OPEN', 'PENDING', 'PENDING_NEW', 'SUBMITTED', 'ACCEPTED', 'PARTIALLY_FILLED')
            then 'open_order'
    end as reason,
    case
        when ts is null then 'ts ' || coalesce(ts_text, '')
        when symbol is null then 'symbol ' || coalesce(symbol_text, '')
        else coalesce(
            unread('maker_start', started_text, maker_started), unread('is_maker_final', final_text, is_final),
            unread('used_fallback', fallback_text, is_fallback), unread('probe', probe_text, probe),
            unread('prices.avg_fill', price_text, price), unread('slippage_bps', slippage_text, slippage),
            unread('qty.notional_usd', notional_text, notional), 'prices.avg_fill ' || coalesce(price_text, '')
        )
    end as unread
from read
