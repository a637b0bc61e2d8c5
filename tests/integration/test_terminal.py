"""The terminal kit: how routes, rejects, ages and tables are written."""

from contextlib import redirect_stdout
from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from hypothesis import strategies as st
from rich.console import Console

from console.terminal import progress
from console.terminal.rejects import reject_lines, reject_text
from console.terminal.routes import policy_words, route_words
from console.terminal.table import boxed_table, plain_table, print_table
from console.terminal.text import exact_figure
from policy.reject import Reject
from policy.time_text import age_words
from tests.support.families import family

REJECT = Reject(source="orders", reason="zero_fill", reject_count=3, sample="log.jsonl:7")


def test_a_policy_is_its_route_and_its_patience() -> None:
    assert (route_words(True), route_words(False)) == ("maker first", "straight to taker")
    assert policy_words(False, "prefer_taker") == "straight to taker, prefer_taker"


def test_a_reject_is_its_count_its_reason_and_a_sample() -> None:
    assert reject_text(REJECT) == "orders: 3 x zero_fill, as log.jsonl:7"
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
    print_table(plain_table(("symbol", "count"), [("btc[perp]", "7"), ("X", "12345678")]))

    assert capsys.readouterr().out.splitlines() == [
        "symbol       count ",
        "btc[perp]        7 ",
        "X         12345678 ",
    ]


def test_a_boxed_table_has_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    table = boxed_table("policies of [x]", ("symbol", "count"), [("X", "1")], text_columns=(0,))

    Console(width=40).print(table)

    assert "policies of [x]" in capsys.readouterr().out


@family(
    short=20,
    long=300,
    symbols=st.lists(
        st.text(
            st.characters(min_codepoint=33, max_codepoint=0x2FFF, categories=("L", "N", "P")), min_size=1, max_size=80
        ),
        min_size=1,
        max_size=5,
        unique=True,
    ),
)
def test_a_table_in_a_pipe_has_one_line_for_each_row_with_every_text_whole(symbols: list[str]) -> None:
    for lay_out in (plain_table, partial(boxed_table, "policies")):
        pipe = StringIO()
        with redirect_stdout(pipe):
            print_table(lay_out(("symbol", "note"), [(symbol, "x" * 300) for symbol in symbols], text_columns=(0, 1)))

        rows = [line for line in pipe.getvalue().splitlines() if "x" * 300 in line]
        assert len(rows) == len(symbols)
        assert all(symbol in row for symbol, row in zip(symbols, rows, strict=True))


def test_on_a_narrow_terminal_a_symbol_goes_on_in_the_next_line() -> None:
    symbols = ["BTC/USDT:USDT-261127-CALL-A", "BTC/USDT:USDT-261127-CALL-B"]
    screen = Console(width=30, file=StringIO(), force_terminal=True, color_system=None)
    table = boxed_table("policies", ("symbol", "count"), [(symbol, "1") for symbol in symbols], text_columns=(0,))

    with screen.capture() as capture:
        screen.print(table)

    cells = [line.split("\u2502")[1].strip() for line in capture.get().splitlines() if line.startswith("\u2502")]
    assert "".join(cells) == "".join(symbols)


def test_long_work_without_a_terminal_prints_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps end after 4, 9, 11, 20 and 22 s: those at 11 and 22 s are ten seconds or more after the line before."""
    times = iter([0.0, 4.0, 9.0, 11.0, 11.0, 20.0, 22.0, 22.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))

    with progress.step_bar("backtesting", 457) as advance:
        for _ in range(5):
            advance(20)

    assert capsys.readouterr().err == "backtesting: 60 of 457 slots\nbacktesting: 100 of 457 slots\n"
