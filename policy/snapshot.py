"""A policy as of one slot, with everything that it was decided on."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from policy.enums import Quality, Regime, TakerBias
from policy.evidence import Effectiveness, Evidence, Expectancy, Volatility
from policy.reason_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The policy for one symbol as of one slot, with every figure that it was decided on; None: not measured.

    Fields have the names and units of the columns of policy_snapshot.
    """

    run_id: int
    scope: str
    slot: datetime
    symbol: str
    maker_first: bool
    taker_bias: TakerBias
    quality: Quality
    regime: Regime
    reason: str
    codes: tuple[Code, ...]
    maker_fill_ratio: float | None
    fallback_ratio: float | None
    slip_q25: float | None
    slip_q50: float | None
    slip_q75: float | None
    outcome_count: int
    maker_started_count: int
    slippage_count: int
    atr_short_pct: float | None
    atr_long_pct: float | None
    atr_ratio: float | None
    bar_count: int
    bar_age_seconds: float | None
    expectancy: float | None
    expectancy_count: int
    maker_offset_bps: float
    rule_set: str
    probe_every: int | None
    survivor_count: int | None
    maker_posts: int | None
    probe_share: float | None
    holdout_share: float | None
    holdout_salt: str | None

    @property
    def evidence(self) -> Evidence:
        """What the decision was made on, without fees and the order of events."""
        return Evidence(
            symbol=self.symbol,
            effectiveness=Effectiveness(**self._named(Effectiveness)),
            volatility=Volatility(**self._named(Volatility)),
            expectancy=Expectancy(**self._named(Expectancy)),
        )

    def _named(self, part: type[Effectiveness | Volatility | Expectancy]) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(part)}
