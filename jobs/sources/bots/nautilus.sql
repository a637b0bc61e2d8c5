-- NautilusTrader: one row per routing intent, from order events or reports. The orders that an execution algorithm spawns have
-- the same exec_spawn_id; else a tag names the intent: rp_intent=ID, or intent:ID. An order that was never submitted, as the
-- primary of an execution algorithm, is no leg.
create or replace temp table nautilus_order as
with named as (
    select
        client_order_id, instrument_id, upper(order_side) as side_word, upper(order_type) as type_word, quantity,
        -- Catalogs leave the column price empty.
        coalesce(price, try_cast(options as json) ->> '$.price') as price_text,
        unread('order_initialized.options', options, try_cast(options as json)) as unread_options,
        flag_of_text(post_only) as is_post_only, ts_init, exec_spawn_id, tags, cast(null as varchar) as status,
        cast(null as varchar) as ts_last
    from bot_order_initialized
    where
        client_order_id in (select client_order_id from bot_order_submitted)
        or not exists (select 1 from bot_order_submitted)
    union all
    select
        client_order_id, instrument_id, upper(side), upper(type), quantity, price, null, flag_of_text(is_post_only), ts_init,
        exec_spawn_id, tags, upper(status), ts_last
    from bot_orders_report
    where coalesce(upper(status), '') not in ('INITIALIZED', 'DENIED', 'EMULATED', 'RELEASED')
),

tagged as (
    select
        *,
        case
            when json_valid(tags) and json_type(tags) = 'ARRAY' then from_json(tags, '["VARCHAR"]')
            when tags is not null and tags not in ('null', 'None', '') then regexp_split_to_array(tags, '[ ,]+')
        end as tag_list
    from named
),

keyed as (
    select
        *,
        nullif(regexp_extract(list_filter(tag_list, lambda tag: regexp_matches(tag, '^(rp_)?(intent)[=:]'))[1], '[=:](.*)$', 1), '') as tagged_intent,
        nullif(regexp_extract(list_filter(tag_list, lambda tag: regexp_matches(tag, '^(rp_)?(mid)[=:]'))[1], '[=:](.*)$', 1), '') as mid_text,
        nullif(regexp_extract(list_filter(tag_list, lambda tag: regexp_matches(tag, '^(rp_)?(run|policy_run|policy_run_id)[=:]'))[1], '[=:](.*)$', 1), '') as run_id,
        nullif(regexp_extract(list_filter(tag_list, lambda tag: regexp_matches(tag, '^(rp_)?(probe)[=:]'))[1], '[=:](.*)$', 1), '') as probe_text
    from tagged
)

select
    * exclude (tags, tag_list, quantity),
    coalesce(nullif(exec_spawn_id, 'None'), tagged_intent, client_order_id) as intent,
    coalesce(nullif(exec_spawn_id, 'None'), tagged_intent) is null as is_alone,
    try_cast(quantity as double) as asked,
    is_unread(quantity, try_cast(quantity as double)) as is_asked_unread,
    quantity as asked_text
from keyed;

-- How often an order was posted, and since when it rests at its last price: a change of its price posts it anew, one of its
-- quantity does not.
create or replace temp table nautilus_post as
with event as (
    select client_order_id, 1 as step, 'order_initialized' as name, price_text, ts_init as ts_text from nautilus_order
    union all
    select client_order_id, 2, 'order_accepted', null, ts_event from bot_order_accepted
    union all
    select client_order_id, 3, 'order_updated', price, ts_event from bot_order_updated where price is not null
),

priced as (
    select
        *,
        try_cast(price_text as double) as price,
        instant_of_text(ts_text) as happened_at,
        step = 3 and price is distinct from lag(price ignore nulls) over (partition by client_order_id order by step, happened_at) as is_move,
        coalesce(
            unread(name || '.price', price_text, price),
            unread(name || case step when 1 then '.ts_init' else '.ts_event' end, ts_text, happened_at)
        ) as unread_value
    from event
)

select
    client_order_id,
    1 + count(*) filter (where is_move) as post_count,
    arg_max(price, (step, happened_at)) as price,
    arg_max(happened_at, (step, happened_at)) filter (where is_move or step < 3) as begun_at,
    max(unread_value) as unread_value
from priced
group by client_order_id;

