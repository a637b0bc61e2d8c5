-- Orders and trades in the layouts of ccxt and of Binance: one row per routing intent. A market order is the fallback of the
-- post-only order of the same market and side that ended at most 2 s before. The same order or trade, fetched twice or in both
-- layouts, counts once.
create or replace temp table ccxt_answer as
select
    json,
    case
        when json is null then 'BROKEN'
        when json ->> '$.orderId' is not null and (json ->> '$.executedQty') is not null then 'ORDER'
        when json ->> '$.orderId' is not null and (json ->> '$.qty') is not null then 'TRADE'
        when json ->> '$.takerOrMaker' is not null or (json_exists(json, '$.takerOrMaker') and json_exists(json, '$.order'))
            then 'UNIFIED_TRADE'
        when json_exists(json, '$.status') and json_exists(json, '$.filled') and json ->> '$.id' is not null
            then 'UNIFIED_ORDER'
        else 'UNKNOWN'
    end as layout
from bot_answer;

create or replace temp table ccxt_order as
with read as (
    select
        json ->> '$.id' as id,
        json ->> '$.symbol' as symbol,
        json ->> '$.side' as side,
        json ->> '$.type' as type,
        coalesce(json ->> '$.status', json ->> '$.info.status') as status,
        flag_of_text(json ->> '$.postOnly') as post_only,
        upper(coalesce(json ->> '$.timeInForce', json ->> '$.info.timeInForce')) as time_in_force,
        upper(json ->> '$.info.type') as venue_type,
        json ->> '$.timestamp' as created_text,
        coalesce(json ->> '$.lastUpdateTimestamp', json ->> '$.lastTradeTimestamp', json ->> '$.info.updateTime') as updated_text,
        -- The time of the last trade is not that of the end of an order that was cancelled.
        coalesce(json ->> '$.lastUpdateTimestamp', json ->> '$.info.updateTime') as ended_text,
        json ->> '$.price' as price_text,
        json ->> '$.amount' as asked_text,
        json ->> '$.filled' as filled_text,
        json ->> '$.cost' as cost_text,
        json ->> '$.average' as average_text,
        json ->> '$.fee.cost' as fee_text,
        json ->> '$.fee.currency' as fee_currency,
        json_exists(json, '$.info.closePosition') as is_usd_m,
        -- OKX names the end of a post-only order that would have taken by a number.
        case json ->> '$.info.cancelSource' when '31' then 'post only'
            else coalesce(json ->> '$.info.rejectReason', json ->> '$.info.reason') end as end_reason,
        true as is_unified
    from ccxt_answer where layout = 'UNIFIED_ORDER'
    union all
    select
        json ->> '$.orderId', json ->> '$.symbol', json ->> '$.side', json ->> '$.type', json ->> '$.status', null,
        upper(json ->> '$.timeInForce'), upper(json ->> '$.type'), coalesce(json ->> '$.time', json ->> '$.transactTime'),
        json ->> '$.updateTime', json ->> '$.updateTime', json ->> '$.price', json ->> '$.origQty', json ->> '$.executedQty',
        -- Of coin-margined contracts the amounts are in the coin.
        coalesce(json ->> '$.cumQuote', json ->> '$.cummulativeQuoteQty', json ->> '$.cumBase'), json ->> '$.avgPrice',
        null, null, json_exists(json, '$.closePosition'), null, false
    from ccxt_answer where layout = 'ORDER'
)

