"""freqtrade: the tables trades and orders of its database."""

from jobs.sources.bots.kind import BotKind, Sentence, Table, sql_of

_TRADES_OF_WINDOW = (
    "ft_trade_id in (select ft_trade_id from orders "
    "where ft_is_open or coalesce(order_filled_date, order_update_date, order_date) >= :window_start)"
)

_ORDER_COLUMNS = (
    "id ft_trade_id ft_order_side ft_pair ft_is_open status order_type price average filled "
    "order_date order_filled_date order_update_date order_id"
)

FREQTRADE = BotKind(
    sql=sql_of("freqtrade"),
    mapping={
        "maker_started": "the first order of a trade and side is a limit order; unknown of entries",
        "maker_filled": "a limit order closed it, and nothing was taken",
        "fallback_used": "a market order or a stop filled after a limit order",
        "maker_price": "price of the last limit order, which rested from order_date to order_filled_date or "
        "order_update_date",
        "posts": "limit orders of the intent that were not refused",
        "slippage_bps": "mean fill price against the mid that the strategy kept, else ft_price of the first order",
        "notional": "the sum of filled x average",
        "realized_pnl": "close_profit_abs, on the last exit",
        "fees": "fee_open or fee_close x notional, if their currency is known",
    },
    tables=(
        Table(
            name="trades",
            required=("id", "is_open", "fee_open", "fee_close"),
            optional=("is_short", "close_profit_abs", "fee_open_currency", "fee_close_currency"),
        ),
        Table(
            name="orders",
            required=tuple(_ORDER_COLUMNS.split()),
            optional=("ft_price",),
            condition=_TRADES_OF_WINDOW,
        ),
        Table(
            name="trade_custom_data",
            required=("ft_trade_id", "cd_key", "cd_value"),
            may_be_missing=True,
            condition="cd_key like 'router_policy:%'",
        ),
    ),
    sentences=(
        Sentence(
            count="gone_trade_count",
            text="at least {gone_trade_count} of {trade_number_count} trade numbers are gone: "
            "freqtrade deletes an entry that was never filled, with its trade",
        ),
        Sentence(
            count="orphan_count",
            text="{orphan_count} orders have no trade in the database, and are not used",
        ),
        Sentence(
            count="entry_left_out_count",
            text="{entry_left_out_count} entries of the window do not count as maker starts, since missed entries "
            "cannot be seen; only exits do",
        ),
        Sentence(
            count="entry_counted_count",
            text="{entry_counted_count} entries of the window count as maker starts, and {entry_filled_count} of them "
            "filled as maker; the database has no entry that was given up, so the fill ratio is too high by those: "
            'read the strategy\'s own order log (orders.kind = "order-log"), or set orders.entries = "unknown"',
        ),
        Sentence(
            count="maybe_crossing_count",
            text="{maybe_crossing_count} limit orders count as maker starts although freqtrade does not store whether "
            'they were post-only; set orders.post_only = true if order_time_in_force is "PO"',
        ),
        Sentence(
            count="without_mid_count",
            text="{without_mid_count} slippages are measured against the price that freqtrade asked for, "
            "since no mid price is stored",
        ),
    ),
)
