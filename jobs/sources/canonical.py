"""The canonical table of order outcomes: its columns, and what a row that has been read may not say."""

REQUIRED = ("ts", "symbol", "maker_started", "maker_filled", "fallback_used", "slippage_bps")
OPTIONAL = ("order_id", "side", "notional", "realized_pnl", "post_only_rejected", "fees", "probe", "policy_run_id")
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
}
COLUMNS = tuple(SQL_TYPES)

# Standard SQL over the typed columns, so that every engine judges a row alike. NaN compares as larger than any number.
JUDGED = """case
        when abs(slippage_bps) > 1e308 or abs(notional) > 1e308 or abs(realized_pnl) > 1e308 then 'not_finite'
        when abs(slippage_bps) >= 10000 then 'sentinel_slippage'
        when maker_filled and fallback_used then 'contradictory'
        when maker_started = false and (maker_filled or fallback_used) then 'contradictory'
    end"""