select
    * exclude (id, symbol, side, type, status, post_only, end_reason),
    id,
    symbol,
    upper(side) as side_word,
    lower(type) as type_word,
    status as status_word,
    -- Gate ends a post-only order that would have taken as poc: pending or cancelled.
    coalesce(status = 'poc', false) or is_done_status(upper(regexp_replace(status, '[ _-]', '', 'g'))) as is_done,
    coalesce(lower(type), '') in ('market', 'stop_market', 'take_profit_market', 'trailing_stop_market') as is_market,
    case
        when post_only or time_in_force in ('PO', 'GTX') or venue_type = 'LIMIT_MAKER' or lower(type) = 'limit_maker' then true
        when is_market then false
        when post_only is null and time_in_force is null then null
        else false
    end as is_post_only,
    instant_of_text(created_text) as created_at,
    instant_of_text(updated_text) as updated_at,
    instant_of_text(ended_text) as ended_at,
    try_cast(price_text as double) as price,
    try_cast(asked_text as double) as asked,
    coalesce(try_cast(filled_text as double), 0) as filled,
    try_cast(cost_text as double) as cost,
    coalesce(
        unread('amount', asked_text, asked), unread('filled', filled_text, try_cast(filled_text as double)),
        unread('cost', cost_text, cost), unread('average', average_text, try_cast(average_text as double)),
        unread('fee.cost', fee_text, try_cast(fee_text as double)), unread('timestamp', created_text, created_at),
        unread('lastUpdateTimestamp', updated_text, updated_at), unread('info.updateTime', ended_text, ended_at),
        unread('price', price_text, price)
    ) as unread_value,
    filled = 0 and (
        upper(regexp_replace(status, '[ _-]', '', 'g')) in ('EXPIRED', 'REJECTED', 'POC')
        or coalesce(regexp_matches(end_reason, '(?i)post.?only'), false)
    ) as is_refused
from read
qualify row_number() over (
    partition by compact_symbol(symbol), id order by instant_of_text(updated_text) desc nulls last, is_unified desc
) = 1;

create or replace temp table ccxt_trade as
with read as (
    select
        json ->> '$.id' as trade_id,
        -- Some venues do not link a trade to its order: it is one by itself.
        coalesce(json ->> '$.order', 'trade ' || (json ->> '$.id')) as id,
        json ->> '$.symbol' as symbol,
        upper(json ->> '$.side') as side,
        upper(json ->> '$.takerOrMaker') as liquidity,
        json ->> '$.timestamp' as time_text,
        json ->> '$.price' as price_text,
        json ->> '$.amount' as quantity_text,
        json ->> '$.cost' as cost_text,
        coalesce(json ->> '$.fee.cost', json ->> '$.fees[0].cost') as fee_text,
        coalesce(json ->> '$.fee.currency', json ->> '$.fees[0].currency') as fee_currency,
        json ->> '$.info.realizedPnl' as profit_text,
        true as is_unified
    from ccxt_answer where layout = 'UNIFIED_TRADE'
    union all
    select
        json ->> '$.id', json ->> '$.orderId', json ->> '$.symbol',
        coalesce(
            upper(json ->> '$.side'),
            case when flag_of_text(coalesce(json ->> '$.buyer', json ->> '$.isBuyer')) then 'BUY' else 'SELL' end
        ),
        case when flag_of_text(coalesce(json ->> '$.maker', json ->> '$.isMaker')) then 'MAKER' else 'TAKER' end,
        json ->> '$.time', json ->> '$.price', json ->> '$.qty', coalesce(json ->> '$.quoteQty', json ->> '$.baseQty'),
        json ->> '$.commission', json ->> '$.commissionAsset', json ->> '$.realizedPnl', false
    from ccxt_answer where layout = 'TRADE'
)

select
    *,
    try_cast(price_text as double) as price,
    try_cast(quantity_text as double) as quantity,
    try_cast(cost_text as double) as cost,
    try_cast(fee_text as double) as fee,
    try_cast(profit_text as double) as profit,
    instant_of_text(time_text) as done_at,
    -- The currency of the amounts: after the colon or the slash, or the end of the symbol.
    coalesce(
        nullif(regexp_extract(symbol, ':([^-]+)', 1), ''), nullif(regexp_extract(symbol, '/([^:]+)', 1), ''),
        case when ends_with(symbol, fee_currency) then fee_currency end
    ) as quote
from read
qualify row_number() over (partition by compact_symbol(symbol), trade_id, id order by is_unified desc) = 1;