create or replace temp table nautilus_fill as
with fill as (
    select distinct
        client_order_id, trade_id, upper(liquidity_side) as liquidity, last_qty, last_px, ts_event, commission, currency
    from (select * from bot_order_filled union all by name select * from bot_fills_report)
)

select
    client_order_id,
    max(instant_of_text(ts_event)) as ts,
    sum(try_cast(last_qty as double)) as quantity,
    sum(try_cast(last_qty as double) * try_cast(last_px as double)) as notional,
    sum(case when liquidity = 'MAKER' then try_cast(last_qty as double) else 0 end) as maker_quantity,
    sum(case when liquidity = 'TAKER' then try_cast(last_qty as double) else 0 end) as taker_quantity,
    -- A commission in another currency than the instrument's is not added to amounts of it.
    case
        when bool_and(split_part(commission, ' ', 2) in (currency, '') and commission is not null)
            then sum(try_cast(split_part(commission, ' ', 1) as double))
    end as fees,
    max(case when coalesce(liquidity not in ('MAKER', 'TAKER'), true) then 'order_filled.liquidity_side ' || coalesce(liquidity, '') end)
        as unknown_word,
    max(
        case
            when try_cast(last_qty as double) is null then 'order_filled.last_qty ' || coalesce(last_qty, '')
            when try_cast(last_px as double) is null then 'order_filled.last_px ' || coalesce(last_px, '')
            when is_unread(ts_event, instant_of_text(ts_event)) then 'order_filled.ts_event ' || ts_event
            when is_unread(commission, try_cast(split_part(commission, ' ', 1) as double))
                then 'order_filled.commission ' || commission
        end
    ) as unread_value
from fill
group by client_order_id;

create or replace temp table nautilus_end as
select
    client_order_id,
    max(instant_of_text(ts_event)) as ts,
    bool_or(is_refused) as is_refused,
    bool_or(is_rejected) as is_rejected
from (
    select
        client_order_id, ts_event, true as is_rejected,
        coalesce(flag_of_text(due_post_only), false) or regexp_matches(reason, '(?i)post.?only|-5022') as is_refused
    from bot_order_rejected
    union all
    select client_order_id, ts_event, false, false from bot_order_canceled
    union all
    select client_order_id, ts_event, false, false from bot_order_expired
    union all
    select client_order_id, ts_init, true, false from bot_order_denied
    union all
    select client_order_id, ts_last, upper(status) in ('REJECTED', 'DENIED'), false from bot_orders_report
    where upper(status) in ('CANCELED', 'CANCELLED', 'EXPIRED', 'REJECTED', 'DENIED')
)
group by client_order_id;

create or replace temp table nautilus_profit as
select
    closing_order_id as client_order_id,
    sum(try_cast(split_part(realized_pnl, ' ', 1) as double)) as profit,
    max(
        unread('position_closed.realized_pnl', realized_pnl, try_cast(split_part(realized_pnl, ' ', 1) as double))
    ) as unread_value
from (
    select distinct closing_order_id, opening_order_id, ts_closed, realized_pnl
    from (
        select * from bot_position_closed
        union all by name
        select * from bot_positions_report where not exists (select 1 from bot_position_closed)
    )
    where closing_order_id is not null
)
group by closing_order_id;

create or replace temp table orders_row as
with leg as (
    select
        o.*,
        f.ts as filled_at,
        e.ts as ended_at,
        coalesce(f.quantity, 0) as quantity,
        coalesce(f.notional, 0) as notional,
        coalesce(f.maker_quantity, 0) as maker_quantity,
        coalesce(f.taker_quantity, 0) as taker_quantity,
        f.fees,
        p.profit,
        coalesce(e.is_refused, false) as is_refused,
        coalesce(o.is_post_only, false) and not coalesce(e.is_rejected, false) as has_rested,
        r.post_count,
        post_of(r.price, r.begun_at, coalesce(ended_at, filled_at)) as post,
        e.client_order_id is null and coalesce(f.quantity, 0) < o.asked as is_open,
        coalesce(
            case
                when coalesce(side_word not in ('BUY', 'SELL'), true) then 'order_initialized.order_side ' || coalesce(side_word, '')
                when
                    coalesce(
                        type_word not in (
                            'MARKET', 'LIMIT', 'STOP_MARKET', 'STOP_LIMIT', 'MARKET_TO_LIMIT', 'MARKET_IF_TOUCHED',
                            'LIMIT_IF_TOUCHED', 'TRAILING_STOP_MARKET', 'TRAILING_STOP_LIMIT'
                        ), true
                    ) then 'order_initialized.order_type ' || coalesce(type_word, '')
            end, f.unknown_word
        ) as unknown_word,
        coalesce(
            f.unread_value,
            p.unread_value,
            o.unread_options,
            r.unread_value,
            case when o.is_asked_unread then 'order_initialized.quantity ' || o.asked_text end,
            unread('tags.rp_mid', o.mid_text, try_cast(o.mid_text as double))
        ) as unread_value
    from nautilus_order as o
    left join nautilus_fill as f on f.client_order_id = o.client_order_id
    left join nautilus_end as e on e.client_order_id = o.client_order_id
    left join nautilus_post as r on r.client_order_id = o.client_order_id
    left join nautilus_profit as p on p.client_order_id = o.client_order_id
),

