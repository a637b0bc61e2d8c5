"""How figures are written for people."""

import pytest

from console.terminal import text
from console.web.pages import formats


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.5, "0.50"), (-0.5, "-0.50"), (-0.004, "0.00"), (0.004, "0.00"), (-0.0, "0.00"), (12345.678, "12345.68")],
)
def test_a_figure_has_two_decimals_and_zero_no_sign(value: float, written: str) -> None:
    assert text.figure(value) == written
    assert formats.figure(value) == written


@pytest.mark.parametrize(("share", "written"), [(0.0, "0.0"), (0.125, "12.5"), (1.0, "100.0"), (-0.0001, "0.0")])
def test_a_share_is_written_as_a_percentage(share: float, written: str) -> None:
    assert text.percent(share) == written


def test_what_was_not_measured_is_a_dash_and_never_a_nought() -> None:
    assert (text.figure(None), text.percent(None), formats.figure(None)) == ("-", "-", "–")
