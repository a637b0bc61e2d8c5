-- The order log of a maker-first bot, one JSON object a line, as canonical rows; {rows} has the time as text and all other
-- fields as JSON. Two layouts are read: with maker flags (maker_start, earlier started_maker), and without them, when
-- maker_started is null and neither ratio is known. A row with `event`, or with neither prices nor a result, is not an
-- order; the realized profit of a position_close belongs to the order of the same attempt_id. `result` may be the status
-- itself.
with logged as (
    select
        file,
        {line},
        ts is null and symbol is null and attempt_id is null and event is null and prices is null
            and result is null as is_nothing,
        event is not null or (prices is null and result is null) as is_no_order,
        -- DuckDB computes a column again wherever a filter names it, but cannot see through unnest.
        unnest([instant_of_text(ts)]) as ts,
        ts as ts_text,
        text_in_json(symbol) as symbol_text,
        coalesce(stated_word(word_in_json(attempt_id)), stated_word(word_in_json(intent_id))) as id_text,
        stated_word(word_in_json(side)) as side_text,
        coalesce(
            value_in_json(coalesce(maker_start, started_maker)), field_in_json(decision, '$.maker_started')
        ) as started_text,
        value_in_json(is_maker_final) as final_text,
        value_in_json(used_fallback) as fallback_text,
        value_in_json(probe) as probe_text,
        field_in_json(prices, '$.avg_fill') as price_text,
        value_in_json(slippage_bps) as slippage_text,
        field_in_json(qty, '$.notional_usd') as notional_text,
        value_in_json(pnl_at_close_usd) as pnl_text,
        value_in_json(fees_usd) as fees_text,
        coalesce(text_in_json(result), field_in_json(result, '$.status')) as status_text,
        case when text_in_json(result) is null then field_in_json(result, '$.retries') end as retries_text,
        value_in_json(policy_run_id) as run_text,
        value_in_json(maker_price) as maker_price_text,
        value_in_json(maker_from) as from_text,
        value_in_json(maker_until) as until_text,
        value_in_json(posts) as posts_text,
        value_in_json(went_through) as through_text,
        value_in_json(maker_share) as share_text,
        value_in_json(arrival_quote_bps) as quote_text,
        value_in_json(holdout) as holdout_text,
        value_in_json(propensity) as propensity_text
    from {rows}
),

read as (
    select
        *,
        symbol_of_text(symbol_text) as symbol,
        word_of_text(id_text) as order_id,
        word_of_text(side_text) as side,
        flag_of_text(started_text) as maker_started,
        flag_of_text(final_text) as is_final,
        flag_of_text(fallback_text) as is_fallback,
        flag_of_text(probe_text) as probe,
        try_cast(price_text as double) as price,
        try_cast(slippage_text as double) as slippage,
        try_cast(notional_text as double) as notional,
        try_cast(pnl_text as double) as pnl,
        try_cast(fees_text as double) as fees,
        case status_text when 'FILLED' then 'FILLED' else upper(regexp_replace(status_text, '[ _-]', '', 'g')) end as status,
        integer_of_text(retries_text) as retries,
        integer_of_text(run_text) as policy_run_id,
        try_cast(maker_price_text as double) as maker_price,
        unnest([instant_of_text(from_text)]) as maker_from,
        unnest([instant_of_text(until_text)]) as maker_until,
        integer_of_text(posts_text) as posts,
        flag_of_text(through_text) as went_through,
        try_cast(share_text as double) as maker_share,
        try_cast(quote_text as double) as arrival_quote_bps,
        flag_of_text(holdout_text) as holdout,
        try_cast(propensity_text as double) as propensity
    from logged
),

