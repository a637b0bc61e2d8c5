"""The commands that hold rule sets against each other, and explain what a breaker did, as people use them."""

import json
import re
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from console.main import main
from console.settings.file import load
from jobs.analysis.backfilled_runs import backfilled_words
from policy.rules import State, rule_set
from storage.records import Origin
from storage.store import Store
from tests.integration.test_documents import blocks, commands
from tests.support.bots import write_bot
from tests.support.runs import SLOT, publish
from tests.support.shadowed_history import (
    BREAKER,
    MISSES,
    PROBED,
    SEED,
    STEADY,
    measured,
    publish_run,
    publish_shadowed_history,
)

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
SHADOW = '[rules]\nshadow = ["breaker1"]'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot's folder whose store holds the history of `tests.support.shadowed_history`; nothing here changes it."""
    folder = tmp_path_factory.mktemp("bot")
    write_bot(folder, datetime(2026, 4, 26, 7, tzinfo=UTC), more=SHADOW)
    with Store(f"sqlite:///{folder / 'policy.db'}") as store:
        store.set_up()
        publish_shadowed_history(store)
    (folder / "patient.toml").write_text('name = "seed"\n[parameters]\nbroken_fallback_ratio = 0.99\n')
    return folder


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run_here(folder: Path, *arguments: str) -> Done:
    """Run `router-policy` in a folder, in this process: two dozen new ones would take most of a minute."""
    out, errors = StringIO(), StringIO()
    code: object = 0
    with chdir(folder), redirect_stdout(out), redirect_stderr(errors), patch.object(sys, "argv", ["-", *arguments]):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Done(returncode=int(str(code or 0)), stdout=out.getvalue(), stderr=errors.getvalue())


def printed(folder: Path, *arguments: str) -> str:
    done = run_here(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_runs_that_nobody_followed_are_counted(folder: Path, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        publish(store, SLOT + timedelta(hours=1), origin=Origin.BACKFILL)

        assert backfilled_words(store, "default") == "1 of 2 runs were backfilled: nobody followed them"
        assert backfilled_words(store, "default", SLOT + timedelta(hours=1)).startswith("1 of 1 runs")
        assert backfilled_words(store, "other") == ""
    assert "backfilled" not in printed(folder, "compare", "--since", "2026-04-26T05:00:00Z")


def test_compare_of_one_slot_says_how_to_get_more(folder: Path) -> None:
    words = "one slot only; an earlier --since, or router-policy backfill, gives more"

    assert words in printed(folder, "compare", "--since", "2026-04-26T06:00:00Z").splitlines()
    assert words not in printed(folder, "compare", "--since", "2026-04-26T05:00:00Z").splitlines()


def test_compare_shows_where_the_shadow_would_have_gone_another_way(folder: Path) -> None:
    shown = printed(folder, "compare")
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.startswith(("all", "BTC", "ETH"))}

    assert "2026-04-26T00:00:00Z to 2026-04-26T06:00:00Z: seed live, breaker1 in its shadow" in shown
    # runs, days, disagree, maker or taker differs, live and shadow maker first, flips a day of each, breaker open
    assert rows["BTCUSDT"][1:] == ["6", "0.25", "16.7", "16.7", "50.0", "33.3", "8.00", "8.00", "-", "66.7"]
    assert rows["ETHUSDT"][1:] == ["6", "0.25", "100.0", "0.0", "100.0", "100.0", "0.00", "0.00", "-", "0.0"]
    assert "breaker1: a breaker opened 1 time;" in shown
    assert "2026-04-26T01:00:00Z breaker1: the breaker of BTCUSDT opened" in shown
    assert re.search(r"seed +- +- +- +- +- +100 +100 +0 +0 +0 +100 +-\n", shown)


def test_compare_as_json_has_every_share_and_every_move(folder: Path) -> None:
    record = json.loads(printed(folder, "compare", "--since", "2026-04-26T01:00Z", "--json"))
    (pair,) = record["pairs"]

    assert (pair["live"], pair["shadow"], pair["all"]["run_count"]) == ("seed", "breaker1", 10)
    assert pair["symbols"][0]["maker_first_disagree_share"] == pytest.approx(1 / 5)
    assert pair["symbols"][0]["shadow"]["breaker_open_share"] == pytest.approx(4 / 5)
    assert pair["symbols"][0]["live"]["breaker_open_share"] is None
    assert [(transition["transition"], transition["slot"]) for transition in record["events"]] == [
        ("opened", "2026-04-26T01:00:00Z"),
        ("closed", "2026-04-26T05:00:00Z"),
    ]


def test_replay_shows_what_changes_and_marks_what_nobody_can_know(folder: Path) -> None:
    shown = printed(folder, "replay", "--rules", "patient.toml")
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.startswith(("all", "BTC", "ETH"))}

    # six runs of two symbols in a quarter of a day
    lines = [line.split() for line in shown.splitlines()]
    head = next(number for number, words in enumerate(lines) if words[:1] == ["symbol"])
    assert (lines[head][:2], lines[head + 1][:3]) == (["symbol", "symbol"], ["symbol", "runs", "days"])
    # runs, days, same, other wait, taker instead, not observed, of it never sent, flips a day, not observed flips
    assert rows["all"][1:] == ["12", "0.50", "66.7", "0.0", "0.0", "33.3", "25.0", "4.00", "0.00", "0"]
    assert (
        "BTCUSDT 2026-04-26T02:00:00Z to 2026-04-26T05:00:00Z, 2 runs: "
        "straight to taker, prefer_taker -> maker first, prefer_taker" in shown
    )
    assert "not observed: maker orders that were never sent" in shown


