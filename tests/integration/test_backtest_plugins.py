"""Rule sets of other packages in a backtest: found by their entry points, with a memory of their own, scored."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.routing import World, main, oracle_share, rule_sets, scores_of
from jobs.backtest.errors import BacktestError
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.outages import OutagePlan
from jobs.backtest.routing_rules import plugin_rules
from tests.support.backtest_markets import walking, write_candles

WORLD = World(gap_bps=1.0, fill_rule=FillRule.THROUGH, outages=None)
SOURCE = '''
"""Two fixed ways and one that alternates, as another package would write them."""

from policy import Quality, Regime, RouterPolicy, TakerBias
from policy.rules import Decision

seen = []


def decision(maker_first):
    policy = RouterPolicy(
        maker_first=maker_first, taker_bias=TakerBias.PREFER_MAKER, quality=Quality.OK, reason="fixed", codes=()
    )
    return Decision(policy=policy, regime=Regime.UNKNOWN, maker_offset_bps=1.0)


def taker(evidence, memory):
    return decision(False), None


def counting(evidence, memory):
    seen.append((evidence.symbol, memory, evidence.cost is not None, evidence.streaks.own_outage is not None))
    return decision(True), (memory or 0) + 1


def broken(evidence, memory):
    return decision(True)


not_callable = 5
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the package, as pip leaves one, on the path; a test writes its entry points."""
    (tmp_path / "fixed_ways.py").write_text(SOURCE, "utf-8")
    info = tmp_path / "fixed_ways-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fixed-ways\nVersion: 1.0\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield info
    monkeypatch.delitem(__import__("sys").modules, "fixed_ways", raising=False)


def offer(info: Path, *lines: str) -> None:
    (info / "entry_points.txt").write_text("\n".join(("[router_policy.rule_sets]", *lines, "")), "utf-8")


def test_an_installed_package_offers_rule_sets_by_its_entry_points(installed: Path) -> None:
    offer(installed, "flat = fixed_ways:taker", "count = fixed_ways:counting")

    assert list(plugin_rules()) == ["count", "flat"]
    assert list(rule_sets()) == ["seed", "breaker", "measured", "breaker1", "count", "flat"]


def test_it_is_scored_beside_the_others_and_remembers_by_symbol(installed: Path) -> None:
    offer(installed, "flat = fixed_ways:taker", "count = fixed_ways:counting")
    markets = [walking(symbol, 3 * 96) for symbol in ("BTCUSDT", "ETHUSDT")]

    scores = scores_of(markets, plugin_rules(), [WORLD], 40.0, 1)

    regrets = {name: of_worlds[0].regret_bps for name, of_worlds in scores.items()}
    assert regrets["flat"] == pytest.approx(regrets["always taker"], abs=0.05)  # maker first before the first slot
    assert regrets["count"] == pytest.approx(regrets["always maker first"])
    taker_gain_bps = scores["always taker"][0].gain_bps
    assert regrets["always maker first"] - regrets["always taker"] == pytest.approx(taker_gain_bps)
    import fixed_ways  # type: ignore[import-not-found]  # made by this test

    of_bitcoin = [memory for symbol, memory, *_ in fixed_ways.seen if symbol == "BTCUSDT"]
    assert of_bitcoin == [None, *range(1, len(of_bitcoin))]
    assert {tuple(has) for _, _, *has in fixed_ways.seen} == {(True, True)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bad = fixed_ways:missing", "fixed_ways:missing cannot be loaded"),
        ("bad = no_such_module:decide", "no_such_module:decide cannot be loaded"),
        ("bad = fixed_ways:not_callable", "is not a function of the evidence and the memory, but int"),
    ],
)
def test_an_entry_point_that_is_not_a_function_is_refused_by_name(installed: Path, line: str, message: str) -> None:
    offer(installed, line)

    with pytest.raises(BacktestError, match=f"the rule set 'bad': .*{message}"):
        plugin_rules()


def test_the_name_of_another_rule_set_is_refused(installed: Path) -> None:
    offer(installed, "seed = fixed_ways:taker")

    with pytest.raises(BacktestError, match=r"fixed_ways:taker .* has the name of another rule set, 'seed'"):
        plugin_rules()


def test_a_rule_set_that_returns_something_else_is_refused_by_name(installed: Path) -> None:
    offer(installed, "broken = fixed_ways:broken")

    with pytest.raises(BacktestError, match=r"the rule set 'broken' .* must return a policy\.rules\.Decision"):
        scores_of([walking("BTCUSDT", 96)], plugin_rules(), [WORLD], 40.0, 1)


def test_the_oracle_knows_the_outages_and_the_better_way() -> None:
    outages = OutagePlan(duration=timedelta(hours=12), count=1, penalty_bps=50.0)
    world = World(gap_bps=3.0, fill_rule=FillRule.THROUGH, outages=outages)

    scores = scores_of([walking("BTCUSDT", 9 * 96)], {}, [world], 80.0, 1)

    assert oracle_share(scores["always maker first"]) == 0.0
    assert scores["always taker"][0].oracle_gain_bps > 1.5  # 50 bps of each order in 12 of 216 hours are 2.8
    without_outages = scores_of([walking("BTCUSDT", 96)], {}, [WORLD], 20.0, 1)
    gain_bps = max(0.0, without_outages["always taker"][0].gain_bps)  # of the better of the two fixed ways
    assert without_outages["always maker first"][0].oracle_gain_bps == gain_bps


def test_the_command_reads_candles_of_ones_own_and_prints_every_rule_set(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(installed, "flat = fixed_ways:taker")
    monkeypatch.setattr("benchmarks.routing.WORLDS", (WORLD,))
    folder = tmp_path / "candles"
    folder.mkdir()
    write_candles(folder / "own.csv", [walking("BTCUSDT", 96)])

    main(["--candles", str(folder), "--interval", "15m", "--orders-per-day", "30", "--worlds"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 markets, 30 orders a day each, 1 worlds"
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines[4:11]]
    assert rows == ["always taker", "always maker first", "seed", "breaker", "measured", "breaker1", "flat"]
    assert lines[-1].startswith("| fee gap 1, fills through, no outages | ")
