"""Whether the market traded through a bot's order that missed: by the order in its database, and candles."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from jobs.plan import CandlesSource, Location, OrdersKind, OrdersSource, Plan
from jobs.run.recompute import recompute
from policy.rules import rule_set
from storage.records import Origin
from tests.support.bot_data import Row, write_rows
from tests.support.freqtrade_rows import AS_OF, TEN, order, tables, trade

MINUTE = timedelta(minutes=1)


def minutes_of(path: Path, high: float) -> CandlesSource:
    """Bars of a minute with this high, from ten to half past ten."""
    duckdb.execute(
        f"""copy (
            select 'BTC/USDT:USDT' as symbol, timestamp '{TEN}' + i * interval 1 minute as ts,
                {high} as high, 90.0 as low, 95.0 as close
            from range(30) as bars(i)
        ) to '{path}'"""
    )
    return CandlesSource(location=Location(path=str(path)), interval=MINUTE)


def miss(number: int, begun: float, ended: float) -> Row:
    """An exit at 101 that was cancelled."""
    times = {"order_date": TEN + begun * MINUTE, "order_update_date": TEN + ended * MINUTE}
    return order(number, 1, "sell", "limit", "canceled", price=101.0, **times)


@pytest.mark.parametrize(
    ("high", "misses", "went_through"),
    [
        (101.5, [miss(1, 0.5, 10)], True),
        (101.0, [miss(1, 0.5, 10)], False),
        (101.5, [miss(1, 0.5, 4)], None),  # shorter than four bars
        (101.5, [miss(1, 0.5, 10), miss(2, 10, 20)], None),  # posted twice
        (101.5, [miss(1, 25, 35)], True),  # the bars end before it does, and one of them shows it
        (101.0, [miss(1, 25, 35)], None),
    ],
)
def test_candles_show_whether_the_market_traded_through_an_exit_that_missed(
    tmp_path: Path, high: float, misses: list[Row], went_through: bool | None
) -> None:
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    crossed = order(60, 1, "sell", "market", "closed")
    write_rows(url, tables(), {"trades": [trade(1)], "orders": [*misses, crossed]})
    orders = OrdersSource(kind=OrdersKind.FREQTRADE, location=Location(url=url))
    candles = minutes_of(tmp_path / "bars.parquet", high)
    plan = Plan(scope="default", orders=orders, candles=candles, rule_set=rule_set("breaker"))

    (judgement,) = recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF, states={}).judgements

    streaks = judgement.evidence.streaks
    assert streaks is not None
    assert streaks.own_outage is not None
    assert [(each.order_id, each.went_through) for each in streaks.own_outage.newest_orders] == [
        ("1-sell-0", went_through)
    ]
