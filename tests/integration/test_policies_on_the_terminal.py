"""`latest` and `history`: what a person sees in 80 columns, and what a program gets in the shape of the API."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from console.records.explanation_records import ExplanationRecord
from console.records.override_records import OverrideHistoryRecord
from console.records.policy_records import PastPolicyRecord, PolicyRecord, SnapshotRecord
from console.records.run_records import HeadRecord
from console.terminal import policy_table
from policy.health import ExecutionHealth
from storage.read.policies import latest
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
SLOTS = ("2026-04-26T00:15:00Z", "2026-04-26T00:20:00Z", "2026-04-26T00:25:00Z")  # on the same candles


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, published_bot: Path) -> Path:
    """A bot with three runs of equal decisions, and an override of GOODUSDT."""
    folder = shutil.copytree(published_bot, tmp_path_factory.mktemp("bot"), dirs_exist_ok=True)
    for slot in SLOTS[1:]:
        assert command(folder, "once", "--as-of", slot).returncode == 0
    made = command(folder, "override", "GOODUSDT", "--taker", "--for", "2h", "--reason", "venue", "--author", "ann")
    assert made.returncode == 0, made.stderr
    return folder


def printed(folder: Path, *arguments: str) -> str:
    done = command(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_worst_symbol_is_first_and_an_override_is_marked(folder: Path) -> None:
    title, _, heads, bad, good, mark, *_ = printed(folder, "latest").splitlines()

    assert title.startswith("policies of slot 2026-04-26T00:25:00Z, ")
    assert heads.split() == ["symbol", "route", "taker", "bias", "quality", "regime", "fills", "back", "bps", "orders"]
    assert bad.split() == ["BADUSDT", "taker", "prefer_taker", "broken", "normal", "0.10", "0.90", "1.00", "10/10"]
    assert good.split() == ["GOODUSDT", "taker*", "prefer_taker", "good", "normal", "0.90", "0.10", "1.00", "10/10"]
    assert mark.startswith("*: by a person's override")


def test_the_table_fits_into_80_columns_unless_it_is_wide(folder: Path) -> None:
    narrow, wide = printed(folder, "latest"), printed(folder, "latest", "--wide")

    assert max(map(len, narrow.splitlines()[1:-1])) <= 80
    assert max(map(len, wide.splitlines())) > 80
    assert "ATR ratio" in wide
    assert "ATR" not in narrow


@pytest.mark.parametrize(("no_color", "has_color"), [(None, True), ("1", False)])
def test_colour_is_for_a_terminal_unless_it_is_declined(
    folder: Path, monkeypatch: pytest.MonkeyPatch, no_color: str | None, has_color: bool
) -> None:
    """NO_COLOR is the convention of no-color.org."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    screen = Console(file=StringIO(), force_terminal=True, color_system="standard", width=80)
    monkeypatch.setattr(policy_table, "print_table", screen.print)
    monkeypatch.setattr(policy_table, "print_lines", lambda _: None)
    with Store(f"sqlite:///{folder / 'policy.db'}") as store, store.reading() as connection:
        snapshots = [policy.snapshot for policy in latest(connection, "default")]

    with screen.capture() as capture:
        policy_table.print_policies(snapshots, AS_OF + timedelta(minutes=1))

    red = "\x1b[31m"  # ISO 6429
    assert (f"{red}broken" in capture.get()) == has_color


def test_without_a_terminal_there_is_no_colour(folder: Path) -> None:
    assert "\x1b" not in printed(folder, "latest")


def test_history_shows_what_changed_and_how_long_it_lasted(folder: Path) -> None:
    first, second = json.loads(printed(folder, "history", "GOODUSDT", "--json"))["items"]

    assert (first["valid_from"], first["valid_to"]) == (SLOTS[0], second["valid_from"])
    assert (first["maker_first"], second["maker_first"], second["override"]["author"]) == (True, False, "ann")
    assert second["valid_to"] is None


def test_history_with_all_shows_every_slot(folder: Path) -> None:
    items = json.loads(printed(folder, "history", "BADUSDT", "--all", "--json"))["items"]

    assert [item["valid_from"] for item in items] == list(SLOTS)
    assert len(json.loads(printed(folder, "history", "BADUSDT", "--json"))["items"]) == 1


