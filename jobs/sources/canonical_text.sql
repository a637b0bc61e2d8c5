-- Canonical order outcomes with every field as text, as CSV, JSONL and databases give them, from {rows}.
with read as (
    select
        file,
        {line},
        {nothing} as is_nothing,
        stated_word(order_id) as id_text,
        word_of_text(id_text) as order_id,
        -- DuckDB computes a column again wherever a filter names it, but cannot see through unnest.
        unnest([instant_of_text(ts)]) as ts,
        ts as ts_text,
        symbol as symbol_text,
        symbol_of_text(symbol) as symbol,
        stated_word(side) as side_text,
        upper(word_of_text(side_text)) as side,
        maker_started as started_text,
        maker_filled as filled_text,
        fallback_used as fallback_text,
        post_only_rejected as rejected_text,
        probe as probe_text,
        survivor as survivor_text,
        flag_of_text(maker_started) as maker_started,
        flag_of_text(maker_filled) as maker_filled,
        flag_of_text(fallback_used) as fallback_used,
        flag_of_text(post_only_rejected) as post_only_rejected,
        flag_of_text(probe) as probe,
        flag_of_text(survivor) as survivor,
        slippage_bps as slippage_text,
        notional as notional_text,
        realized_pnl as pnl_text,
        fees as fees_text,
        policy_run_id as run_text,
        maker_price as maker_price_text,
        maker_from as from_text,
        maker_until as until_text,
        posts as posts_text,
        went_through as through_text,
        maker_share as share_text,
        arrival_quote_bps as quote_text,
        holdout as holdout_text,
        propensity as propensity_text,
        {verdict},
        try_cast(slippage_bps as double) as slippage_bps,
        try_cast(notional as double) as notional,
        try_cast(realized_pnl as double) as realized_pnl,
        try_cast(fees as double) as fees,
        integer_of_text(policy_run_id) as policy_run_id,
        try_cast(maker_price as double) as maker_price,
        unnest([instant_of_text(maker_from)]) as maker_from,
        unnest([instant_of_text(maker_until)]) as maker_until,
        integer_of_text(posts) as posts,
        flag_of_text(went_through) as went_through,
        try_cast(maker_share as double) as maker_share,
        try_cast(arrival_quote_bps as double) as arrival_quote_bps,
        flag_of_text(holdout) as holdout,
        try_cast(propensity as double) as propensity
    from {rows}
),

checked as (
    select
        *,
        coalesce(
            unread('order_id', id_text, order_id), unread('side', side_text, side),
            unread('maker_started', started_text, maker_started), unread('maker_filled', filled_text, maker_filled),
            unread('fallback_used', fallback_text, fallback_used),
            unread('post_only_rejected', rejected_text, post_only_rejected), unread('probe', probe_text, probe),
            unread('slippage_bps', slippage_text, slippage_bps), unread('notional', notional_text, notional),
            unread('realized_pnl', pnl_text, realized_pnl), unread('fees', fees_text, fees),
            unread('policy_run_id', run_text, policy_run_id), unread('survivor', survivor_text, survivor),
            unread('maker_price', maker_price_text, maker_price), unread('maker_from', from_text, maker_from),
            unread('maker_until', until_text, maker_until), unread('posts', posts_text, posts),
            unread('went_through', through_text, went_through), unread('maker_share', share_text, maker_share),
            unread('arrival_quote_bps', quote_text, arrival_quote_bps), unread('holdout', holdout_text, holdout),
            unread('propensity', propensity_text, propensity)
        ) as bad_value
    from read
)

select
    file,
    line,
    order_id,
    ts,
    symbol,
    side,
    maker_started,
    maker_filled,
    fallback_used,
    slippage_bps + 0.0 as slippage_bps,
    notional,
    realized_pnl,
    post_only_rejected,
    fees,
    probe,
    policy_run_id,
    survivor,
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
        when source_reason is not null then source_reason
        when is_nothing then 'not_json'
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when bad_value is not null then 'bad_value'
        else {judged}
    end as reason,
    case
        when source_reason is not null then source_unread
        when reason = 'bad_time' then 'ts ' || coalesce(ts_text, '') || coalesce(note_of_date(ts_text), '')
        when reason = 'bad_symbol' then 'symbol ' || coalesce(symbol_text, '')
        when reason = 'bad_value' then coalesce(
            bad_value,
            case
                when notional < 0 then 'notional ' || notional_text when maker_price < 0 then 'maker_price ' || maker_price_text
                when posts < 0 then 'posts ' || posts_text
                when maker_share <= 0 or maker_share > 1 then 'maker_share ' || share_text
                else 'propensity ' || propensity_text
            end
        )
        when reason = 'out_of_range' then coalesce(
            out_of_range('notional', notional_text, nullif(notional, 0)),
            case
                when is_out_of_range(realized_pnl) then 'realized_pnl ' || pnl_text
                when is_out_of_range(fees) then 'fees ' || fees_text
            end,
            out_of_range('maker_price', maker_price_text, nullif(maker_price, 0)), 'arrival_quote_bps ' || quote_text
        )
    end as unread
from checked