create or replace temp table ccxt_fill as
select
    compact_symbol(symbol) as market,
    id,
    any_value(symbol) as symbol,
    any_value(side) as side,
    min(done_at) as first_at,
    max(done_at) as ts,
    sum(quantity) as quantity,
    sum(coalesce(cost, price * quantity)) as notional,
    -- Quantities of swaps may be in contracts, of which the notional does not tell the size.
    sum(price * quantity) as weighted_price,
    sum(case when liquidity = 'MAKER' then coalesce(cost, price * quantity) else 0 end) as maker_notional,
    bool_or(liquidity = 'TAKER') as has_taken,
    -- Old answers of Binance have fees that were paid below zero, and then all of them.
    case when bool_and(coalesce(fee_currency = quote, false)) then sum(fee) end * (
        select case when max(fee) <= 0 and min(fee) < 0 and not bool_or(is_unified) then -1 else 1 end from ccxt_trade
    ) as fees,
    nullif(sum(profit), 0) as profit,
    max(
        case
            when price is null then 'price ' || coalesce(price_text, '')
            when quantity is null then 'amount ' || coalesce(quantity_text, '')
            else coalesce(
                unread('cost', cost_text, cost), unread('fee.cost', fee_text, fee),
                unread('realizedPnl', profit_text, profit), unread('timestamp', time_text, done_at)
            )
        end
    ) as unread_value,
    max(case when liquidity is not null and liquidity not in ('MAKER', 'TAKER') then 'takerOrMaker ' || liquidity end) as unknown_word
from ccxt_trade
group by all;

create or replace temp table ccxt_leg as
select
    o.id,
    o.symbol,
    compact_symbol(o.symbol) as market,
    o.side_word as side,
    o.is_market,
    o.is_post_only,
    o.created_at,
    o.updated_at,
    o.asked,
    greatest(o.filled, coalesce(f.quantity, 0)) as quantity,
    case
        when f.quantity >= o.filled * (1 - 1e-9) then f.notional
        when o.filled > 0 then coalesce(nullif(o.cost, 0), o.filled * try_cast(o.average_text as double))
    end as notional,
    case
        when f.quantity >= o.filled * (1 - 1e-9) then f.weighted_price
        when o.filled > 0 then coalesce(
            o.filled * nullif(try_cast(o.average_text as double), 0),
            case when not contains(o.symbol, ':') then nullif(o.cost, 0) end
        )
    end as weighted_price,
    case when o.filled > 0 then coalesce(f.fees, case when contains(o.symbol, o.fee_currency) then try_cast(o.fee_text as double) end) end
        as fees,
    f.profit,
    coalesce(f.has_taken, false) as has_taken,
    coalesce(f.ts, o.updated_at, o.created_at) as ts,
    o.is_post_only and not o.is_refused as has_rested,
    post_of(
        o.price,
        o.created_at,
        case
            when f.quantity >= o.asked * (1 - 1e-9) then f.ts
            when o.filled >= o.asked * (1 - 1e-9) then o.updated_at
            else o.ended_at
        end
    ) as post,
    o.is_usd_m,
    o.is_refused,
    not o.is_done as is_open,
    coalesce(
        case
            when o.is_done is null then 'status ' || coalesce(o.status_word, '')
            when coalesce(o.side_word not in ('BUY', 'SELL'), true) then 'side ' || coalesce(o.side_word, '')
            when o.type_word is null then 'type '
        end, f.unknown_word
    ) as unknown_word,
    coalesce(f.unread_value, o.unread_value) as unread_value
from ccxt_order as o
left join ccxt_fill as f on f.id = o.id and f.market = compact_symbol(o.symbol);

create or replace temp table ccxt_pair as
with candidate as (
    select
        m.id as maker_id,
        t.id as taker_id,
        m.market,
        row_number() over (partition by t.market, t.id order by m.updated_at desc, m.id) as maker_rank,
        row_number() over (partition by m.market, m.id order by t.created_at, t.id) as taker_rank
    from ccxt_leg as m
    inner join ccxt_leg as t
        on t.market = m.market and t.side = m.side and t.created_at between m.updated_at and m.updated_at + interval 2 second
    where m.is_post_only and t.is_market and not m.is_open and m.quantity < m.asked * (1 - 1e-9)
)

select maker_id, taker_id, market from candidate where maker_rank = 1 and taker_rank = 1;

