"""Orders that were not sent as the holdout assigned them: each way in which a log may not fit what is derived.

Run 3 of 00:00 was published at 00:00:00 and is fresh until 00:02:00: BUSDT is maker first, CUSDT taker, and a share of
0.12 of each is held out. For DUSDT nothing is. Of o-12 and o-25 the hashes of `printf 'spring\\0o-N' | sha256sum` are
0.1107 and 0.1434 of 1, so the former is held out.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.analysis.drift import Drift, DriftKind, judge_orders
from jobs.analysis.order_history import OrderSelection
from jobs.slots import Slots
from storage.read.visible_policies import OverrideSpan, PolicyHoldout, PublishedSlot, VisiblePolicies
from tests.support.outcomes import outcome, write_jsonl
from tests.support.small_runs import canonical

BEGIN = datetime(2026, 4, 26, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HELD_OUT, OTHER = "o-12", "o-25"
Row = dict[str, object]


def sent(order_id: str | None, symbol: str, *, maker: bool | None, at: float = 60.0, **fields: object) -> Row:
    """An order that took part, done so many seconds after the slot, as the client logs it; `fields` differ."""
    is_held_out = order_id == HELD_OUT
    filled = None if maker is None else maker
    return (
        outcome(0, symbol=symbol, at=BEGIN + timedelta(seconds=at), maker_started=maker, maker_filled=filled)
        | {"order_id": order_id, "policy_run_id": 3, "fallback_used": False}
        | {"holdout": is_held_out, "propensity": 0.12 if is_held_out else 0.88}
        | fields
    )


NO_KEYS: Row = {"holdout": None, "propensity": None}
NO_PART: Row = {"holdout": None, "propensity": 1.0}
AS_ASSIGNED = [
    sent(HELD_OUT, "BUSDT", maker=False),
    sent(OTHER, "BUSDT", maker=True),
    sent(HELD_OUT, "CUSDT", maker=True),
    sent(OTHER, "CUSDT", maker=False),
    sent(HELD_OUT, "BUSDT", maker=None),  # its way is not known
    sent(HELD_OUT, "CUSDT", maker=False, slippage_bps=None, notional=None),  # without a quote nothing was sent
    sent(HELD_OUT, "BUSDT", maker=False, at=125),  # decided before the policy was stale
    sent(HELD_OUT, "BUSDT", maker=False, propensity=0.12 + 1e-12),
    # took no part: the bot's own wish, a cap, or an order that is resumed
    sent(HELD_OUT, "BUSDT", maker=True) | NO_PART,
    sent(OTHER, "CUSDT", maker=False) | NO_PART,
    # a client that knows no holdouts, where that makes no difference or it cannot be told
    sent(OTHER, "BUSDT", maker=True) | NO_KEYS,
    sent(HELD_OUT, "BUSDT", maker=False) | NO_KEYS,
    sent(HELD_OUT, "BUSDT", maker=None) | NO_KEYS,
    sent(HELD_OUT, "BUSDT", maker=True, at=121) | NO_KEYS,  # perhaps decided when the policy was stale
    sent(HELD_OUT, "DUSDT", maker=True) | NO_KEYS,
    sent(None, "BUSDT", maker=True) | NO_KEYS,
    sent(HELD_OUT, "BUSDT", maker=False, policy_run_id=2),  # of a run that was pruned
]


@pytest.mark.parametrize("order", AS_ASSIGNED)
def test_an_order_that_went_as_assigned_or_took_no_part_is_no_drift(tmp_path: Path, order: Row) -> None:
    assert findings(judged(tmp_path, [order])) == []


@pytest.mark.parametrize(
    ("order", "what"),
    [
        (sent(HELD_OUT, "BUSDT", maker=True), "went maker first, and was assigned straight to taker"),
        (sent(OTHER, "BUSDT", maker=False), "went straight to taker, and was assigned maker first"),
        (sent(HELD_OUT, "CUSDT", maker=False), "went straight to taker, and was assigned maker first"),
        (sent(OTHER, "CUSDT", maker=True), "went maker first, and was assigned straight to taker"),
        (sent(HELD_OUT, "BUSDT", maker=True, holdout=False), "logged as not held out, and by its id it is held out"),
        (sent(OTHER, "BUSDT", maker=False, holdout=True), "logged as held out, and by its id it is not held out"),
        (
            sent(HELD_OUT, "BUSDT", maker=False, propensity=0.5),
            "logged with the propensity 0.5, and by run 3 it is 0.12",
        ),
        (
            sent(HELD_OUT, "BUSDT", maker=False, propensity=None),
            "logged with the propensity None, and by run 3 it is 0.12",
        ),
        (sent(HELD_OUT, "DUSDT", maker=False), "took part in the holdout, and run 3 holds no orders out"),
        (sent(None, "BUSDT", maker=True), "took part in the holdout and has no id from which its assignment follows"),
        (sent(OTHER, "BUSDT", maker=True, policy_run_id=None), "took part in the holdout and names no run"),
        (sent(OTHER, "BUSDT", maker=True, policy_run_id=4), "took part in the holdout, and run 4 does not exist"),
        (sent(OTHER, "BUSDT", maker=True, at=126), "took part in the holdout when run 3 was no longer fresh"),
        (
            sent(HELD_OUT, "BUSDT", maker=True) | NO_KEYS,
            "went maker first, and was assigned straight to taker; without a propensity: its client knows no holdouts",
        ),
    ],
)
def test_an_order_that_does_not_fit_its_assignment_is_found_and_said_how(tmp_path: Path, order: Row, what: str) -> None:
    assert findings(judged(tmp_path, [order])) == [what]


@pytest.mark.parametrize(("begin", "end", "is_found"), [(90, 110, True), (95, 110, False), (90, 100, False)])
def test_an_order_that_took_part_long_after_an_override_began_is_found(
    tmp_path: Path, begin: int, end: int, is_found: bool
) -> None:
    drift = judged(tmp_path, [sent(OTHER, "BUSDT", maker=True, at=100)], [("BUSDT", begin, end)])

    assert findings(drift) == (["took part in the holdout while an override was in force"] if is_found else [])


@pytest.mark.parametrize(("begin", "end"), [(56, 70), (30, 57), (60, 90)])
def test_a_client_of_earlier_days_is_not_blamed_for_an_order_that_an_override_may_have_decided(
    tmp_path: Path, begin: int, end: int
) -> None:
    order = sent(HELD_OUT, "BUSDT", maker=True) | NO_KEYS

    assert findings(judged(tmp_path, [order], [("BUSDT", begin, end)])) == []
    assert len(findings(judged(tmp_path, [order], [("CUSDT", begin, end)]))) == 1


def test_a_held_out_order_is_no_maker_order_against_the_policy(tmp_path: Path) -> None:
    drift = judged(tmp_path, [sent(HELD_OUT, "CUSDT", maker=True), sent(OTHER, "CUSDT", maker=True)])
    (symbol,) = drift.symbols

    assert symbol.findings[DriftKind.MAKER_WHILE_TAKER].order_count == 1
    assert symbol.findings[DriftKind.NOT_AS_ASSIGNED].order_count == 1


def judged(folder: Path, rows: list[Row], overrides: list[tuple[str, int, int]] | None = None) -> Drift:
    selection = OrderSelection(
        scope="default",
        orders=canonical(write_jsonl(folder / "orders.jsonl", rows)),
        slots=Slots("* * * * *"),
        start=BEGIN,
        end=BEGIN + timedelta(hours=1),
        tolerance=timedelta(seconds=5),
    )
    return judge_orders(selection, lambda *_: published(overrides or []))


def published(overrides: list[tuple[str, int, int]]) -> VisiblePolicies:
    return VisiblePolicies(
        runs=(PublishedSlot(run_id=3, slot=BEGIN, published_at=BEGIN),),
        taker=((3, "CUSDT"),),
        overrides=tuple(
            OverrideSpan(
                override_id=50,
                symbol=symbol,
                maker_first=True,
                from_at=BEGIN + timedelta(seconds=begin),
                end_at=BEGIN + timedelta(seconds=end),
            )
            for symbol, begin, end in overrides
        ),
        holdouts=tuple(
            PolicyHoldout(run_id=3, symbol=symbol, share=0.12, salt="spring", maker_first=maker_first)
            for symbol, maker_first in (("BUSDT", True), ("CUSDT", False))
        ),
        pruned_through=2,
        policies_from=BEGIN,
    )


def findings(drift: Drift) -> list[str]:
    return [example.what for row in drift.symbols for example in row.findings[DriftKind.NOT_AS_ASSIGNED].examples]
