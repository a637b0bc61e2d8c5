"""The fee gap: whether maker first saves at these fees; no evidence makes up for a small gap."""

from dataclasses import dataclass
from enum import StrEnum

NO_CLEAR_SAVING_BELOW_BPS = 1.25
LOSES_BELOW_BPS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeGap:
    """The saving of a maker fill of one symbol: `gap_bps` is the taker fee less the maker fee, None if not set.

    `is_one_tick` is whether the market's spread is one tick, None if its candles do not show it.
    """

    gap_bps: float | None = None
    is_one_tick: bool | None = None


NO_FEES = FeeGap()


class FeeGapVerdict(StrEnum):
    """Whether maker first saves at these fees, on a market of this spread."""

    SAVES = "saves"
    WIDE_SPREAD = "wide_spread"
    NO_CLEAR_SAVING = "no_clear_saving"
    LOSES = "loses"
    UNKNOWN_SPREAD = "unknown_spread"


def judge_fee_gap(fee_gap: FeeGap) -> FeeGapVerdict | None:
    """Return the verdict on the fees, None if no fees are set.

    A maker fill must save what waiting loses to adverse selection: 1.1 to 1.3 basis points if the spread is one tick; a
    wider spread pays for that itself. Measured on real candles, without outages.
    """
    gap_bps, is_one_tick = fee_gap.gap_bps, fee_gap.is_one_tick
    if gap_bps is None:
        return None
    if gap_bps >= NO_CLEAR_SAVING_BELOW_BPS:
        return FeeGapVerdict.SAVES
    if is_one_tick is None:
        return FeeGapVerdict.UNKNOWN_SPREAD
    return _on_one_tick(gap_bps) if is_one_tick else FeeGapVerdict.WIDE_SPREAD


def fee_gap_words(fee_gap: FeeGap) -> str | None:
    """Return the verdict as a sentence with its figures, None if no fees are set."""
    verdict, gap_bps = judge_fee_gap(fee_gap), fee_gap.gap_bps
    if verdict is None or gap_bps is None:
        return None
    gap = f"the fee gap of {gap_bps:g} bps is"
    match verdict:
        case FeeGapVerdict.SAVES:
            return f"maker-first can save, by the fees alone: {gap} {NO_CLEAR_SAVING_BELOW_BPS:g} or more"
        case FeeGapVerdict.WIDE_SPREAD:
            return f"maker-first can save whatever the fee gap, {gap_bps:g} bps: the spread is wider than one tick"
        case FeeGapVerdict.NO_CLEAR_SAVING:
            return f"no clear saving: {gap} below {NO_CLEAR_SAVING_BELOW_BPS:g}, and the spread is one tick"
        case FeeGapVerdict.LOSES:
            return f"maker-first loses: {gap} below {LOSES_BELOW_BPS:g}, and the spread is one tick"
        case FeeGapVerdict.UNKNOWN_SPREAD:
            doubt = "maker-first loses" if _on_one_tick(gap_bps) is FeeGapVerdict.LOSES else "no clear saving"
            return f"{doubt} if the spread is one tick, which the candles do not show: {gap} small"


def _on_one_tick(gap_bps: float) -> FeeGapVerdict:
    return FeeGapVerdict.LOSES if gap_bps < LOSES_BELOW_BPS else FeeGapVerdict.NO_CLEAR_SAVING
