"""The canonical table of order outcomes: its columns, and the values for which a row is rejected."""

REQUIRED = ("ts", "symbol", "maker_started", "maker_filled", "fallback_used", "slippage_bps")
OPTIONAL = (
    "order_id side notional realized_pnl post_only_rejected fees probe policy_run_id survivor "
    "maker_price maker_from maker_until posts went_through maker_share arrival_quote_bps "
    "holdout propensity"
).split()
SQL_TYPES = {
    "order_id": "varchar",
    "ts": "timestamp",
    "symbol": "varchar",
    "side": "varchar",
    "maker_started": "boolean",
    "maker_filled": "boolean",
    "fallback_used": "boolean",
    "slippage_bps": "double",
    "notional": "double",
    "realized_pnl": "double",
    "post_only_rejected": "boolean",
    "fees": "double",
    "probe": "boolean",
    "policy_run_id": "bigint",
    "survivor": "boolean",
    "maker_price": "double",
    "maker_from": "timestamp",
    "maker_until": "timestamp",
    "posts": "bigint",
    "went_through": "boolean",
    "maker_share": "double",
    "arrival_quote_bps": "double",
    "holdout": "boolean",
    "propensity": "double",
}
ORDER_COLUMNS = tuple(SQL_TYPES)

# Columns whose values can be unreadable although their type fits: a time or a whole number that there is not.
PARTLY_READ = ("policy_run_id", "maker_from", "maker_until", "posts")

# Standard SQL over the typed columns, so that every engine rejects the same rows. NaN compares as larger than any
# number. Amounts beyond any currency's are mistakes, and their sums or ratios could leave the range of a double. Rows
# with `maker_started` but no known fill or fallback are rejected as `unknown_fill`.
ORDER_REASON = """case
        when
            slippage_bps not between -1e308 and 1e308 or notional not between -1e308 and 1e308
            or realized_pnl not between -1e308 and 1e308 or fees not between -1e308 and 1e308
            or maker_price not between -1e308 and 1e308 or maker_share not between -1e308 and 1e308
            or arrival_quote_bps not between -1e308 and 1e308
            or propensity not between -1e308 and 1e308 then 'not_finite'
        when
            notional < 0 or maker_price < 0 or posts < 0 or maker_share <= 0 or maker_share > 1
            or propensity <= 0 or propensity > 1 then 'bad_value'
        when
            notional > 1e18 or (notional > 0 and notional < 1e-18) or realized_pnl > 1e18 or realized_pnl < -1e18
            or fees > 1e18 or fees < -1e18 or maker_price > 1e18 or (maker_price > 0 and maker_price < 1e-18)
            or arrival_quote_bps > 1e18 or arrival_quote_bps < -1e18 then 'out_of_range'
        when slippage_bps <= -10000 or slippage_bps >= 10000 then 'sentinel_slippage'
        when maker_filled and fallback_used then 'contradictory'
        when maker_started = false and (maker_filled or fallback_used) then 'contradictory'
        when maker_until < maker_from then 'contradictory'
        when maker_started and (maker_filled or fallback_used) is null then 'unknown_fill'
    end"""

# Some venues number the orders of each symbol separately. Of rows with the same identity the one that was written last
# is kept; if several are equally late, every run and every engine keeps the same one.
IDENTITY = "symbol, order_id"
WRITTEN_LAST_FIRST = """ts desc, slippage_bps nulls last, maker_filled nulls last, fallback_used nulls last,
        maker_started nulls last, notional nulls last, side nulls last, fees nulls last, realized_pnl nulls last,
        post_only_rejected nulls last, probe nulls last, policy_run_id nulls last, survivor nulls last,
        maker_price nulls last, maker_from nulls last, maker_until nulls last, posts nulls last,
        went_through nulls last, maker_share nulls last, arrival_quote_bps nulls last, holdout nulls last,
        propensity nulls last"""
