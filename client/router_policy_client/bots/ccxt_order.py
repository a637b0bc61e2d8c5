"""One order over ccxt, maker first as the policy says: `python -m router_policy_client.bots.ccxt_order --help`."""

import argparse
import json
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import uuid4

try:
    import ccxt
except ImportError as error:
    raise ImportError(f"{error}; an order over ccxt needs router-policy-client[ccxt]") from error

from router_policy_client.ccxt_venue import CcxtVenue
from router_policy_client.errors import RouterPolicyClientError
from router_policy_client.leg import Patience
from router_policy_client.order import Order, Outcome, Side
from router_policy_client.order_log import OrderLog
from router_policy_client.reader import PolicyReader
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.venue import VenueError

_UNFILLED, _UNUSABLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Route one order and print its outcome as one line.

    Returns 0 if the whole quantity was filled, 1 if not, and 2 if nothing was sent because an argument, the exchange's
    settings or its markets were unusable; the reason is then printed to stderr.
    """
    try:
        outcome = _route(_parser().parse_args(arguments))
    except (ValueError, OSError, VenueError, RouterPolicyClientError, ccxt.BaseError) as error:
        print(f"nothing was sent: {error}", file=sys.stderr)  # noqa: T201 - a command
        return _UNUSABLE
    print(_sentence(outcome))  # noqa: T201 - a command
    return _UNFILLED if outcome.unfilled else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ccxt_order", description="Send one order, maker first as the policy says.")
    parser.add_argument("side", type=str.upper, choices=[side.value for side in Side])
    parser.add_argument("quantity", type=_quantity, help="in units of the traded asset; rounded down to a lot step")
    parser.add_argument("symbol", help="as in ccxt: BTC/USDT:USDT")
    parser.add_argument("--exchange", default="exchange.json", help='{"id": "binanceusdm", "apiKey": ...} for ccxt')
    parser.add_argument("--store", default="sqlite:///router_policy.db", help="the store of the policies")
    parser.add_argument("--log", default="order_metrics.jsonl", help="the order log that the service reads")
    parser.add_argument("--policy-symbol", help="the symbol in the policies and the log, if it is not that of ccxt")
    parser.add_argument("--order-id", help="your own id, unique in the account; by default a new one")
    parser.add_argument(
        "--wait-seconds", type=float, default=4.0, help="the full wait as maker, which a policy shortens"
    )
    parser.add_argument("--interval-seconds", type=float, default=900.0, help="the time between two runs")
    return parser


def _quantity(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid number") from error


def _route(options: argparse.Namespace) -> Outcome:
    exchange, symbol = _exchange(Path(options.exchange)), options.policy_symbol or options.symbol
    try:
        venue = CcxtVenue(exchange, {symbol: options.symbol})
        quantity = venue.tradable(symbol, options.quantity)
        if not quantity:
            raise ValueError(f"{options.quantity} of {options.symbol} is below the smallest order; order more")
        order = Order(order_id=options.order_id or uuid4().hex, symbol=symbol, side=options.side, quantity=quantity)
        routing = Routing(patience=Patience(maker_wait_seconds=options.wait_seconds))
        with PolicyReader(options.store, interval_seconds=options.interval_seconds, watch=False) as reader:
            reader.refresh()
            return route_order(order, venue, reader, OrderLog(options.log), routing=routing)
    finally:
        exchange.session.close()


def _exchange(path: Path) -> ccxt.Exchange:
    """Return ccxt's exchange of a JSON file: `id` is its name in ccxt, the other keys are ccxt's own settings."""
    settings = json.loads(path.read_text("utf-8"))
    name = str(settings.pop("id", None)) if isinstance(settings, dict) else ""
    if name not in ccxt.exchanges:
        raise ValueError(f'{path}: its id {name!r} is not a valid exchange of ccxt; write {{"id": "binanceusdm", ...}}')
    return getattr(ccxt, name)(settings)


def _sentence(outcome: Outcome) -> str:
    reading, order = outcome.gate.reading, outcome.order
    way = "probe" if outcome.gate.probe else "maker first" if outcome.gate.maker_first else "straight to taker"
    part = "all" if outcome.maker_share is None else f"a sliver of {outcome.maker_share:.1%}"
    return (
        f"{order.order_id}: {order.side} {outcome.filled} of {order.quantity} {order.symbol}, {way} "
        f"(policy {reading.status}, {reading.quality}, run {reading.run_id}); "
        f"{part} as maker: {_word(outcome.maker_filled)}; slippage {_bps(outcome.slippage_bps)}"
        + (f"; unfilled: {outcome.unfilled_reason}" if outcome.unfilled_reason else "")
    )


def _word(flag: bool | None) -> str:
    return "unknown" if flag is None else "yes" if flag else "no"


def _bps(slippage_bps: float | None) -> str:
    return "unknown" if slippage_bps is None else f"{slippage_bps:.2f} bps"


if __name__ == "__main__":
    sys.exit(main())