def test_replay_of_a_breaker_stands_on_what_was_measured_for_the_shadow(folder: Path) -> None:
    (folder / "bold.toml").write_text('name = "breaker1"\nparameters = { open_probability = 1e-7 }\n')
    record = json.loads(printed(folder, "replay", "--rules", "bold.toml", "--json"))

    bitcoin, ether = record["symbols"]
    assert record["recorded_by"] == "breaker1"
    # 00:00 and 01:00 as the seed; at 02:00 and 03:00 orders that were never sent; then another state than recorded
    assert {word: count for word, count in bitcoin["rows"].items() if count} == {
        "same": 2,
        "never_sent": 2,
        "other_state": 2,
    }
    assert ether["rows"]["other_wait"] == 6
    assert [change["verdict"] for change in record["changes"]] == ["other_wait", "never_sent"]


def test_replay_writes_nothing(folder: Path) -> None:
    head = printed(folder, "head")
    before = (folder / "policy.db").read_bytes()

    printed(folder, "replay", "--rules", "patient.toml", "--since", "2026-04-26T02:00Z")

    assert (printed(folder, "head"), (folder / "policy.db").read_bytes()) == (head, before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "sead"', "there is no rule set 'sead'"),
        ('name = "seed"\n[parameters]\nbroken = 1', "has no parameter 'broken'"),
        ('name = "seed"\nparameter = 1', "parameter Extra inputs are not permitted"),
        ("[parameters]", "name Field required"),
        ("name = ", "is not a valid TOML file"),
    ],
)
def test_a_file_of_rules_that_cannot_be_used_is_refused_with_the_reason(folder: Path, text: str, message: str) -> None:
    (folder / "wrong.toml").write_text(text)

    failed = run_here(folder, "replay", "--rules", "wrong.toml")

    assert failed.returncode == 2
    assert message in failed.stderr


def test_without_a_shadow_both_commands_say_what_to_do(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime(2026, 4, 26, 0, 15, tzinfo=UTC))
    printed(tmp_path, "once", "--as-of", "2026-04-26T00:15:00Z")
    (tmp_path / "breaker.toml").write_text('name = "breaker1"\n')

    compared = run_here(tmp_path, "compare")
    replayed = run_here(tmp_path, "replay", "--rules", "breaker.toml")

    for done in (compared, replayed):
        assert done.returncode == 1
        assert 'shadow = ["breaker' in done.stderr
    assert "order of events" in replayed.stderr


def test_explain_lists_what_a_shadow_would_have_decided_and_why_its_breaker_opened(folder: Path) -> None:
    shown = printed(folder, "explain", "BTCUSDT", "--at", "2026-04-26T03:30:00Z")

    assert "in the shadow, breaker1 would have decided: straight to taker, prefer_taker" in shown
    assert "the symbol's breaker is open since 2026-04-26T01:00:00Z" in shown
    assert "  at 2026-04-26T01:00:00Z: " in shown
    assert "6 misses in a row, own miss ratio 0.1087, 0.1087^6 = 0.0000016 <= 0.001" in shown


@pytest.fixture(scope="module")
def live_breaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot's folder where the breaker was in the shadow when it opened, at 01:00, and is live since 02:00."""
    folder = tmp_path_factory.mktemp("live")
    write_bot(folder, datetime(2026, 4, 26, 7, tzinfo=UTC))
    with Store(f"sqlite:///{folder / 'policy.db'}") as store:
        store.set_up()
        states: dict[str, State | None] = {}
        rules = ((SEED, BREAKER, STEADY), (SEED, BREAKER, MISSES), (BREAKER, SEED, PROBED))
        for hour, (live, shadow, own) in enumerate(rules):
            shown = (measured("BTCUSDT", hour, 0.1, own),)
            publish_run(store, hour, shown, live, shadow, states)
    return folder


