"""The commands health and drift as people use them, and drift over every layout and format of an order log."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.main import main
from jobs.analysis.drift import Drift, DriftKind, find_drift
from jobs.analysis.health import WatchedScope, compute_every_execution_health, compute_execution_health
from jobs.analysis.order_history import OrderSelection
from jobs.plan import OrdersSource
from jobs.slots import Slots
from storage.schema.tables import policy_run
from storage.store import Store
from storage.write import leases
from tests.support.bots import write_bot
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import NAMES, outcome, write_csv, write_jsonl, write_parquet_query
from tests.support.runs import QUARTER, SLOT, evidence, make_override, publish
from tests.support.small_history import MIDNIGHT, publish_small_history
from tests.support.small_runs import canonical, canonical_query, order_log
from tests.support.store_calls import write
from tests.support.tampering import behind_the_triggers

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
QUARTERLY = Slots("*/15 * * * *")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `router-policy` in this process, in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["router-policy", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return Said(code=int(end.value.code or 0), out=printed.out, err=printed.err)

    return run


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Store]:
    """The small history, which no test changes."""
    with Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('history'))}") as store:
        publish_small_history(store)
        yield store


@pytest.fixture
def bot(published_bot: Path, tmp_path: Path) -> Path:
    """A bot's folder with one published run; NEWUSDT is among the settings' symbols since."""
    shutil.copytree(published_bot, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "router-policy.toml"
    settings.write_text('symbols = ["NEWUSDT"]\n' + settings.read_text())
    return tmp_path


@pytest.mark.usefixtures("bot")
def test_health_lists_every_symbol_the_worst_first_within_80_columns(command: Command) -> None:
    shown = command("health")

    lines = shown.out.splitlines()
    rows = [line.split()[:3] for line in lines if line.startswith(("BAD", "GOOD", "NEW"))][:3]
    assert shown.code == 0, shown.err
    assert "slot 2026-04-26T00:15:00Z" in lines[0]
    age_days = (datetime.now(UTC) - datetime(2026, 4, 26, 0, 15, tzinfo=UTC)).days
    assert lines[0] == f"execution health, slot 2026-04-26T00:15:00Z, {age_days} days old: expired"
    assert command("latest").out.splitlines()[0].strip() == (
        f"policies of slot 2026-04-26T00:15:00Z, {age_days} days old, rule set seed"
    )
    assert rows == [
        ["BADUSDT", "broken", "taker"],
        ["GOODUSDT", "good", "prefer_maker"],
        ["NEWUSDT", "missing", "none"],
    ]
    assert "BADUSDT: fallback 0.9 > 0.5, over 10 maker starts" in lines
    assert "BADUSDT, GOODUSDT: only 10 maker starts < 20: the ratios rest on little" in lines
    assert max(len(line.rstrip()) for line in lines[: lines.index("")]) <= 80


@pytest.mark.usefixtures("bot")
def test_health_of_one_symbol_is_told_in_detail_and_as_json(command: Command) -> None:
    printed = command("health", "BADUSDT").out
    record = json.loads(command("health", "BADUSDT", "--json").out)

    assert "policy            broken: straight to taker, prefer_taker" in printed
    assert "fallback ratio    0.9 of 10 maker starts" in printed
    assert "GOODUSDT" not in printed
    assert (record["symbol"], record["router"]["policy_quality"]) == ("BADUSDT", "broken")
    assert (record["router"]["policy_maker_first"], record["router"]["fallback_ratio"]) == (False, 0.9)
    assert (record["freshness"]["slot"], record["freshness"]["status"]) == ("2026-04-26T00:15:00Z", "expired")
    assert [warning["code"] for warning in record["warnings"]] == [
        "policy_expired",
        "fallback_ratio_high",
        "maker_start_few",
    ]


@pytest.mark.usefixtures("bot")
def test_what_routers_do_with_expired_policies_stands_beneath_their_health(command: Command) -> None:
    consequence = "routers try maker first and wait a quarter of the time; an override holds until its own end"

    assert f"; {consequence}; is the schedule running?" in command("health").out


@pytest.mark.usefixtures("bot")
def test_a_slot_without_a_run_is_named_beneath_the_policies(bot: Path, command: Command) -> None:
    slot = datetime(2026, 4, 26, 0, 0, tzinfo=UTC)
    with Store(f"sqlite:///{bot / 'policy.db'}") as store:
        write(store, leases.mark_missed, "default", [slot])

    line = "1 slot of the last day has no run: 2026-04-26T00:00:00Z (missed); router-policy backfill computes it."
    for arguments in (("latest",), ("latest", "BADUSDT"), ("health",), ("health", "BADUSDT")):
        assert command(*arguments).out.splitlines()[-1] == line
    with Store(f"sqlite:///{bot / 'policy.db'}") as store:
        write(store, leases.mark_missed, "default", [slot - timedelta(hours=1), slot - timedelta(days=2)])
    assert command("latest").out.splitlines()[-1] == (
        "2 slots of the last day have no run, the newest 2026-04-26T00:00:00Z (missed); "
        "router-policy backfill computes them."
    )


@pytest.mark.usefixtures("bot")
def test_health_shows_an_override_as_one(command: Command) -> None:
    command("override", "GOODUSDT", "--taker", "--for", "2h", "--reason", "venue down", "--author", "ann")

    every = command("health").out
    record = json.loads(command("health", "GOODUSDT", "--json").out)

    assert "taker*" in next(line for line in every.splitlines() if line.startswith("GOODUSDT "))
    assert "by ann until " in every
    assert "*: by a person's override; router-policy explain SYMBOL shows whose and why" in every
    assert record["router"]["policy_maker_first"] is False
    assert (record["override"]["author"], record["override"]["computed_taker_bias"]) == ("ann", "prefer_maker")


@pytest.mark.usefixtures("bot")
def test_drift_leaves_out_orders_from_before_the_first_policy(command: Command) -> None:
    shown = command("drift")
    record = json.loads(command("drift", "--json").out)

    assert "20 orders looked at, 0 rows not used, tolerance 60 s" in shown.out
    assert "20 orders without a run, from before the first policy: no drift" in shown.out
    assert "no order names a run" not in shown.out
    assert "0 of 2 symbols have drifted" in shown.out
    assert (record["since"], record["order_count"], record["before_policies_count"]) == ("2026-04-19T00:15:00Z", 20, 20)


def test_drift_of_a_log_without_runs_says_so_and_is_no_error(bot: Path, command: Command) -> None:
    with Store(f"sqlite:///{bot / 'policy.db'}") as store, behind_the_triggers(store) as connection:
        connection.execute(policy_run.update().values(published_at=AS_OF - timedelta(days=8)))

    shown = command("drift")
    record = json.loads(command("drift", "--json").out)

    assert shown.code == 0, shown.err
    assert "20 orders looked at, 0 rows not used, tolerance 60 s" in shown.out
    assert "no order names a run: let the router log the run_id of its policy as policy_run_id" in shown.out
    assert "BADUSDT: 10 of 10 orders name no run, the newest" in shown.out
    assert (record["order_count"], record["before_policies_count"]) == (20, 0)
    assert [row["symbol"] for row in record["symbols"]] == ["BADUSDT", "GOODUSDT"]
    bad = record["symbols"][0]["no_run"]
    assert (bad["order_count"], bad["examples"][0]["ts"]) == (10, "2026-04-25T23:15:00Z")


@pytest.mark.usefixtures("bot")
def test_drift_since_a_time_looks_at_orders_from_then_on(command: Command) -> None:
    # orders are at 23:15, 22:15 and so on of the day before, ten of each symbol
    record = json.loads(command("drift", "--since", "2026-04-25T22:15:00Z", "--tolerance", "5m", "--json").out)

    assert (record["order_count"], record["tolerance_seconds"]) == (4, 300.0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("health", "NOPE"), 1, "no policy for 'NOPE'"),
        (("drift", "--since", "2999-01-01T00:00:00Z"), 2, "--since 2999-01-01T00:00:00Z is not in the past"),
        (("drift", "--tolerance", "soon"), 2, "Invalid value for '--tolerance': invalid duration 'soon'"),
        (("drift", "--tolerance", "999999d"), 2, "Invalid value for '--tolerance': '999999d' is too long"),
        (("drift", "--since", "yesterday"), 2, "invalid time 'yesterday'"),
        (("drift", "--since", "0001-01-01T00:00:00+05:00"), 2, "invalid time '0001-01-01T00:00:00+05:00'"),
        (("drift", "--since", "0001-01-01T00:00:00Z"), 2, "is too early"),
        (("health", "A", "B"), 2, "unexpected extra argument"),
    ],
)
@pytest.mark.usefixtures("bot")
def test_what_goes_wrong_is_said_and_has_its_exit_code(
    command: Command, arguments: tuple[str, ...], code: int, message: str
) -> None:
    failed = command(*arguments)

    assert (failed.code, failed.out) == (code, "")
    assert message in failed.err


@pytest.mark.parametrize("name", ["health", "drift"])
def test_before_the_first_run_there_is_nothing_to_tell(tmp_path: Path, command: Command, name: str) -> None:
    write_bot(tmp_path, AS_OF)
    command("init")

    failed = command(name)

    assert (failed.code, failed.out) == (1, "")
    assert "no policy yet in scope 'default'" in failed.err


def test_a_log_that_is_gone_is_an_error(bot: Path, command: Command) -> None:
    (bot / "logs" / "order_metrics.jsonl").unlink()

    failed = command("drift")

    assert (failed.code, failed.out) == (1, "")
    assert "orders.path: no file matches" in failed.err


def test_health_on_each_database_is_what_is_in_force(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))
    make_override(store, "ETHUSDT", reason="fees")
    book = WatchedScope(store=store, scope="default", slots=QUARTERLY, symbols=("SOLUSDT", "ETHUSDT"))

    healths = compute_every_execution_health(book, SLOT + 3 * QUARTER)
    bitcoin, ether, sol = healths

    assert [health.symbol for health in healths] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert (bitcoin.router.policy_quality, bitcoin.router.fallback_ratio, bitcoin.override) == ("broken", 0.95, None)
    assert (ether.router.policy_quality, ether.router.policy_maker_first) == ("good", False)
    assert ether.override is not None
    assert (ether.override.author, ether.override.computed_maker_first) == ("ann", True)
    assert (bitcoin.freshness.status, bitcoin.freshness.age_seconds) == ("stale", 2700.0)
    assert (sol.run_id, sol.freshness.status) == (None, "missing")
    assert compute_execution_health(book, "ETHUSDT", SLOT + 3 * QUARTER) == ether
    assert compute_execution_health(book, "NOPE", SLOT).freshness.status == "missing"


def test_the_limits_are_those_of_the_schedule_at_the_slot(store: Store) -> None:
    publish(store, SLOT)
    in_the_day = Slots("*/15 8-20 * * *")  # after a quarter past midnight the second slot is 08:15, the eighth 09:45
    hourly = Slots("0 * * * *")

    def status(slots: Slots, minutes: int) -> str:
        book = WatchedScope(store=store, scope="default", slots=slots)
        return compute_execution_health(book, "BTCUSDT", SLOT + timedelta(minutes=minutes)).freshness.status

    assert [status(in_the_day, minutes) for minutes in (480, 481, 570, 571)] == ["fresh", "stale", "stale", "expired"]
    assert [status(hourly, minutes) for minutes in (120, 121, 480, 481)] == ["fresh", "stale", "stale", "expired"]


RUN_COLUMNS = (*NAMES, "probe", "policy_run_id")
AT = MIDNIGHT + timedelta(minutes=90)
# DOGEUSDT was told taker from midnight on; run 4 was out at 01:01:04
ROWS = (
    outcome(1, symbol="DOGEUSDT", at=AT, probe=False, policy_run_id=4),
    outcome(2, symbol="DOGEUSDT", at=AT, probe=True, policy_run_id=4),
    outcome(3, symbol="DOGEUSDT", at=AT, probe=None, policy_run_id=2, maker_started=False, maker_filled=False),
    outcome(4, symbol="DOGEUSDT", at=AT, probe=None, policy_run_id=None, maker_started=None, maker_filled=None),
)


def as_order_log(folder: Path) -> OrdersSource:
    def line(number: int, **changes: object) -> dict[str, object]:
        return logged(number, symbol="DOGEUSDT", at=AT) | changes

    rows = [
        line(1, policy_run_id=4),
        line(2, policy_run_id=4, probe=True),
        line(3, policy_run_id=2, maker_start=False, is_maker_final=False),
        line(4, maker_start=False, is_maker_final=False),
    ]
    return order_log(write_lines(folder / "orders.jsonl", rows))


def as_jsonl(folder: Path) -> OrdersSource:
    return canonical(write_jsonl(folder / "orders.jsonl", ROWS))


def as_csv(folder: Path) -> OrdersSource:
    return canonical(write_csv(folder / "orders.csv", ROWS, RUN_COLUMNS))


def as_parquet(folder: Path) -> OrdersSource:
    text = write_csv(folder / "orders.csv", ROWS, RUN_COLUMNS)
    query = f"select * exclude (realized_pnl, survivor) from read_csv('{text}')"  # of an empty column no type is known
    return canonical(write_parquet_query(folder / "orders.parquet", query))


def as_query(folder: Path) -> OrdersSource:
    connection = sqlite3.connect(folder / "bot.db")
    with connection:
        connection.execute(f"create table outcome ({', '.join(RUN_COLUMNS)})")
        values = [[_plain(row[name]) for name in RUN_COLUMNS] for row in ROWS]
        connection.executemany(f"insert into outcome values ({', '.join('?' * len(RUN_COLUMNS))})", values)
    connection.close()
    query = "select * from outcome where ts >= :window_start and ts < :as_of"
    return canonical_query(f"sqlite:///{folder / 'bot.db'}", query)


def _plain(value: object) -> object:
    return value.replace(tzinfo=None).isoformat(sep=" ") if isinstance(value, datetime) else value


@pytest.mark.parametrize("write", [as_order_log, as_jsonl, as_csv, as_parquet, as_query])
def test_every_kind_of_log_carries_the_run_and_the_probe(
    history: Store, tmp_path: Path, write: Callable[[Path], OrdersSource]
) -> None:
    question = OrderSelection(
        scope="default",
        orders=write(tmp_path),
        slots=Slots("0 * * * *"),
        start=AT - timedelta(hours=1),
        end=AT + timedelta(hours=1),
    )

    drift = find_drift(history, question)

    assert counts_of(drift) == {"DOGEUSDT": {"no_run": 1, "superseded": 1, "maker_while_taker": 1}}
    (only,) = drift.symbols
    assert (only.order_count, drift.rejects) == (4, ())


def counts_of(drift: Drift) -> Mapping[str, Mapping[str, int]]:
    return {
        row.symbol: {kind.value: row.findings[kind].order_count for kind in DriftKind if row.findings[kind].order_count}
        for row in drift.symbols
    }
