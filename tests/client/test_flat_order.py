"""Orders of routers that are not `route_order`: their line in the log says what an outcome's line would say."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_policy_client import FlatOrder, OrderLog
from router_policy_client.flat_order import flat_row
from router_policy_client.gate import Gate
from router_policy_client.order import Outcome, Rest, Side, UnfilledReason
from tests.client.reading import read_by_the_batch_job
from tests.client.scripted import START
from tests.client.test_order_log import OUTCOME

MAKER = FlatOrder(
    order_id="bot-1",
    symbol="BTCUSDT",
    side="buy",
    done_at=datetime(2026, 4, 26, 12, tzinfo=UTC),
    maker_started=True,
    maker_filled=True,
    fallback_used=False,
    average_price=99.95,
    quantity=2,
    mid=100,
    fees=0.04,
    post_only_rejects=1,
    probe=True,
    policy_run_id=7,
)


def test_a_line_has_the_keys_that_the_batch_job_reads() -> None:
    assert json.loads(json.dumps(flat_row(MAKER), allow_nan=False)) == {
        "attempt_id": "bot-1",
        "prices": {"mark": 100.0, "avg_fill": 99.95},
        "qty": {"contracts": 2.0, "notional_usd": 199.9},
        "result": {"status": "FILLED", "retries": 1},
        "fees_usd": 0.04,
        "slippage_bps": pytest.approx(-5.0),
        "maker_start": True,
        "is_maker_final": True,
        "used_fallback": False,
        "probe": True,
        "policy_run_id": 7,
        "symbol": "BTCUSDT",
        "side": "BUY",
        "ts": datetime(2026, 4, 26, 12, tzinfo=UTC).timestamp(),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (True, True, False, None)),
        ({"maker_filled": False, "fallback_used": True}, (True, False, True, None)),
        ({"maker_filled": False, "average_price": None}, (True, False, False, None)),  # missed and given up
        ({"maker_filled": False}, (True, False, False, None)),  # filled in part, the rest given up
        ({"maker_started": False, "maker_filled": False}, (False, False, None, None)),
        ({"maker_started": None, "maker_filled": None, "fallback_used": None}, (None, False, None, None)),
        ({"maker_filled": None, "fallback_used": None}, (True, False, False, "unknown_fill")),
        ({"maker_filled": None, "fallback_used": True}, (True, False, True, None)),
    ],
)
def test_every_way_an_order_ends_is_read_as_what_it_was(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[object, ...]
) -> None:
    log = OrderLog(tmp_path / "log.jsonl")

    assert log.write(**{**MAKER, **changes})

    (row,) = read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)
    assert tuple(row[key] for key in ("maker_started", "maker_filled", "fallback_used", "reason")) == expected


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """Every confirmed end of an order, with all numbers that a venue may give."""
    starts, has_fill = draw(st.booleans()), draw(st.booleans())
    fills = starts and has_fill and draw(st.booleans())
    filled = Decimal(2) if fills else Decimal(draw(st.sampled_from(["0.5", "1", "2"]))) if has_fill else Decimal(0)
    price = draw(st.decimals("0.01", "90000", places=2)) if has_fill else None
    unfilled = 2 - filled
    return replace(
        OUTCOME,
        order=replace(OUTCOME.order, side=draw(st.sampled_from(Side))),
        done_at=OUTCOME.done_at + draw(st.timedeltas(timedelta(0), timedelta(hours=10))),
        mid=draw(st.decimals("0.01", "90000", places=2)),
        maker_started=starts,
        maker_filled=fills,
        fallback_used=starts and not fills and has_fill and (not unfilled or draw(st.booleans())),
        post_only_rejects=draw(st.integers(0, 3)) if starts else 0,
        filled=filled,
        unfilled=unfilled,
        unfilled_reason=UnfilledReason.NO_LIQUIDITY if unfilled else None,
        average_price=price,
        fees=None if price is None else draw(st.none() | st.decimals("-1", "1", places=4)),
        arrival_quote_bps=draw(st.none() | st.floats(0.0, 500.0)),
        maker_share=draw(st.none() | st.sampled_from([0.05, 0.0489, 1.0])) if starts else None,
        rest=draw(rests()) if starts else None,
        gate=draw(st.builds(_gate, st.booleans(), st.none() | st.integers(1, 2**40))),
    )


def rests() -> st.SearchStrategy[Rest | None]:
    """How an order may have rested, with known and unknown ticks and times."""
    begin = START + timedelta(seconds=0.123456)
    times = st.sampled_from([(None, None), (begin, begin), (begin, begin + timedelta(seconds=3.9))])
    prices = st.none() | st.decimals("0.01", "90000", places=2)
    return st.none() | st.builds(
        lambda posts, price, times, went_through: Rest(
            posts=posts,
            maker_price=price,
            maker_from=times[0],
            maker_until=times[1],
            went_through=went_through and price is not None,
        ),
        st.integers(1, 9),
        prices,
        times,
        st.booleans(),
    )


def _gate(probe: bool, run_id: int | None) -> Gate:
    return replace(OUTCOME.gate, probe=probe, reading=replace(OUTCOME.gate.reading, run_id=run_id))


def _flat(outcome: Outcome, number: int) -> FlatOrder:
    rest = outcome.rest
    return FlatOrder(
        order_id=str(number),
        symbol=outcome.order.symbol,
        side=outcome.order.side.lower(),
        done_at=outcome.done_at.astimezone(timezone(timedelta(hours=-7))),
        maker_started=outcome.maker_started,
        maker_filled=outcome.maker_filled,
        fallback_used=outcome.fallback_used,
        average_price=outcome.average_price,
        quantity=outcome.filled,
        mid=outcome.mid,
        fees=outcome.fees,
        post_only_rejects=outcome.post_only_rejects,
        probe=outcome.gate.probe,
        policy_run_id=outcome.gate.reading.run_id,
        posts=None if rest is None else rest.posts,
        maker_price=None if rest is None else rest.maker_price,
        maker_from=None if rest is None else rest.maker_from,
        maker_until=None if rest is None else rest.maker_until,
        went_through=True if rest is not None and rest.went_through else None,
        maker_share=outcome.maker_share,
        arrival_quote_bps=outcome.arrival_quote_bps,
    )


_RESTED = ("posts", "maker_price", "maker_from", "maker_until", "went_through", "maker_share", "arrival_quote_bps")


def _rested_fields(log: Path) -> list[dict[str, object]]:
    """Read how each order rested as any reader of the lines does; the fields that are not there are left out."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [{name: row[name] for name in _RESTED if name in row} for row in rows]