-- The row itself shows how an order ended if it has a price and was not a maker start, or fell back, or ended as maker.
judged as (
    select
        *,
        price > 0 and (not coalesce(maker_started, false) or coalesce(is_final or is_fallback, false)) as is_end_known,
        case
            when is_unread(id_text, order_id) then 'attempt_id ' || id_text
            when is_no_order then unread('pnl_at_close_usd', pnl_text, pnl)
            else coalesce(
                unread('side', side_text, side),
                unread('maker_start', started_text, maker_started), unread('is_maker_final', final_text, is_final),
                unread('used_fallback', fallback_text, is_fallback), unread('probe', probe_text, probe),
                unread('prices.avg_fill', price_text, price), unread('slippage_bps', slippage_text, slippage),
                unread('qty.notional_usd', notional_text, notional), unread('pnl_at_close_usd', pnl_text, pnl),
                unread('fees_usd', fees_text, fees), unread('result.retries', retries_text, retries),
                unread('policy_run_id', run_text, policy_run_id),
                unread('maker_price', maker_price_text, maker_price), unread('maker_from', from_text, maker_from),
                unread('maker_until', until_text, maker_until), unread('posts', posts_text, posts),
                unread('went_through', through_text, went_through), unread('maker_share', share_text, maker_share),
                unread('arrival_quote_bps', quote_text, arrival_quote_bps), unread('holdout', holdout_text, holdout),
                unread('propensity', propensity_text, propensity),
                case when maker_price < 0 then 'maker_price ' || maker_price_text end,
                case when posts < 0 then 'posts ' || posts_text end,
                case when maker_share <= 0 or maker_share > 1 then 'maker_share ' || share_text end,
                case when propensity <= 0 or propensity > 1 then 'propensity ' || propensity_text end,
                case when price < 0 then 'prices.avg_fill ' || price_text end,
                case when notional < 0 then 'qty.notional_usd ' || notional_text end,
                case when price is null and is_filled_status(status) then 'prices.avg_fill ' end
            )
        end as bad_value,
        coalesce(
            out_of_range('qty.notional_usd', notional_text, nullif(notional, 0)),
            case when is_out_of_range(pnl) then 'pnl_at_close_usd ' || pnl_text end,
            case when is_out_of_range(fees) then 'fees_usd ' || fees_text end,
            out_of_range('maker_price', maker_price_text, nullif(maker_price, 0)),
            case when is_out_of_range(arrival_quote_bps) then 'arrival_quote_bps ' || quote_text end
        ) as beyond
    from read
)

select
    file,
    line,
    order_id,
    ts,
    symbol,
    upper(side) as side,
    maker_started,
    maker_started and coalesce(is_final, false) and not coalesce(is_fallback, false) and coalesce(price > 0, false)
        as maker_filled,
    case when maker_started then coalesce(is_fallback, false) end as fallback_used,
    case when price > 0 then slippage + 0.0 end as slippage_bps,
    nullif(notional, 0) as notional,
    pnl as realized_pnl,
    case when maker_started then coalesce(retries, 0) > 0 end as post_only_rejected,
    fees,
    probe,
    policy_run_id,
    cast(null as boolean) as survivor,
    maker_price,
    maker_from,
    maker_until,
    posts,
    went_through,
    maker_share,
    arrival_quote_bps,
    holdout,
    propensity,
    case
        when is_nothing then 'not_json'
        when is_no_order and pnl_text is null then 'not_an_order'
        when not is_no_order and ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when bad_value is not null then 'bad_value'
        when not isfinite(pnl) then 'not_finite'
        when is_no_order then case when is_out_of_range(pnl) then 'out_of_range' else 'not_an_order' end
        when
            not isfinite(price) or not isfinite(slippage) or not isfinite(notional) or not isfinite(fees)
            or not isfinite(maker_price) or not isfinite(maker_share) or not isfinite(arrival_quote_bps)
            or not isfinite(propensity) then 'not_finite'
        when price = 0 then 'zero_fill'
        when abs(slippage) >= 10000 then 'sentinel_slippage'
        when beyond is not null then 'out_of_range'
        when maker_until < maker_from then 'contradictory'
        when not coalesce(is_end_known, false) and not is_done_status(status) then 'open_order'
        when not coalesce(is_end_known, false) and status <> '' and is_done_status(status) is null then 'unknown_status'
        when maker_started and price > 0 and (is_final or is_fallback) is null then 'unknown_fill'
    end as reason,
    case reason
        when 'bad_time' then 'ts ' || coalesce(ts_text, '') || coalesce(note_of_date(ts_text), '')
        when 'bad_symbol' then 'symbol ' || coalesce(symbol_text, '')
        when 'bad_value' then bad_value
        when 'out_of_range' then beyond
        when 'unknown_status' then 'result.status ' || status_text
    end as unread
from judged
