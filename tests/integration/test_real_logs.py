"""Logs and candles that the programs of users wrote, against figures that were worked out independently.

They lie in the folder that REAL_INPUTS names, else in `../shared/real` beside the checkout.
"""

import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from jobs.plan import CandlesSource
from jobs.sources.errors import SourceError
from policy import Evidence
from storage.records import RunResult
from tests.support.small_runs import candles, canonical, counts_of, evidence_of, order_log, run, sample_of

REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[3] / "shared" / "real"))
AS_OF = datetime(2026, 4, 26, 0, 5, tzinfo=UTC)
LEGACY_AS_OF = datetime(2025, 11, 6, 14, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no real logs here: name their folder in REAL_INPUTS")

# symbol: intents, started, maker_fill_ratio, fallback_ratio, quartiles of slippage, their count
OUTCOMES = {
    "BTCUSDT": (249, 208, 0.572115, 0.427885, (-2.007176, -0.006588, 0.286520), 249),
    "ETHUSDT": (264, 234, 0.807692, 0.183761, (-1.059493, -0.021616, 0.020806), 262),
    "SOLUSDT": (247, 209, 0.760766, 0.239234, (-2.352250, -1.164009, 1.164077), 247),
}
# symbol: ATR50 %, ATR500 %, their ratio, regime
VOLATILITY = {
    "BTCUSDT": (0.082716, 0.208557, 0.396610, "quiet"),
    "ETHUSDT": (0.124446, 0.269683, 0.461453, "quiet"),
    "SOLUSDT": (0.145695, 0.318299, 0.457731, "quiet"),
}
# symbol: fills, quartiles of slippage over them
LEGACY = {
    "LINKUSDT": (43, (-4.053274, 0.669434, 6.723857)),
    "LTCUSDT": (72, (-4.615896, 1.154936, 4.594302)),
    "SUIUSDT": (43, (-3.195007, 1.506629, 12.179255)),
    "WIFUSDT": (28, (-7.104586, 0.000000, 7.747336)),
}


def near(value: float | tuple[float, ...]) -> object:
    return pytest.approx(value, abs=1e-6)


def real_candles() -> CandlesSource:
    return candles(REAL / "candles" / "*.parquet")


@pytest.fixture(scope="module")
def by_log() -> RunResult:
    """The order log and the candles of the same markets."""
    return run(order_log(REAL / "order-log" / "*.jsonl"), real_candles(), as_of=AS_OF)


@pytest.fixture(scope="module")
def legacy() -> RunResult:
    """The log of a bot that wrote no maker flags."""
    return run(order_log(REAL / "order-log-legacy" / "order_metrics.jsonl"), as_of=LEGACY_AS_OF)


def assert_outcomes(measured: Evidence, symbol: str) -> None:
    """Fail unless the evidence has the expected figures of that symbol's outcomes."""
    intents, started, maker_fill_ratio, fallback_ratio, quartiles, slippage_count = OUTCOMES[symbol]
    seen = measured.effectiveness
    assert (seen.outcome_count, seen.maker_started_count, seen.slippage_count) == (intents, started, slippage_count)
    assert seen.maker_fill_ratio == near(maker_fill_ratio)
    assert seen.fallback_ratio == near(fallback_ratio)
    assert (seen.slip_q25, seen.slip_q50, seen.slip_q75) == near(quartiles)


@pytest.mark.parametrize("symbol", sorted(OUTCOMES))
def test_the_order_log_gives_the_expected_outcomes(by_log: RunResult, symbol: str) -> None:
    assert_outcomes(evidence_of(by_log)[symbol], symbol)


@pytest.mark.parametrize("symbol", sorted(VOLATILITY))
def test_the_candles_give_the_expected_volatility(by_log: RunResult, symbol: str) -> None:
    short, long, ratio, regime = VOLATILITY[symbol]
    volatility = evidence_of(by_log)[symbol].volatility
    decided = next(decision for evidence, decision in by_log.decisions if evidence.symbol == symbol)

    assert (volatility.atr_short_pct, volatility.atr_long_pct, volatility.atr_ratio) == near((short, long, ratio))
    assert (volatility.bar_count, volatility.bar_age_seconds) == (500, 300.0)
    assert decided.regime == regime


def test_the_order_log_gives_decisions_for_the_three_markets(by_log: RunResult) -> None:
    decided = {evidence.symbol: decision.policy for evidence, decision in by_log.decisions}

    # BTC fills 57 % as maker: ok. ETH and SOL fill over 70 % with little fallback and slippage: good.
    assert {symbol: (policy.quality, policy.maker_first, policy.taker_bias) for symbol, policy in decided.items()} == {
        "BTCUSDT": ("ok", True, "balanced"),
        "ETHUSDT": ("good", True, "prefer_maker"),
        "SOLUSDT": ("good", True, "prefer_maker"),
    }


def test_the_order_log_loses_nothing_but_the_closes(by_log: RunResult) -> None:
    assert by_log.event_count == 249 + 264 + 247
    assert counts_of(by_log) == {"not_an_order": 124 + 131 + 123}
    assert counts_of(by_log, "candles") == {}


@pytest.mark.parametrize("symbol", sorted(OUTCOMES))
def test_the_profit_of_a_close_arrives_at_its_order(by_log: RunResult, symbol: str) -> None:
    closed = [
        (pnl, notional)
        for at, pnl, notional in _intents(symbol)
        if AS_OF - timedelta(days=7) <= at < AS_OF and at.hour == AS_OF.hour and pnl is not None
    ]
    expected = math.fsum(pnl for pnl, _ in closed) / math.fsum(notional for _, notional in closed)
    expectancy = evidence_of(by_log)[symbol].expectancy

    assert expectancy.expectancy_count == len(closed) > 0
    assert expectancy.expectancy == pytest.approx(expected, abs=1e-9)


def _intents(symbol: str) -> list[tuple[datetime, float | None, float]]:
    """Time, profit and notional of each intent, as others derived them from the same outcomes."""
    path = REAL / "nautilus" / "canonical_intents.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select epoch_ns(ts), realized_pnl, notional from '{path}' where symbol = '{symbol}-PERP.BINANCE'"
        ).fetchall()
    return [(datetime.fromtimestamp(at / 1e9, UTC), pnl, notional) for at, pnl, notional in rows]


