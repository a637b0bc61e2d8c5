"""Any value in any field of an order: it is used as what it plainly is, or its row is counted.

Each example is one file with an order for each of many symbols, and in each of these orders one field holds something
drawn from every type of JSON. What the row is then worth is worked out below in plain Python.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.plan import OrdersSource
from policy.evidence import Evidence
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import NAMES, outcome, write_csv, write_jsonl
from tests.support.plain_values import COUNTED, VALUES, amount_of, flag_of
from tests.support.small_runs import AS_OF, canonical, counts_of, order_log, run

Row = Mapping[str, object]
ALL_NAMES = (*NAMES, "fees")
AMOUNTS = ("slippage_bps", "notional", "realized_pnl", "fees")
FLAGS = ("maker_started", "maker_filled", "fallback_used")
_LOG = {"slippage_bps": "slippage_bps", "realized_pnl": "pnl_at_close_usd", "fees": "fees_usd"}
_TIME = AS_OF - timedelta(minutes=1)


def flags_are_counted(started: bool | None, filled: bool | None, fallback: bool | None) -> bool:
    """Whether these flags contradict each other, or do not say how a maker start ended."""
    if filled and fallback:
        return True
    if started is False:
        return bool(filled or fallback)
    return bool(started) and not (filled or fallback) and None in (filled, fallback)


def worth(field: str, value: object) -> Mapping[str, object] | str:
    """The figures of a symbol with one order in which a field holds this value; COUNTED if its row is not used."""
    plain = {"slip_q50": 1.0, "fill": 1.0, "started": 1, "expectancy": 0.015}
    if field in FLAGS:
        flag = flag_of(value)
        flags = {"maker_started": True, "maker_filled": True, "fallback_used": False} | {field: flag}
        if flag == COUNTED or flags_are_counted(*flags.values()):  # type: ignore[arg-type] # COUNTED was asked first
            return COUNTED
        started = flags["maker_started"] is True
        return plain | {"started": int(started), "fill": float(bool(flags["maker_filled"])) if started else None}
    amount = amount_of(field, value)
    if isinstance(amount, str):
        return COUNTED
    if field == "slippage_bps":
        return plain | {"slip_q50": amount}
    if field == "notional":
        return plain | {"expectancy": 1.5 / amount if amount else None}
    return plain | ({"expectancy": None if amount is None else amount / 100} if field == "realized_pnl" else {})


def figures(evidence: Evidence) -> dict[str, object]:
    return {
        "slip_q50": evidence.effectiveness.slip_q50,
        "fill": evidence.effectiveness.maker_fill_ratio,
        "started": evidence.effectiveness.maker_started_count,
        "expectancy": evidence.expectancy.expectancy,
    }


def is_close(figure: object, expected: object) -> bool:
    if figure is None or expected is None:
        return figure is expected
    return bool(figure == pytest.approx(expected, rel=1e-6, abs=1e-9))


def as_text(value: object) -> object:
    """A value as programs write it to CSV: JSON, but texts as they are and nothing for null."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def canonical_json(folder: Path, cells: Sequence[tuple[str, object]]) -> OrdersSource:
    return canonical(write_jsonl(folder / "outcomes.jsonl", map(row_of, range(len(cells)), cells)))


def canonical_csv(folder: Path, cells: Sequence[tuple[str, object]]) -> OrdersSource:
    texts = [(field, as_text(value)) for field, value in cells]
    return canonical(write_csv(folder / "outcomes.csv", map(row_of, range(len(cells)), texts), ALL_NAMES))


def log(folder: Path, cells: Sequence[tuple[str, object]]) -> OrdersSource:
    lines = []
    for number, (field, value) in enumerate(cells):
        row = logged(number, symbol=f"S{number}", at=_TIME, slippage_bps=1.0, pnl_at_close_usd=1.5, fees_usd=0.1)
        row |= {"qty": {"notional_usd": 100.0, "contracts": 1.0}}
        amount = {"qty": {"notional_usd": value, "contracts": 1.0}} if field == "notional" else {_LOG[field]: value}
        lines.append(row | amount)
    return order_log(write_lines(folder / "log.jsonl", lines))


def row_of(number: int, cell: tuple[str, object]) -> Row:
    return outcome(1, symbol=f"S{number}", at=_TIME, realized_pnl=1.5, notional=100.0) | {"fees": 0.1} | dict([cell])


def cells_of(fields: Sequence[str]) -> st.SearchStrategy[list[tuple[str, object]]]:
    return st.lists(st.tuples(st.sampled_from(fields), VALUES), min_size=30, max_size=60)


@pytest.mark.parametrize("examples", [3, pytest.param(40, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("write", "fields"),
    # The flags of a log are not columns of the table: a fallback there overrules what else the order says.
    [(canonical_json, (*AMOUNTS, *FLAGS)), (canonical_csv, (*AMOUNTS, *FLAGS)), (log, AMOUNTS)],
    ids=["canonical JSON", "canonical CSV", "order log"],
)
def test_a_value_is_used_as_what_it_plainly_is_or_its_row_is_counted(
    tmp_path: Path,
    examples: int,
    write: Callable[[Path, Sequence[tuple[str, object]]], OrdersSource],
    fields: Sequence[str],
) -> None:
    @settings(max_examples=examples, derandomize=examples < 10, suppress_health_check=list(HealthCheck))
    @given(cells=cells_of(fields))
    def holds(cells: list[tuple[str, object]]) -> None:
        result = run(write(tmp_path, [*cells, ("fees", 0.1)]))  # one good row: a file without any stops the run
        shown = {evidence.symbol: figures(evidence) for evidence, _ in result.decisions}
        for number, (field, value) in enumerate(cells):
            expected = worth(field, value)
            got: Mapping[str, object] | str = shown.get(f"S{number}", COUNTED)
            if isinstance(expected, str) or isinstance(got, str):
                assert got == expected, (field, value)
            else:
                assert all(is_close(got[name], expected[name]) for name in expected), (field, value, got, expected)
        assert result.event_count + sum(counts_of(result).values()) == len(cells) + 1

    holds()
