"""An exchange on this machine: the order endpoints of Binance USD-M, as far as ccxt's unified interface asks them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt

Answer = tuple[int, dict[str, Any] | list[Any]]
MARKETS = {
    "timezone": "UTC",
    "serverTime": 0,
    "rateLimits": [],
    "exchangeFilters": [],
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "pair": "BTCUSDT",
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000,
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "pricePrecision": 2,
            "quantityPrecision": 3,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000", "tickSize": "0.10"},
                {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
                {"filterType": "MIN_NOTIONAL", "notional": "5"},
            ],
            "orderTypes": ["LIMIT", "MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        }
    ],
}


class Exchange:
    """What the exchange holds and does. The best prices are 99.9 and 100.1; with `goes_through`, beyond an open order.

    `fill_maker` is how much of a resting order is filled at once; `on_cancel` what is filled as a cancellation comes.
    `lose` names requests (method and path) that are carried out, or not, and never answered.
    """

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.fill_maker = 0.0
        self.on_cancel = 0.0
        self.goes_through = False
        self.market_liquidity = 1000.0
        self.refusals: dict[str, tuple[int, str]] = {}
        self.lose: dict[str, bool] = {}
        self.released = Event()

    def answer(self, method: str, path: str, parameters: dict[str, str]) -> Answer | None:
        """Carry out a request; None where it is not answered."""
        self.requests.append((method, path, parameters))
        name = f"{method} {path}"
        if name in self.lose:
            if self.lose[name]:
                self._carry_out(name, parameters)
            return None
        return self._carry_out(name, parameters)

    def _carry_out(self, name: str, parameters: dict[str, str]) -> Answer:
        client_order_id = parameters.get("origClientOrderId", "")
        match name:
            case "GET /fapi/v1/exchangeInfo":
                answer: Answer = 200, MARKETS
            case "GET /fapi/v1/depth":
                bid, ask = self._best_prices()
                answer = 200, {"lastUpdateId": 1, "E": 1, "T": 1, "bids": [[bid, "5"]], "asks": [[ask, "5"]]}
            case "POST /fapi/v1/order":
                answer = self._place(parameters)
            case "GET /fapi/v1/order" if client_order_id in self.orders:
                answer = 200, self.orders[client_order_id]
            case "DELETE /fapi/v1/order":
                answer = self._cancel(client_order_id)
            case "GET /fapi/v1/userTrades":
                answer = 200, [trade for trade in self.trades if str(trade["orderId"]) == parameters["orderId"]]
            case _:
                answer = _error(-2013, "Order does not exist.")
        return answer

    def _best_prices(self) -> tuple[str, str]:
        open_orders = [order for order in self.orders.values() if order["status"] == "NEW"]
        if not (self.goes_through and open_orders):
            return "99.9", "100.1"
        price = float(open_orders[-1]["price"])
        beyond = -0.1 if open_orders[-1]["side"] == "BUY" else 0.1
        return tuple(f"{price + ticks:.1f}" for ticks in sorted((beyond, 3 * beyond)))  # type: ignore[return-value]

    def _place(self, parameters: dict[str, str]) -> Answer:
        kind = parameters.get("timeInForce", parameters["type"])
        if kind in self.refusals:
            return _error(*self.refusals[kind])
        if parameters["newClientOrderId"] in self.orders:
            return _error(-4116, "ClientOrderId is duplicated.")
        order: dict[str, Any] = {
            "orderId": 1000 + len(self.orders),
            "clientOrderId": parameters["newClientOrderId"],
            "symbol": parameters["symbol"],
            "side": parameters["side"],
            "type": parameters["type"],
            "timeInForce": parameters.get("timeInForce", "GTC"),
            "status": "NEW",
            "price": parameters.get("price", "0"),
            "origQty": parameters["quantity"],
            "executedQty": "0",
            "cumQuote": "0",
            "avgPrice": "0",
            "reduceOnly": False,
            "time": 1,
            "updateTime": 1,
        }
        self.orders[order["clientOrderId"]] = order
        if kind == "MARKET":
            self._fill(order, self.market_liquidity, 100.1, is_maker=False)
            order["status"] = "FILLED" if order["executedQty"] == order["origQty"] else "EXPIRED"
        else:
            self._fill(order, self.fill_maker, float(order["price"]), is_maker=True)
        return 200, order

    def _fill(self, order: dict[str, Any], quantity: float, price: float, *, is_maker: bool) -> None:
        quantity = min(quantity, float(order["origQty"]) - float(order["executedQty"]))
        if not quantity:
            return
        filled, paid = float(order["executedQty"]) + quantity, float(order["cumQuote"]) + quantity * price
        order |= {"executedQty": f"{filled:.3f}", "cumQuote": str(paid), "avgPrice": f"{paid / filled:.5f}"}
        order["status"] = "FILLED" if filled == float(order["origQty"]) else "PARTIALLY_FILLED"
        order["origQty"] = f"{float(order['origQty']):.3f}"
        self.trades.append(
            {
                "id": len(self.trades) + 1,
                "orderId": order["orderId"],
                "symbol": order["symbol"],
                "side": order["side"],
                "price": str(price),
                "qty": f"{quantity:.3f}",
                "quoteQty": str(quantity * price),
                "commission": f"{quantity * price * (2 if is_maker else 5) / 10_000:.8f}",
                "commissionAsset": "USDT",
                "maker": is_maker,
                "buyer": order["side"] == "BUY",
                "time": 1,
                "realizedPnl": "0",
                "positionSide": "BOTH",
            }
        )

    def _cancel(self, client_order_id: str) -> Answer:
        order = self.orders.get(client_order_id)
        if order is None or order["status"] not in ("NEW", "PARTIALLY_FILLED"):
            return _error(-2011, "Unknown order sent.")
        self._fill(order, self.on_cancel, float(order["price"]), is_maker=True)
        if order["status"] != "FILLED":
            order["status"] = "CANCELED"
        return 200, order


def _error(code: int, text: str) -> Answer:
    return 400, {"code": code, "msg": text}


def settings_of(address: str) -> dict[str, Any]:
    """The settings of ccxt's binanceusdm that make it ask the exchange at an address and no other."""
    urls = ccxt.binanceusdm().urls["api"]
    return {
        "apiKey": "key",
        "secret": "secret",
        "enableRateLimit": False,
        "timeout": 10_000,  # milliseconds
        "has": {"fetchCurrencies": False},
        "urls": {
            "api": {name: f"{address}/{url.split('/', 3)[-1]}" for name, url in urls.items() if isinstance(url, str)}
        },
    }


@contextmanager
def served() -> Iterator[tuple[Exchange, str]]:
    """Serve an exchange on a port of this machine, and tell its address."""
    exchange = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            answer = exchange.answer(self.command, parts.path, dict(parse_qsl(parts.query or body)))
            if answer is None:
                exchange.released.wait(30)
                self.close_connection = True
                return
            content = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield exchange, f"http://127.0.0.1:{server.server_port}"
    finally:
        exchange.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
