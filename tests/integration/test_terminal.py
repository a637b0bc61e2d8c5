"""The terminal kit: how routes, rejects, ages and tables are written."""

from datetime import timedelta

import pytest
from rich.console import Console

from console.terminal.rejects import reject_lines, reject_words
from console.terminal.routes import policy_words, route_words
from console.terminal.table import boxed_table, plain_table, print_table
from console.terminal.text import age_words, exact_figure
from policy.reject import Reject

REJECT = Reject(source="orders", reason="zero_fill", reject_count=3, sample="log.jsonl:7")


def test_a_policy_is_its_route_and_its_patience() -> None:
    assert (route_words(True), route_words(False)) == ("maker first", "straight to taker")
    assert policy_words(False, "prefer_taker") == "straight to taker, prefer_taker"


def test_a_reject_is_its_count_its_reason_and_a_sample() -> None:
    assert reject_words(REJECT) == "orders: 3 x zero_fill, as log.jsonl:7"
    assert list(reject_lines([REJECT])) == ["  not used, orders: 3 x zero_fill, as log.jsonl:7"]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 s"), (119, "119 s"), (119.9, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days"), (-60, "-60 s")],
)
def test_an_age_is_written_in_one_unit(seconds: float, written: str) -> None:
    assert age_words(timedelta(seconds=seconds)) == written


def test_an_exact_figure_has_six_digits_and_none_its_own_word() -> None:
    assert (exact_figure(0.12345678), exact_figure(None), exact_figure(None, "not measured")) == (
        "0.123457",
        "-",
        "not measured",
    )


def test_cells_are_printed_as_they_are_and_figures_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(plain_table(("symbol", "count"), [("btc[perp]", "7"), ("X", "12345678")]), file_width=40)

    assert capsys.readouterr().out.splitlines() == [
        "symbol       count ",
        "btc[perp]        7 ",
        "X         12345678 ",
    ]


def test_a_boxed_table_has_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    table = boxed_table("policies of [x]", ("symbol", "count"), [("X", "1")], text_columns=(0,))

    Console(width=40).print(table)

    assert "policies of [x]" in capsys.readouterr().out