def test_explain_says_how_the_breaker_stands_and_why_it_opened_at_an_earlier_slot(live_breaker: Path) -> None:
    shown = printed(live_breaker, "explain", "BTCUSDT")

    assert (
        "the symbol's breaker: open since 2026-04-26T01:00:00Z before, open since 2026-04-26T01:00:00Z after; "
        "1 probe, 0 filled, the newest at 2026-04-26T01:30:00Z" in shown
    )
    assert "the scope's breaker: closed before, closed after" in shown
    assert "  at 2026-04-26T01:00:00Z: maker orders are held back but for probes; 6 misses in a row" in shown
    assert "quality: good, shown only" in shown
    rules = [line.split() for line in shown.splitlines() if line.startswith(("  own", "  all may"))]
    assert ["own", "closes", "filled_probes", "0", ">=", "1", "no"] in rules
    assert ["all", "may", "probe", "idle_hours", "0.5", ">=", "4", "no"] in rules
    assert "in the shadow, seed would have decided: maker first, prefer_maker, good" in shown


def test_explain_as_json_has_the_state_before_and_after(live_breaker: Path) -> None:
    now = json.loads(printed(live_breaker, "explain", "BTCUSDT", "--json"))
    earlier = json.loads(printed(live_breaker, "explain", "BTCUSDT", "--at", "2026-04-26T01:30:00Z", "--json"))

    assert now["breaker"]["before"]["own"]["opened_at"] == "2026-04-26T01:00:00Z"
    assert now["breaker"]["own"]["miss_streak"] == 6
    assert now["breaker"]["openings"][0]["reason"].startswith("maker orders are held back")
    assert [shadow["rule_set"] for shadow in now["shadows"]] == ["seed"]
    assert earlier["breaker"] is None
    assert earlier["shadows"][0]["breaker"]["before"]["own"]["opened_at"] is None
    assert earlier["shadows"][0]["breaker"]["after"]["own"]["opened_at"] == "2026-04-26T01:00:00Z"


def test_the_commands_of_the_page_on_rule_sets_run(folder: Path) -> None:
    (replayed,) = [block for block in blocks(PAGE, "toml") if block.startswith("name")]
    (folder / "other.toml").write_text(replayed)

    for block in blocks(PAGE, "console"):
        for arguments, _ in commands(block):
            done = run_here(folder, *arguments)
            assert done.returncode == 0, f"{arguments}: {done.stderr}"


def test_the_settings_of_the_page_on_rule_sets_load(tmp_path: Path) -> None:
    tables = [block for block in blocks(PAGE, "toml") if block.startswith("[")]
    assert tables
    for block in tables:
        path = tmp_path / "router-policy.toml"
        path.write_text(f'[orders]\npath = "logs/*.jsonl"\n{block}')
        assert load(path).rules.shadow or load(path).rules.name != "seed" or load(path).fees


@pytest.mark.parametrize("name", ["seed", "breaker", "breaker1"])
def test_every_parameter_is_on_the_page_with_its_default(name: str) -> None:
    section = PAGE[PAGE.index(f"## The rule set `{name}`") :].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `([a-z0-9_]+)` \| ([^|]+) \|", section, flags=re.MULTILINE))
    defaults = asdict(rule_set(name).parameters)

    shown = {key: "none" if value is None else json.dumps(value) for key, value in defaults.items()}
    assert {key: value.strip().strip("`") for key, value in documented.items()} == (
        shown if name == "seed" else {key: shown[key] for key in shown if key not in asdict(SEED.parameters)}
    )


def test_explain_says_how_many_runs_measured_another_quality(tmp_path: Path) -> None:
    write_bot(tmp_path, datetime(2026, 4, 26, 7, tzinfo=UTC))
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        states: dict[str, State | None] = {}
        for hour, fallback in enumerate((0.1, 0.5, 0.5)):
            publish_run(store, hour, (measured("BTCUSDT", hour, fallback, STEADY),), BREAKER, SEED, states)

    after_two, after_three = (
        printed(tmp_path, "explain", "BTCUSDT", "--at", f"2026-04-26T{hour}:30:00Z") for hour in ("01", "02")
    )

    assert "quality: good, shown only; the last run measured ok\n" in after_two
    assert "quality: good, shown only; the last 2 runs measured ok\n" in after_three