def _is_same(value: object, other: object) -> bool:
    """Whether two values of a row are equal, numbers up to the rounding of one calculation in floats."""
    if isinstance(value, float) and isinstance(other, float):
        return isclose(value, other, rel_tol=1e-9, abs_tol=1e-6)
    return value == other


@settings(max_examples=12)
@given(some=st.lists(outcomes(), min_size=1, max_size=8))
def test_a_flat_order_is_read_as_the_outcome_with_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, some: list[Outcome]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    flat, whole = OrderLog(folder / "flat.jsonl"), OrderLog(folder / "whole.jsonl")
    for number, outcome in enumerate(some):
        assert flat.write(**_flat(outcome, number))
        whole.append(replace(outcome, order=replace(outcome.order, order_id=str(number))))

    read, expected = (read_by_the_batch_job(folder / name, folder) for name in ("flat.jsonl", "whole.jsonl"))

    assert len(read) == len(expected) == len(some)
    assert _rested_fields(folder / "flat.jsonl") == _rested_fields(folder / "whole.jsonl")
    for row, other in zip(read, expected, strict=True):
        assert [name for name in row if name != "file" and not _is_same(row[name], other[name])] == []


def test_how_an_order_rested_is_in_its_line_as_far_as_it_is_known() -> None:
    known = FlatOrder(
        **MAKER,
        posts=3,
        maker_price=Decimal("99.95"),
        maker_from=datetime(2026, 4, 26, 11, 59, 57, tzinfo=UTC),
        maker_until=datetime(2026, 4, 26, 11, 59, 58, 500_000, tzinfo=UTC),
        went_through=False,
        maker_share=0.05,
        arrival_quote_bps=0.25,
    )

    row = flat_row(known)

    assert {name: row[name] for name in row.keys() - flat_row(MAKER).keys()} == {
        "posts": 3,
        "maker_price": 99.95,
        "maker_from": 1777204797.0,  # date -u -d 2026-04-26T11:59:57 +%s
        "maker_until": 1777204798.5,
        "went_through": False,
        "maker_share": 0.05,
        "arrival_quote_bps": 0.25,
    }
    assert flat_row(FlatOrder(**MAKER, posts=None, maker_from=None, went_through=None)) == flat_row(MAKER)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": "long"}, "'LONG' is not a valid Side"),
        ({"done_at": datetime(2026, 4, 26)}, "has no time zone"),  # noqa: DTZ001 - that is the mistake
        ({"mid": float("nan")}, "mid nan is not a price above 0"),
        ({"mid": 0}, "mid 0.0 is not a price above 0"),
        ({"average_price": -1.0}, "average_price -1.0 is not a price above 0"),
        ({"average_price": None}, "maker_filled is true without"),
        ({"maker_started": False}, "maker_filled is true without"),
        ({"fees": float("inf")}, "not JSON compliant"),
        ({"maker_price": 0}, "maker_price 0.0 is not a price above 0"),
        ({"maker_from": datetime(2026, 4, 26)}, "maker_from 2026-04-26 00:00:00 has no time zone"),  # noqa: DTZ001
        ({"maker_from": START + timedelta(1), "maker_until": START}, "is before maker_from"),
        ({"maker_share": 0.0}, "maker_share 0.0 is not above 0 and up to 1"),
        ({"maker_share": 1.5}, "maker_share 1.5 is not above 0 and up to 1"),
        ({"arrival_quote_bps": -0.1}, "arrival_quote_bps -0.1 is not 0 or more"),
        ({"posts": -1}, "posts -1 is not 0 or more"),
        ({"quantity": "many"}, "could not convert string to float"),
        ({"maker_start": True}, "the fields maker_start are not known"),
    ],
)
def test_an_order_with_a_wrong_field_is_counted_and_named_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], message: str
) -> None:
    log = OrderLog(tmp_path / "log.jsonl")

    assert not log.write(**{**MAKER, **changes})

    assert log.failure_count == 1
    assert "order bot-1: its outcome cannot be written to" in caplog.text
    assert message in caplog.text
    assert not (tmp_path / "log.jsonl").exists()


def test_an_order_without_a_required_field_names_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = OrderLog(tmp_path / "log.jsonl")

    assert not log.write(order_id="bot-2", symbol="BTCUSDT", side="SELL")  # type: ignore[call-arg]

    assert "the fields average_price, done_at, fallback_used, maker_filled, maker_started are missing" in caplog.text
