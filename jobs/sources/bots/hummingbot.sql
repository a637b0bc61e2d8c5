-- Hummingbot: one row per routing intent. Executors whose level_id begins with rp1 name the intent of their legs; other orders
-- are paired: a market order is the fallback of the maker order of the same market and side that ended at most 2 s before.
-- Amounts are whole numbers of 1e-6. An executor of which nobody can tell whether it names an intent is an intent by itself.
create or replace temp table hummingbot_executor as
with written as (
    select
        * replace (object_of_text(config) as config, object_of_text(custom_info) as custom_info),
        coalesce(
            unread('Executors.config', config, object_of_text(config)),
            unread('Executors.custom_info', custom_info, object_of_text(custom_info))
        ) as unread_json
    from bot_Executors
    where type = 'order_executor'
),

read as (
    select
        id,
        coalesce(json_extract_string(config, '$.level_id'), json_extract_string(custom_info, '$.level_id')) as level_id,
        json_extract_string(config, '$.connector_name') as market,
        json_extract_string(config, '$.trading_pair') as pair,
        upper(json_extract_string(config, '$.side')) as side_word,
        upper(json_extract_string(config, '$.execution_strategy')) as strategy_word,
        json_extract_string(config, '$.amount') as asked_text,
        json_extract_string(custom_info, '$.executed_amount_base') as quantity_text,
        json_extract_string(custom_info, '$.average_executed_price') as price_text,
        json_extract_string(custom_info, '$.current_retries') as retries_text,
        try_cast(asked_text as double) as asked,
        try_cast(quantity_text as double) as quantity,
        try_cast(price_text as double) as price,
        try_cast(retries_text as double) as retries,
        json_extract_string(custom_info, '$.order_id') as order_id,
        try_cast(cum_fees_quote as double) as fees,
        instant_of_text(timestamp) as created_at,
        instant_of_text(close_timestamp) as ended_at,
        coalesce(
            unread_json,
            unread('Executors.config.amount', asked_text, asked),
            unread('Executors.custom_info.executed_amount_base', quantity_text, quantity),
            unread('Executors.custom_info.average_executed_price', price_text, price),
            unread('Executors.custom_info.current_retries', retries_text, retries),
            unread('Executors.cum_fees_quote', cum_fees_quote, fees),
            unread('Executors.close_timestamp', close_timestamp, ended_at)
        ) as unread_value
    from written
),

parted as (
    select
        * replace (
            coalesce(
                unread_value, unread('Executors.config.level_id', parts[5], try_cast(parts[5] as double))
            ) as unread_value
        )
    from (select *, string_split(level_id, '|') as parts from read)
    where starts_with(level_id, 'rp1|') or (level_id is null and unread_value is not null)
)

select
    * exclude (parts),
    coalesce(parts[2], id) as intent,
    nullif(parts[3], '') as run_id,
    nullif(parts[4], '') as probe,
    try_cast(parts[5] as double) as mid,
    case
        when regexp_matches(side_word, '(^|[.])BUY$') or side_word = '1' then 'BUY'
        when regexp_matches(side_word, '(^|[.])SELL$') or side_word = '2' then 'SELL'
    end as side,
    case
        when regexp_matches(strategy_word, '(^|[.])LIMIT_MAKER$') or strategy_word = '3' then 'LIMIT_MAKER'
        when regexp_matches(strategy_word, '(^|[.])LIMIT$') or strategy_word = '2' then 'LIMIT'
        when regexp_matches(strategy_word, '(^|[.])MARKET$') or strategy_word = '1' then 'MARKET'
    end as strategy
from parted;

create or replace temp table hummingbot_fill as
select
    order_id,
    max(instant_of_text(timestamp)) as ts,
    upper(any_value(trade_type)) as trade_side,
    sum(try_cast(amount as double)) / 1e6 as quantity,
    sum(try_cast(price as double) * try_cast(amount as double)) / 1e12 as notional,
    case when bool_and(try_cast(trade_fee_in_quote as double) <> 0) then sum(try_cast(trade_fee_in_quote as double)) / 1e6 end
        as fees,
    bool_or(try_cast(price as double) is null or try_cast(amount as double) is null) as is_unread
from bot_TradeFill
group by order_id;

