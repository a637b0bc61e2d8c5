-- freqtrade: one row per routing intent, from the tables trades and orders. An intent is the orders of one trade and side up
-- to and including the one that closed. A re-priced order is a further order of the same intent. An order that the exchange
-- held as a stop is an exit that takes.
create or replace temp table orders_row as
with leg as (
    select
        try_cast(o.id as bigint) as id,
        o.ft_trade_id as trade,
        o.ft_pair as pair,
        case when flag_of_text(t.is_short) then 'BUY' else 'SELL' end as exit_side,
        case lower(o.ft_order_side) when 'stoploss' then exit_side else upper(o.ft_order_side) end as side,
        lower(o.ft_order_side) = 'stoploss' as is_stop,
        lower(o.order_type) as order_type,
        lower(o.status) as status,
        -- The price of the first limit order is nearest to the mid; of a market order it is the price expected.
        coalesce(nullif(try_cast(o.ft_price as double), 0), try_cast(o.price as double)) as asked,
        coalesce(try_cast(o.filled as double), 0) as filled,
        coalesce(try_cast(o.average as double), try_cast(o.price as double), try_cast(o.ft_price as double)) as price,
        coalesce(o.order_filled_date, o.order_update_date, o.order_date) as done_at_text,
        instant_of_text(done_at_text) as done_at,
        instant_of_text(o.order_update_date) as updated_at,
        instant_of_text(o.order_date) as begun_at,
        coalesce(nullif(try_cast(o.price as double), 0), try_cast(o.ft_price as double)) as limit_price,
        flag_of_text(o.ft_is_open) as is_open,
        flag_of_text(t.is_open) as is_trade_open,
        try_cast(t.close_profit_abs as double) as profit,
        case when t.fee_open_currency is not null then try_cast(t.fee_open as double) end as fee_open,
        case when t.fee_close_currency is not null then try_cast(t.fee_close as double) end as fee_close,
        object_of_text(c.cd_value) as kept,
        coalesce(
            unread('orders.filled', o.filled, try_cast(o.filled as double)),
            unread('orders.average', o.average, try_cast(o.average as double)),
            unread('orders.ft_price', o.ft_price, try_cast(o.ft_price as double)),
            unread('orders.price', o.price, try_cast(o.price as double)),
            unread('orders.order_filled_date', done_at_text, done_at),
            unread('orders.order_update_date', o.order_update_date, updated_at),
            unread('orders.order_date', o.order_date, begun_at),
            unread('trades.close_profit_abs', t.close_profit_abs, profit),
            unread('trades.fee_open', t.fee_open, try_cast(t.fee_open as double)),
            unread('trades.fee_close', t.fee_close, try_cast(t.fee_close as double)),
            unread('trade_custom_data.cd_value', c.cd_value, kept),
            unread('trade_custom_data.mid', kept ->> '$.mid', try_cast(kept ->> '$.mid' as double)),
            unread('trade_custom_data.crossed', kept ->> '$.crossed', flag_of_text(kept ->> '$.crossed')),
            unread('trade_custom_data.maker_started', kept ->> '$.maker_started', flag_of_text(kept ->> '$.maker_started'))
        ) as unread_value,
        case
            when not is_stop and coalesce(lower(o.order_type) not in ('limit', 'market'), true)
                then 'orders.order_type ' || coalesce(o.order_type, '')
            when coalesce(
                lower(o.status) not in ('open', 'closed', 'canceled', 'cancelled', 'canceling', 'expired', 'rejected'), true
            ) then 'orders.status ' || coalesce(o.status, '')
            when coalesce(side not in ('BUY', 'SELL'), true) then 'orders.ft_order_side ' || coalesce(o.ft_order_side, '')
        end as unknown_word
    from bot_orders as o
    inner join bot_trades as t on t.id = o.ft_trade_id
    left join bot_trade_custom_data as c
        on c.ft_trade_id = o.ft_trade_id and c.cd_key = ('router_policy:' || o.order_id)[:255]
),

numbered as (
    select
        *,
        -- A limit order through the book crosses as a market order does.
        not is_stop and order_type = 'limit' and not coalesce(flag_of_text(kept ->> '$.crossed'), false) as is_limit,
        -- An order that was cancelled has the time of a partial fill, and rested on after it.
        post_of(limit_price, begun_at, case status when 'closed' then done_at else updated_at end) as post,
        is_limit and status in ('expired', 'rejected') and filled = 0 as is_refused,
        coalesce(
            sum(case when status = 'closed' then 1 else 0 end)
                over (partition by trade, side order by id rows between unbounded preceding and 1 preceding), 0
        ) as attempt
    from leg
    where not (is_stop and filled = 0 and unknown_word is null)
),

