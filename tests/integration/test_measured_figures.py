"""Every measured figure stays equal to the bit to the one that is kept, whatever makes the measurement faster."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.measured_figures import EXPECTED, REAL, figures, kept, made_sources, real_sources

KEPT: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))


def test_the_figures_of_made_sources_stay() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        measured = {source: figures(plan, as_of, folder) for source, plan, as_of in made_sources(folder)}

    assert measured.keys() == KEPT["made"].keys()
    for source, expected in KEPT["made"].items():
        assert kept(expected, measured[source]) == expected, source


@pytest.mark.skipif(not REAL.is_dir(), reason="no real logs here: name their folder in REAL_INPUTS")
def test_the_figures_of_real_logs_stay() -> None:
    measured = {source: figures(plan, as_of, REAL) for source, plan, as_of in real_sources()}

    assert measured.keys() == KEPT["real"].keys()
    for source, expected in KEPT["real"].items():
        assert kept(expected, measured[source]) == expected, source


def test_the_made_sources_show_every_metric_and_reason() -> None:
    text = json.dumps(KEPT["made"])

    for reason in ("bad_time", "bad_symbol", "bad_value", "sentinel_slippage", "contradictory", "out_of_range"):
        assert f'"reason": "{reason}"' in text, reason
    for figure in ('"went_through": true', '"went_through": false', '"miss_streak": ', '"expectancy": 0.'):
        assert figure in text, figure


def test_a_changed_figure_fails() -> None:
    expected = {"a": [{"b": 1.0, "c": None}]}

    assert kept(expected, {"a": [{"b": 1.0, "c": None, "more": 2}], "more": 3}) == expected
    others: list[object] = [{"a": [{"b": 1.0000000000000002, "c": None}]}, {"a": [{"b": 1.0}]}, {"a": []}, {}]
    for changed in others:
        assert kept(expected, changed) != expected