@pytest.mark.parametrize("symbol", sorted(OUTCOMES))
def test_the_same_outcomes_derived_by_others_give_the_same_figures(by_log: RunResult, symbol: str) -> None:
    result = run(canonical(REAL / "nautilus" / "canonical_intents.parquet"), as_of=AS_OF)
    measured = evidence_of(result)[f"{symbol}-PERP.BINANCE"]

    assert_outcomes(measured, symbol)
    assert measured.effectiveness == evidence_of(by_log)[symbol].effectiveness
    assert result.rejects == ()


@pytest.mark.parametrize("symbol", sorted(LEGACY))
def test_the_legacy_log_gives_the_expected_slippage_and_no_ratios(legacy: RunResult, symbol: str) -> None:
    fills, quartiles = LEGACY[symbol]
    effectiveness = evidence_of(legacy)[symbol].effectiveness

    assert (effectiveness.outcome_count, effectiveness.slippage_count, effectiveness.maker_started_count) == (
        fills,
        fills,
        0,
    )
    assert (effectiveness.slip_q25, effectiveness.slip_q50, effectiveness.slip_q75) == near(quartiles)
    assert (effectiveness.maker_fill_ratio, effectiveness.fallback_ratio) == (None, None)


def test_the_unfilled_rows_and_the_closes_of_the_legacy_log_are_counted(legacy: RunResult) -> None:
    path = REAL / "order-log-legacy" / "order_metrics.jsonl"

    assert counts_of(legacy) == {"not_an_order": 24, "zero_fill": 418}
    assert sample_of(legacy, "zero_fill") == f"{path}:5: LINKUSDT 2025-10-31 14:55:12.806142"
    assert sample_of(legacy, "not_an_order").startswith(f"{path}:436: LINKUSDT 2025-11-05 08:06:32.640362")
    assert legacy.event_count == 43 + 72 + 43 + 28 + 10  # and the ten test rows of BTCUSDT


def test_the_legacy_decisions_say_that_the_ratios_are_missing(legacy: RunResult) -> None:
    for _, decision in legacy.decisions:
        assert [code.code for code in decision.policy.codes[:2]] == [
            "maker_fill_ratio_missing",
            "fallback_ratio_missing",
        ]
        assert decision.policy.quality == "ok"


def test_another_log_of_the_bot_is_not_taken_for_its_order_log() -> None:
    with pytest.raises(SourceError, match="is not an order log"):
        run(order_log(REAL / "order-log-legacy" / "orders_executed.jsonl"), as_of=LEGACY_AS_OF)