def test_history_with_a_limit_shows_the_newest_and_counts_the_others(folder: Path) -> None:
    shown = printed(folder, "history", "BADUSDT", "--all", "--limit", "1")

    assert "2 earlier ones are left out" in shown
    assert SLOTS[2] in shown
    assert SLOTS[0] not in shown
    assert command(folder, "history", "BADUSDT", "--limit", "0").returncode == 2


def test_records_are_those_of_the_api(folder: Path) -> None:
    """Each command has the fields of the API's model for the same question."""
    answers = {
        ("latest", "GOODUSDT"): set(PolicyRecord.model_fields),
        ("explain", "GOODUSDT"): set(ExplanationRecord.model_fields),
        ("health", "GOODUSDT"): set(ExecutionHealth.__slots__),
        ("head",): set(HeadRecord.model_fields),
    }
    pages = {
        ("latest",): set(PolicyRecord.model_fields),
        ("history", "GOODUSDT"): set(PastPolicyRecord.model_fields),
        ("health",): set(ExecutionHealth.__slots__),
        ("once", "--as-of", SLOTS[2]): set(SnapshotRecord.model_fields),
    }

    for arguments, fields in answers.items():
        assert set(json.loads(printed(folder, *arguments, "--json"))) == fields
    for arguments, fields in pages.items():
        page = json.loads(printed(folder, *arguments, "--json"))
        assert (set(page), page["next"]) == ({"items", "next"}, None)
        assert {frozenset(item) for item in page["items"]} == {frozenset(fields)}


def test_commands_that_change_the_store_tell_programs_what_they_did(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF)
    command(tmp_path, "once", "--as-of", "2026-04-26T00:00:00Z")
    span = ("--from", "2026-04-26T00:00:00Z", "--to", "2026-04-26T00:30:00Z")
    filled = json.loads(printed(tmp_path, "backfill", *span, "--json"))
    verified = json.loads(printed(tmp_path, "verify", "--json"))
    copied = json.loads(printed(tmp_path, "backup", "copy.db", "--json"))
    head = json.loads(printed(tmp_path, "head", "--json"))
    pruned = json.loads(printed(tmp_path, "prune", "--keep", "30d", "--yes", "--json"))

    assert filled == {"slot_count": 2, "computed_count": 1}
    assert verified == {"run_count": 2, "snapshot_count": 4, "head": head["digest"], "is_schema_compared": True}
    assert copied == {"file": "copy.db", "run_count": 2, "snapshot_count": 4, "head": head["digest"]}
    assert pruned == {"prunable_run_count": 0, "last_published_at": None, "removed_run_count": 0}


def test_overrides_are_listed_the_newest_first_with_their_state(folder: Path) -> None:
    (made,) = json.loads(printed(folder, "override", "--list", "--json"))["items"]
    table = printed(folder, "override", "--list", "GOODUSDT").splitlines()

    assert set(made) == set(OverrideHistoryRecord.model_fields)
    assert (made["symbol"], made["state"], made["author"], made["end_author"]) == ("GOODUSDT", "in_force", "ann", None)
    assert table[0].split() == ["number", "symbol", "state", "policy", "from", "until", "who", "and", "why"]
    assert "straight to taker, prefer_taker" in table[1]
    assert table[1].rstrip().endswith("ann: venue")
    assert printed(folder, "override", "--list", "BADUSDT").splitlines()[1:] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list", "--taker"), "--list goes with a symbol only"),
        (("GOODUSDT", "--taker", "--for", "1h"), "give --reason, why"),
    ],
)
def test_an_override_that_is_half_asked_for_is_refused(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    failed = command(folder, "override", *arguments)

    assert failed.returncode == 2
    assert message in failed.stderr.replace("│ ", "")


def test_an_override_and_its_end_are_printed_for_programs_as_the_list_has_them(
    tmp_path: Path, published_bot: Path
) -> None:
    shutil.copytree(published_bot, tmp_path, dirs_exist_ok=True)
    wanted = ("GOODUSDT", "--taker", "--for", "2h", "--reason", "venue", "--author", "ann", "--json")
    made = json.loads(printed(tmp_path, "override", *wanted))
    ended = json.loads(printed(tmp_path, "override", "GOODUSDT", "--end", "--reason", "over", "--json"))
    (listed,) = json.loads(printed(tmp_path, "override", "--list", "--json"))["items"]

    assert (made["state"], made["author"], made["end_reason"]) == ("in_force", "ann", None)
    assert (ended["state"], ended["override_id"], ended["end_reason"]) == ("ended", made["override_id"], "over")
    assert listed == ended