create or replace temp table orders_row as
with intent as (
    select
        first.id as order_id,
        first.symbol,
        first.side,
        first.created_at as decided_at,
        first.is_post_only as is_maker_start,
        first.is_usd_m,
        first.is_refused,
        first.has_rested,
        first.post,
        coalesce(second.ts, first.ts) as ts,
        second.id is not null as is_paired,
        first.is_post_only and not first.has_taken and first.asked > 0 and first.quantity >= first.asked * (1 - 1e-9)
            as is_filled,
        coalesce(second.quantity, 0) > 0 or first.has_taken as has_crossed,
        first.quantity + coalesce(second.quantity, 0) as quantity,
        coalesce(first.notional, 0) + coalesce(second.notional, 0) as notional,
        case
            when first.quantity = 0 and second.id is not null then second.weighted_price
            when coalesce(second.quantity, 0) = 0 then first.weighted_price
            else first.weighted_price + second.weighted_price
        end as weighted_price,
        case
            when first.quantity = 0 and second.id is not null then second.fees
            when coalesce(second.quantity, 0) = 0 then first.fees
            else first.fees + second.fees
        end as fees,
        case when first.profit is not null or second.profit is not null then
            coalesce(first.profit, 0) + coalesce(second.profit, 0) end as profit,
        first.is_open or coalesce(second.is_open, false) as is_open,
        coalesce(first.unknown_word, second.unknown_word) as unknown_word,
        coalesce(first.unread_value, second.unread_value) as unread_value,
        false as is_trade_only,
        0.0 as maker_notional
    from ccxt_leg as first
    left join ccxt_pair as p on p.maker_id = first.id and p.market = first.market
    left join ccxt_leg as second on second.id = p.taker_id and second.market = p.market
    where not exists (select 1 from ccxt_pair as q where q.taker_id = first.id and q.market = first.market)
    union all by name
    select
        f.id as order_id, f.symbol, f.side, f.ts, f.quantity, f.notional, f.weighted_price, f.fees, f.profit, f.unknown_word, f.unread_value,
        true as is_trade_only, f.maker_notional, false as is_open, false as is_paired
    from ccxt_fill as f
    where not exists (select 1 from ccxt_order as o where o.id = f.id and compact_symbol(o.symbol) = f.market)
    union all by name
    select 'keys ' || array_to_string(json_keys(json)[:8], ', ') as unknown_word, true as is_trade_only
    from ccxt_answer where layout = 'UNKNOWN'
    union all by name
    select true as is_broken, true as is_trade_only from ccxt_answer where layout = 'BROKEN'
)

select
    order_id,
    ts,
    symbol,
    side,
    decided_at,
    is_paired,
    is_trade_only,
    is_usd_m,
    maker_notional,
    case when quantity > 0 and weighted_price > 0 then weighted_price / quantity end as fill_price,
    is_maker_start as maker_started,
    case when is_maker_start is not null then is_maker_start and is_filled and not has_crossed end as maker_filled,
    case when is_maker_start is not null then is_maker_start and has_crossed end as fallback_used,
    cast(null as double) as slippage_bps,
    nullif(notional, 0) as notional,
    case when not is_maker_start then false when not is_usd_m then is_refused end as post_only_rejected,
    fees,
    -- Nothing links an order to one that was posted before it.
    case when is_maker_start then cast(has_rested as bigint) end as posts,
    case when has_rested then post.price end as maker_price,
    case when has_rested then post.begun_at end as maker_from,
    case when has_rested then post.ended_at end as maker_until,
    -- The exchange's profit is before fees. It is zero of an order that only opens a position.
    profit - fees as realized_pnl,
    case
        when is_broken then 'not_json'
        when unknown_word is not null then 'unknown_word'
        when ts is null then 'bad_time'
        when unread_value is not null then 'bad_value'
        when is_open then 'open_order'
    end as source_reason,
    case when not coalesce(is_broken, false) then coalesce(unknown_word, case when ts is null then 'timestamp ' end, unread_value) end
        as source_unread
from intent
order by ts, order_id;

create or replace temp table orders_count as
select
    (select count(*) from bot_answer) as row_count,
    count(*) filter (where is_trade_only) as trade_only_count,
    coalesce(
        cast(round(100 * sum(maker_notional) filter (where is_trade_only) / nullif(sum(notional) filter (where is_trade_only), 0))
            as bigint), 0
    ) as maker_share_percent,
    count(*) filter (where is_paired) as paired_count,
    count(*) filter (where maker_started and is_usd_m) as never_refused_count,
    count(*) filter (where not is_trade_only and maker_started is null) as unknown_start_count,
    count(*) filter (where fill_price is not null and slippage_bps is null and not is_trade_only) as without_mid_count
from orders_used;
