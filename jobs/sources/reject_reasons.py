"""The reasons for which rows of the sources are rejected, and what to do about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RejectKind(StrEnum):
    """What a rejected row means: it could not be read, its content is no evidence, or it is rightly left out."""

    UNREADABLE = "unreadable"
    UNUSABLE = "unusable"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReason:
    """One reason: its kind, and what to do, as an imperative without a full stop.

    `has_time` is false if the time of the row is not known: then it counts in every window, as it may lie in it.
    """

    kind: RejectKind
    remedy: str
    has_time: bool = True

    @property
    def is_loss(self) -> bool:
        """Whether an order or a bar that should count does not."""
        return self.kind is not RejectKind.LEFT_OUT


def _timeless(remedy: str) -> RejectReason:
    return RejectReason(kind=RejectKind.UNREADABLE, remedy=remedy, has_time=False)


def _unreadable(remedy: str) -> RejectReason:
    return RejectReason(kind=RejectKind.UNREADABLE, remedy=remedy)


def _unusable(remedy: str) -> RejectReason:
    return RejectReason(kind=RejectKind.UNUSABLE, remedy=remedy)


def _left_out(remedy: str) -> RejectReason:
    return RejectReason(kind=RejectKind.LEFT_OUT, remedy=remedy)


# docs/sources.md has the same table, with what each row is like.
REASONS: Mapping[str, RejectReason] = {
    "not_json": _timeless("write one whole JSON object on each line"),
    "bad_row": _timeless("write as many fields as the header has, in quotes if they hold a comma"),
    "not_an_order": _left_out("nothing, an order log has such lines"),
    "bad_time": _timeless("write ts in ISO 8601, or as a number since 1970"),
    "bad_symbol": _unreadable("write a symbol in every row"),
    "bad_value": _unreadable("correct the value that the sample names, or write null if it is not known"),
    "not_finite": _unreadable("write null for a number that is not known"),
    "out_of_range": _unreadable("correct the amount that the sample names; is its unit right?"),
    "zero_fill": _unusable("write null as the price of an order that was not filled"),
    "unknown_fill": _unreadable(
        "log is_maker_final or used_fallback; in your own table, maker_filled or fallback_used"
    ),
    "sentinel_slippage": _unusable("write null for a slippage that is not known"),
    "contradictory": _unusable("correct maker_from, maker_until, maker_started, maker_filled or fallback_used"),
    "open_order": _left_out("nothing if a later row has its end; else log an order when it is done"),
    "unknown_word": _unreadable("update router-policy, or report the word that the sample names"),
    "unknown_status": _unreadable("write the venue's status, or flags that show how the order ended"),
    "duplicate_id": _left_out("nothing, the row that was written last counts; several orders need an id each"),
    "impossible_bar": _unusable("correct the program that writes the candles"),
    "duplicate_bar": _left_out("nothing, one row of each bar counts"),
}
# For a reason of a newer or an older version of this program, as a store may have it.
_UNKNOWN = _unusable("see the sample")


def reject_reason(reason: str) -> RejectReason:
    """Return what is known of a reason; one that this program does not have counts as a loss."""
    return REASONS.get(reason, _UNKNOWN)