create or replace temp table hummingbot_order as
with read as (
    select
        o.id,
        o.market,
        o.symbol as pair,
        o.position,
        o.order_type,
        coalesce(
            f.trade_side,
            case when s.status = 'BuyOrderCreated' then 'BUY' when s.status = 'SellOrderCreated' then 'SELL' end,
            case when o.id like 'buy-%' then 'BUY' when o.id like 'sell-%' then 'SELL' end
        ) as side,
        instant_of_text(o.creation_timestamp) as created_at,
        instant_of_text(o.last_update_timestamp) as updated_at,
        o.last_status,
        try_cast(o.price as double) / 1e6 as limit_price,
        o.order_type = 'LIMIT_MAKER' and coalesce(o.last_status <> 'OrderFailure', true) as has_rested,
        case when has_rested then unread('Order.price', o.price, limit_price) end as unread_price,
        try_cast(o.amount as double) / 1e6 as asked,
        coalesce(f.quantity, 0) as quantity,
        coalesce(f.notional, 0) as notional,
        f.fees,
        case when o.last_status like '%OrderCompleted' then coalesce(f.ts, updated_at) else greatest(updated_at, f.ts) end
            as ended_at,
        o.last_status in ('BuyOrderCreated', 'SellOrderCreated', 'OrderFilled', 'OrderUpdate') as is_open,
        case
            when coalesce(o.order_type not in ('LIMIT_MAKER', 'LIMIT', 'MARKET'), true)
                then 'Order.order_type ' || coalesce(o.order_type, '')
            when coalesce(
                o.last_status not in (
                    'BuyOrderCreated', 'SellOrderCreated', 'OrderFilled', 'OrderUpdate', 'BuyOrderCompleted',
                    'SellOrderCompleted', 'OrderCancelled', 'OrderExpired', 'OrderFailure'
                ), true
            ) then 'Order.last_status ' || coalesce(o.last_status, '')
            when coalesce(side not in ('BUY', 'SELL'), true) then 'TradeFill.trade_type ' || coalesce(side, '')
        end as unknown_word,
        case
            when is_unread(o.amount, asked) then 'Order.amount ' || o.amount
            when unread_price is not null then unread_price
            when f.is_unread then 'TradeFill.amount of order ' || o.id
            when created_at is null then 'Order.creation_timestamp ' || coalesce(o.creation_timestamp, '')
        end as unread_value
    from bot_Order as o
    left join hummingbot_fill as f on f.order_id = o.id
    left join (select order_id, min(status) as status from bot_OrderStatus group by order_id) as s on s.order_id = o.id
)

select *, post_of(limit_price, created_at, ended_at) as post from read;

-- The orders of the executors that name their intent. An executor forgets the id of an order that was cancelled.
create or replace temp table hummingbot_executor_order as
select e.intent, o.id, bool_or(coalesce(e.order_id = o.id, false)) as is_named
from hummingbot_order as o
inner join hummingbot_executor as e
    on e.order_id = o.id or (
        e.pair = o.pair and e.side = o.side and o.created_at >= e.created_at - interval 1 second
        and o.created_at <= coalesce(e.ended_at, o.created_at) + interval 1 second
    )
group by e.intent, o.id;

-- The last post of each intent of executors; an order that fits several of them is of none.
create or replace temp table hummingbot_executor_post as
select
    e.intent,
    count(*) as order_count,
    arg_max(o.post, (o.created_at, o.id)) as post,
    max(o.unread_price) as unread_price
from (select * from hummingbot_executor_order qualify is_named or count(*) over (partition by id) = 1) as e
inner join hummingbot_order as o on o.id = e.id
where o.has_rested
group by e.intent;

create or replace temp table hummingbot_leg as
select * from hummingbot_order as o where not exists (select 1 from hummingbot_executor_order as e where e.id = o.id);

create or replace temp table hummingbot_pair as
with candidate as (
    select
        m.id as maker_id,
        t.id as taker_id,
        row_number() over (partition by t.id order by m.updated_at desc, m.id) as maker_rank,
        row_number() over (partition by m.id order by t.created_at, t.id) as taker_rank
    from hummingbot_leg as m
    inner join hummingbot_leg as t
        on t.market = m.market and t.pair = m.pair and t.side = m.side and t.position is not distinct from m.position
            and t.created_at between m.updated_at and m.updated_at + interval 2 second
    where
        m.order_type = 'LIMIT_MAKER' and t.order_type = 'MARKET' and not m.is_open
        and m.last_status not like '%OrderCompleted'
)

select maker_id, taker_id from candidate where maker_rank = 1 and taker_rank = 1;