intent as (
    select
        trade,
        side,
        attempt,
        any_value(pair) as pair,
        bool_or(side = exit_side) as is_exit,
        max(done_at) as ts,
        max(done_at_text) as ts_text,
        bool_or(is_open) as is_open,
        max(id) as last_id,
        arg_min(is_limit, id) as is_limit_first,
        arg_max(is_limit and status = 'closed', id) as is_limit_last,
        arg_max(status = 'closed', id) as is_closed,
        arg_min(asked, id) as asked,
        bool_or(not is_limit and filled > 0) as has_crossed,
        bool_or(is_refused) as is_refused,
        count(*) filter (where is_limit and not is_refused) as post_count,
        arg_max(post, id) filter (where is_limit and not is_refused) as last_post,
        sum(filled) as quantity,
        sum(filled * price) as notional,
        bool_and(is_trade_open) as is_trade_open,
        max(profit) as profit,
        max(fee_open) as fee_open,
        max(fee_close) as fee_close,
        arg_min(kept, id) as kept,
        min(unread_value) as unread_value,
        min(unknown_word) as unknown_word
    from numbered
    group by trade, side, attempt
),

judged as (
    select
        *,
        coalesce(flag_of_text(kept ->> '$.maker_started'), is_limit_first) as is_maker_start,
        -- The post of an entry that missed is gone with its trade.
        case when is_maker_start and is_limit_first then post_count end as posts,
        try_cast(kept ->> '$.mid' as double) as mid,
        coalesce(nullif(mid, 0), nullif(asked, 0)) as reference,
        max(case when is_exit then last_id end) over (partition by trade) as last_exit_id
    from intent
)

select
    trade || '-' || lower(side) || '-' || attempt as order_id,
    ts,
    pair as symbol,
    side,
    is_exit,
    mid,
    is_limit_first,
    is_maker_start,
    case when is_exit or getvariable('entries_known') then is_maker_start end as maker_started,
    is_maker_start and is_limit_last and not has_crossed as maker_filled,
    is_maker_start and has_crossed as fallback_used,
    slippage_against(reference, case when quantity > 0 then notional / quantity end, side) as slippage_bps,
    nullif(notional, 0) as notional,
    case when is_exit and not is_trade_open and is_closed and last_id = last_exit_id then profit end as realized_pnl,
    case when getvariable('is_post_only') and is_exit and is_limit_first then is_refused end as post_only_rejected,
    case when is_exit then fee_close else fee_open end * nullif(notional, 0) as fees,
    kept ->> '$.probe' as probe,
    kept ->> '$.policy_run_id' as policy_run_id,
    not is_exit as survivor,
    posts,
    case when posts > 0 then last_post.price end as maker_price,
    case when posts > 0 then last_post.begun_at end as maker_from,
    case when posts > 0 then last_post.ended_at end as maker_until,
    case
        when ts is null then 'bad_time'
        when is_open then 'open_order'
        when unknown_word is not null then 'unknown_word'
        when unread_value is not null then 'bad_value'
    end as source_reason,
    case
        when source_reason = 'bad_time' then 'ts ' || coalesce(ts_text, '')
        else coalesce(unknown_word, unread_value)
    end as source_unread
from judged
order by ts, last_id;

create or replace temp table orders_count as
select
    trades.row_count,
    trades.trade_number_count,
    trades.trade_number_count - trades.row_count as gone_trade_count,
    (
        select count(*) from bot_orders as o where not exists (select 1 from bot_trades as t where t.id = o.ft_trade_id)
    ) as orphan_count,
    entries.*
from (
    select count(*) as row_count, coalesce(max(cast(id as bigint)) - min(cast(id as bigint)) + 1, 0) as trade_number_count
    from bot_trades
) as trades
cross join (
    select
        count(*) filter (where is_entry and maker_started is null) as entry_left_out_count,
        count(*) filter (where is_entry and maker_started) as entry_counted_count,
        count(*) filter (where is_entry and maker_started and maker_filled) as entry_filled_count,
        count(*) filter (
            where maker_started and is_limit_first and not getvariable('is_post_only')
        ) as maybe_crossing_count,
        count(*) filter (where slippage_bps is not null and mid is null) as without_mid_count
    from (select *, not is_exit as is_entry from orders_used)
) as entries;
