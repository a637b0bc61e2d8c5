"""Runs to be published in tests, with figures that the tests choose."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from policy import Effectiveness, Evidence, Expectancy, TakerBias, Volatility
from policy.reject import Reject
from policy.rules import rule_set
from storage.read.overrides import OverrideEntry
from storage.records import Origin, PublishedRun, RunResult
from storage.store import Store
from storage.write import leases, overrides
from storage.write.leases import Lease
from tests.support.store_calls import write

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LEASE = timedelta(minutes=5)
RULES = rule_set("seed")


def evidence(symbol: str, *, fallback: float | None = 0.1, atr_ratio: float | None = 1.0) -> Evidence:
    """Evidence of a healthy router, its fallback ratio as given."""
    return Evidence(
        symbol=symbol,
        effectiveness=Effectiveness(
            maker_fill_ratio=0.8,
            fallback_ratio=fallback,
            slip_q25=-1.25,
            slip_q50=0.5,
            slip_q75=2.0,
            outcome_count=50,
            maker_started_count=40,
            slippage_count=45,
        ),
        volatility=Volatility(
            atr_short_pct=0.1, atr_long_pct=0.2, atr_ratio=atr_ratio, bar_count=500, bar_age_seconds=300.0
        ),
        expectancy=Expectancy(expectancy=-0.0003, expectancy_count=6),
    )


def result(evidences: Iterable[Evidence], *, origin: Origin = Origin.SCHEDULE) -> RunResult:
    """A run's result over the evidence, decided by the seed's rules, with one reason for rejected rows."""
    return RunResult(
        origin=origin,
        rule_set=RULES,
        engine="duckdb 2.0.0",
        code_version="0.1.0",
        started_at=SLOT + timedelta(seconds=1),
        event_count=150,
        sources='{"orders":{"files":1}}',
        decisions=tuple((measured, RULES.decide(measured)) for measured in evidences),
        rejects=(Reject(source="orders", reason="zero_fill", reject_count=3, sample="log.jsonl:7"),),
    )


def claim(store: Store, slot: datetime = SLOT, owner: str = "host:1", scope: str = "default") -> Lease:
    """Claim a slot for five minutes."""
    return write(store, leases.acquire_lease, scope, slot, owner, LEASE)


def publish(
    store: Store, slot: datetime = SLOT, *evidences: Evidence, scope: str = "default", origin: Origin = Origin.SCHEDULE
) -> PublishedRun:
    """Claim a slot and publish it with the evidence, of BTCUSDT and ETHUSDT where none is given."""
    shown = evidences or (evidence("BTCUSDT"), evidence("ETHUSDT"))
    return store.publish(claim(store, slot, scope=scope), result(shown, origin=origin))


def make_override(
    store: Store,
    symbol: str = "BTCUSDT",
    *,
    maker_first: bool = False,
    taker_bias: TakerBias = TakerBias.PREFER_TAKER,
    lasting: timedelta = timedelta(hours=1),
    author: str = "ann",
    reason: str = "venue maintenance",
) -> OverrideEntry:
    """Override the policy of a symbol of the default scope from now on."""
    return write(
        store,
        overrides.make_override,
        "default",
        symbol,
        maker_first=maker_first,
        taker_bias=taker_bias,
        lasting=lasting,
        author=author,
        reason=reason,
    )