create or replace temp table hummingbot_mid as
select
    exchange as market,
    trading_pair as pair,
    make_timestamp(try_cast(timestamp as bigint) // 1000) as at,
    try_cast(mid_price as double) / 1e6 as mid
from bot_MarketData
where try_cast(mid_price as double) > 0 and try_cast(timestamp as bigint) is not null;

create or replace temp table orders_row as
with of_orders as (
    select
        first.id as order_id,
        first.market,
        first.pair,
        first.side,
        first.created_at,
        first.order_type,
        cast(first.has_rested as bigint) as posts,
        case when first.has_rested then first.post end as post,
        case when second.id is null then first.ended_at else second.ended_at end as ts,
        second.id is not null as is_paired,
        first.order_type = 'LIMIT_MAKER' and first.asked > 0 and first.quantity >= first.asked as is_filled,
        coalesce(second.quantity, 0) > 0 as has_crossed,
        first.quantity + coalesce(second.quantity, 0) as quantity,
        first.notional + coalesce(second.notional, 0) as notional,
        case
            when first.quantity = 0 and second.id is not null then second.fees
            when coalesce(second.quantity, 0) = 0 then first.fees
            else first.fees + second.fees
        end as fees,
        coalesce(first.unknown_word, second.unknown_word) as unknown_word,
        coalesce(first.unread_value, second.unread_value) as unread_value,
        first.is_open or coalesce(second.is_open, false) as is_open
    from hummingbot_leg as first
    left join hummingbot_pair as p on p.maker_id = first.id
    left join hummingbot_leg as second on second.id = p.taker_id
    where first.id not in (select taker_id from hummingbot_pair)
),

of_orders_with_mid as (
    select o.*, case when o.created_at - m.at <= interval 60 second then m.mid end as mid
    from of_orders as o
    asof left join hummingbot_mid as m on m.market = o.market and m.pair = o.pair and m.at <= o.created_at
),

of_executors as (
    select
        intent as order_id,
        -- One that was refused has posted only if it has an order.
        greatest(any_value(order_count), count(*) filter (where strategy = 'LIMIT_MAKER' and coalesce(retries, 0) = 0)) as posts,
        -- The last post is known if all of them are.
        case when any_value(order_count) = posts then any_value(post) end as post,
        any_value(market) as market,
        any_value(pair) as pair,
        any_value(side) as side,
        min(created_at) as created_at,
        case when bool_or(ended_at is null) then max(created_at) else max(ended_at) end as ts,
        bool_or(ended_at is null) as is_open,
        bool_or(strategy = 'LIMIT_MAKER') as is_maker_start,
        bool_or(strategy = 'LIMIT_MAKER' and asked > 0 and quantity >= asked) as is_filled,
        bool_or(strategy <> 'LIMIT_MAKER' and quantity > 0) as has_crossed,
        sum(coalesce(quantity, 0)) as quantity,
        sum(case when quantity > 0 then quantity * price else 0 end) as notional,
        sum(fees) as fees,
        bool_or(strategy = 'LIMIT_MAKER' and retries > 0) as is_refused,
        max(probe) as probe,
        any_value(run_id) as run_id,
        any_value(mid) as mid,
        max(
            case
                when unread_value is not null then null
                when strategy is null then 'Executors.config.execution_strategy ' || coalesce(strategy_word, '')
                when side is null then 'Executors.config.side ' || coalesce(side_word, '')
            end
        ) as unknown_word,
        coalesce(max(unread_value), max(unread_price)) as unread_value
    from hummingbot_executor
    left join hummingbot_executor_post using (intent)
    group by intent
),

intent as (
    select
        order_id, market, pair, side, created_at, ts, is_open, is_paired, is_filled, has_crossed, quantity, notional, fees, mid,
        posts, post,
        case when order_type = 'LIMIT_MAKER' then true when order_type = 'MARKET' then false end as is_maker_start,
        cast(null as boolean) as is_refused, cast(null as varchar) as probe, cast(null as varchar) as run_id,
        unknown_word, unread_value, false as is_executor
    from of_orders_with_mid
    union all by name
    select *, false as is_paired, true as is_executor from of_executors
)

select
    order_id,
    ts,
    pair as symbol,
    side,
    market,
    is_executor,
    is_paired,
    mid,
    created_at as decided_at,
    case when quantity > 0 then notional / quantity end as fill_price,
    is_maker_start as maker_started,
    case when is_maker_start is not null then is_maker_start and is_filled and not has_crossed end as maker_filled,
    case when is_maker_start is not null then is_maker_start and has_crossed end as fallback_used,
    slippage_against(mid, fill_price, side) as slippage_bps,
    nullif(notional, 0) as notional,
    case when quantity > 0 then fees end as fees,
    case when is_executor and is_maker_start then is_refused end as post_only_rejected,
    case when is_maker_start then posts end as posts,
    case when is_maker_start then post.price end as maker_price,
    case when is_maker_start then post.begun_at end as maker_from,
    case when is_maker_start then post.ended_at end as maker_until,
    probe,
    run_id as policy_run_id,
    case
        when ts is null then 'bad_time'
        when unknown_word is not null then 'unknown_word'
        when unread_value is not null then 'bad_value'
        when is_open then 'open_order'
    end as source_reason,
    coalesce(unknown_word, unread_value, case when source_reason = 'bad_time' then 'ts ' end) as source_unread
from intent
order by ts, order_id;

create or replace temp table orders_count as
select
    (select count(*) from bot_Order) + (select count(*) from hummingbot_executor) as row_count,
    count(*) filter (where maker_started and not is_executor) as maker_order_count,
    count(*) filter (where is_paired) as paired_count,
    count(*) filter (where fill_price is not null and slippage_bps is null) as without_mid_count,
    count(*) filter (where fill_price is not null and fees is null) as without_fee_count,
    count(*) filter (where is_executor) as executor_count,
    -- Pairs that orders of several connectors have.
    (
        select count(*) from (select symbol from orders_used group by symbol having count(distinct market) > 1)
    ) as shared_pair_count
from orders_used;
