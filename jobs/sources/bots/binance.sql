-- The trade history of Binance as its web page exports it: one row per order, from its trades. Times are without a zone unless
-- the header says UTC, years have two digits or four, and numbers may have their unit glued on.
create or replace temp macro number_before_unit(t) as (
    -- A comma that is neither before three digits nor before a point is the decimal comma of a spreadsheet.
    case
        when contains(t, ',') and not regexp_matches(t, ',.*[.]')
            and not regexp_matches(t, '^ *-?[1-9][0-9]{0,2}(,[0-9]{3})+([^0-9,]|$)') then ''
        else regexp_extract(replace(t, ',', ''), '^ *(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)', 1)
    end
);

create or replace temp table binance_trade as
with read as (
    select
        *,
        symbol as symbol_text,
        case when regexp_matches(time, '^[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}[ T]') then '20' || time else time end as full_time,
        number_before_unit(price) as price_text,
        number_before_unit(quantity) as quantity_text,
        number_before_unit(amount) as amount_text,
        number_before_unit(fee) as fee_text,
        number_before_unit(profit) as profit_text,
        upper(regexp_extract(trim(amount), '([A-Za-z][A-Za-z0-9]*)$', 1)) as amount_coin,
        coalesce(upper(fee_coin), upper(regexp_extract(trim(fee), '([A-Za-z][A-Za-z0-9]*)$', 1))) as coin
    from bot_trade
)

select
    * exclude (side, price, quantity, amount, fee, profit),
    read.price as price_as_written,
    read.quantity as quantity_as_written,
    read.amount as amount_as_written,
    row_number() over () as row,
    upper(trim(side)) as side,
    case
        when regexp_matches(full_time, '(Z|[+-][0-9]{2}:?[0-9]{2}|^[0-9]+)$') then instant_of_text(full_time)
        else timezone('UTC', timezone(zone, try_cast(full_time as timestamp)))
    end as done_at,
    try_cast(price_text as double) as price,
    try_cast(quantity_text as double) as quantity,
    try_cast(amount_text as double) as amount,
    try_cast(fee_text as double) as fee,
    try_cast(profit_text as double) as profit,
    coalesce(
        unread('Fee', nullif(trim(read.fee), '-'), try_cast(fee_text as double)),
        unread('Realized Profit', nullif(trim(read.profit), '-'), try_cast(profit_text as double))
    ) as unread_money,
    flag_of_text(maker) as is_maker,
    coalesce(nullif(amount_coin, '') = coin, ends_with(replace(symbol, '/', ''), coin)) as is_quote_fee,
    regexp_matches(symbol, 'USD_(PERP|[0-9]{6})$') as is_coin_margined
from read;

create or replace temp table orders_row as
with distinct_trade as (
    select * from binance_trade
    qualify trade_id is null or row_number() over (partition by symbol, trade_id, order_id order by done_at) = 1
),

intent as (
    select
        order_id,
        symbol,
        side,
        max(done_at) as ts,
        any_value(time) as time_text,
        sum(amount) as notional,
        sum(case when is_maker then amount else 0 end) as maker_notional,
        case when bool_and(fee is not null and is_quote_fee) then sum(fee) end as fees,
        bool_or(is_coin_margined) as is_coin_margined,
        case when not bool_or(is_coin_margined) then nullif(sum(profit), 0) end as profit,
        max(
            case
                when price is null then 'Price ' || coalesce(price_as_written, '')
                when quantity is null then 'Quantity ' || coalesce(quantity_as_written, '')
                when amount is null then 'Amount ' || coalesce(amount_as_written, '')
                when maker is not null and is_maker is null then 'Maker ' || maker
                else unread_money
            end
        ) as unread_value
    from distinct_trade
    group by
        symbol, side, order_id, case when order_id is null or done_at is null then coalesce(cast(done_at as varchar), cast(row as varchar)) end
)

select
    order_id,
    ts,
    symbol,
    side,
    maker_notional,
    cast(null as boolean) as maker_started,
    cast(null as boolean) as maker_filled,
    cast(null as boolean) as fallback_used,
    cast(null as double) as slippage_bps,
    notional,
    profit as realized_pnl,
    is_coin_margined,
    fees,
    case
        when ts is null then 'bad_time'
        when coalesce(side not in ('BUY', 'SELL'), true) then 'unknown_word'
        when unread_value is not null then 'bad_value'
    end as source_reason,
    case source_reason
        when 'bad_time' then 'Time ' || coalesce(time_text, '')
            || case when contains(time_text, '/') then ' (write year, month and day)' else '' end
        when 'unknown_word' then 'Side ' || coalesce(side, '')
        when 'bad_value' then unread_value
    end as source_unread
from intent
order by ts, order_id;

create or replace temp table orders_count as
select
    (select count(*) from bot_trade) as row_count,
    count(*) as order_count,
    coalesce(cast(round(100 * sum(maker_notional) / nullif(sum(notional), 0)) as bigint), 0) as maker_share_percent,
    count(*) filter (where order_id is null) as without_id_count,
    count(*) filter (where is_coin_margined) as coin_margined_count,
    count(*) filter (where fees is null) as without_fee_count
from orders_used;