intent as (
    select
        instrument_id,
        intent,
        bool_and(is_alone) as is_alone,
        any_value(side_word) as side,
        min(instant_of_text(ts_init)) as decided_at,
        coalesce(max(greatest(filled_at, ended_at)), max(instant_of_text(ts_init))) as ts,
        bool_or(coalesce(is_post_only, false)) as is_maker_start,
        max(case when coalesce(is_post_only, false) then asked end) as asked,
        bool_or(is_open) as is_open,
        bool_or(is_refused) as is_refused,
        coalesce(sum(post_count) filter (where has_rested), 0) as post_count,
        arg_max(post, (instant_of_text(ts_init), client_order_id)) filter (where has_rested) as last_post,
        bool_or(status is not null) as is_report,
        sum(quantity) as quantity,
        sum(notional) as notional,
        sum(maker_quantity) as maker_quantity,
        sum(taker_quantity) as taker_quantity,
        case when bool_and(quantity = 0 or fees is not null) then sum(fees) end as fees,
        sum(profit) as profit,
        max(try_cast(mid_text as double)) as mid,
        max(run_id) as run_id,
        max(probe_text) as probe,
        max(unknown_word) as unknown_word,
        max(unread_value) as unread_value
    from leg
    group by instrument_id, intent
),

-- An intent without a mid of its own is measured against the last quote, of the minute before it was decided.
quoted as (
    select
        i.* replace (
            coalesce(i.mid, case when i.decided_at - q.quoted_at < interval 1 minute then q.mid end) as mid
        )
    from intent as i
    asof left join bot_quote as q
        on q.instrument = replace(i.instrument_id, '/', '') and q.quoted_at <= i.decided_at
)

select
    intent as order_id,
    ts,
    instrument_id as symbol,
    side,
    is_alone,
    is_report,
    decided_at,
    case when quantity > 0 then notional / quantity end as fill_price,
    is_maker_start as maker_started,
    -- Quantities are decimals, whose sums as doubles may be short by the last digit.
    is_maker_start and taker_quantity = 0 and maker_quantity >= asked * (1 - 1e-9) as maker_filled,
    is_maker_start and taker_quantity > 0 as fallback_used,
    slippage_against(mid, fill_price, side) as slippage_bps,
    nullif(notional, 0) as notional,
    profit as realized_pnl,
    case when not is_report then is_refused end as post_only_rejected,
    case when quantity > 0 then fees end as fees,
    case when is_maker_start then post_count end as posts,
    last_post.price as maker_price,
    last_post.begun_at as maker_from,
    last_post.ended_at as maker_until,
    probe,
    run_id as policy_run_id,
    case
        when ts is null then 'bad_time'
        when unknown_word is not null then 'unknown_word'
        when unread_value is not null then 'bad_value'
        when is_open then 'open_order'
    end as source_reason,
    coalesce(unknown_word, unread_value, case when source_reason = 'bad_time' then 'ts ' end) as source_unread
from quoted
order by ts, order_id;

create or replace temp table orders_count as
select
    (select count(*) from nautilus_order) as row_count,
    count(*) filter (where is_alone) as without_link_count,
    count(*) filter (where fill_price is not null and slippage_bps is null) as without_mid_count,
    case when (select count(*) from nautilus_profit) = 0 then 1 else 0 end as without_profit_count,
    count(*) filter (where maker_started and is_report) as without_reason_count
from orders_used;
