"""Hummingbot: the tables Order, OrderStatus, TradeFill, MarketData and Executors of its database."""

from jobs.sources.bots.kind import BotKind, Sentence, Table, sql_of

_MARGIN = ":window_start_ms - 604800000"  # an order may have been created days before it ended
_ORDER_COLUMNS = "id market symbol creation_timestamp order_type amount last_status last_update_timestamp"

HUMMINGBOT = BotKind(
    sql=sql_of("hummingbot"),
    mapping={
        "maker_started": "order_type LIMIT_MAKER; LIMIT is unknown, since it may take",
        "maker_filled": "its fills reach its amount",
        "fallback_used": "a market leg of the same level_id, else one within 2 s",
        "maker_price": "price of the last LIMIT_MAKER order, which rested from its creation to its end",
        "posts": "LIMIT_MAKER orders, or executors, that were not refused",
        "slippage_bps": "mean fill price against the mid of level_id, else of MarketData",
        "notional": "fills of TradeFill, else of the executor",
        "fees": "trade_fee_in_quote, else cum_fees_quote",
    },
    tables=(
        Table(
            name="Order",
            required=tuple(_ORDER_COLUMNS.split()),
            optional=("position", "price"),
            condition=f"last_update_timestamp >= {_MARGIN}",
        ),
        Table(
            name="OrderStatus",
            required=("order_id", "status"),
            condition=f"timestamp >= {_MARGIN} and status in ('BuyOrderCreated', 'SellOrderCreated')",
        ),
        Table(
            name="TradeFill",
            required=("order_id", "market", "timestamp", "trade_type", "price", "amount"),
            optional=("trade_fee_in_quote",),
            condition=f"timestamp >= {_MARGIN}",
        ),
        Table(
            name="MarketData",
            required=("timestamp", "exchange", "trading_pair", "mid_price"),
            may_be_missing=True,
            condition="timestamp >= (:window_start_ms - 86400000) * 1000000",  # of a day: it may have a row a second
        ),
        Table(
            name="Executors",
            required=("id", "type", "timestamp", "close_timestamp", "config", "custom_info", "cum_fees_quote"),
            may_be_missing=True,
        ),
    ),
    sentences=(
        Sentence(
            count="maker_order_count",
            text="{maker_order_count} maker starts are read from orders: a post-only order that was refused at once "
            "leaves no row there, so the fill ratio is too high by those; let executors carry a level_id",
        ),
        Sentence(
            count="paired_count",
            text="{paired_count} market orders count as the fallback of the maker order of the same market and side "
            "that ended at most 2 s before, since nothing links them",
        ),
        Sentence(
            count="shared_pair_count",
            text="{shared_pair_count} pairs are traded on several connectors, and have one policy for all of them: "
            'read each connector into a scope of its own, by a query (orders.kind = "canonical")',
        ),
        Sentence(
            count="without_mid_count",
            text="{without_mid_count} fills have no slippage, since no mid price is stored: set "
            "market_data_collection in conf_client.yml",
        ),
        Sentence(
            count="without_fee_count",
            text="{without_fee_count} fills have no fee in the quote currency; their fees are unknown",
        ),
        Sentence(
            count="executor_count",
            text="{executor_count} intents are read from executors, which Hummingbot writes when more than 100 have "
            "closed, or when it stops: the newest may be missing",
        ),
    ),
)
