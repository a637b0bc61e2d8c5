"""The documents: every command, query and setting in them is run here exactly as it is written there."""

import json
import re
import shlex
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from console.main import COMMANDS
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.run.recompute import recompute
from jobs.sources.orders import _ORDER_LOG, _ORDER_LOG_FIELDS
from storage.records import Origin
from storage.store import Store
from storage.write import leases
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.small_runs import evidence_of, order_log, run
from tests.support.store_calls import write

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path.relative_to(ROOT / "docs").as_posix(): path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")}
OPERATIONS, SOURCES = (PAGES[f"{name}.md"] for name in ("operations", "sources"))
AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, flags=re.DOTALL)


def commands(block: str) -> list[tuple[list[str], list[str]]]:
    """Read a console block: each command's arguments, and the lines that follow it."""
    parts = [part.splitlines() for part in block.split("$ ") if part.strip()]
    return [(shlex.split(lines[0])[1:], lines[1:]) for lines in parts]


def appears_in_order(lines: list[str], printed: str) -> bool:
    """Return whether each line is the beginning of a printed one, in the same order."""
    rest = iter(printed.splitlines())
    return all(any(printed_line.startswith(line) for printed_line in rest) for line in lines)


def test_the_transcript_in_the_readme_is_what_the_commands_print(tmp_path: Path) -> None:
    write_bot(tmp_path, AS_OF)
    (transcript,) = blocks(README, "console")

    for arguments, lines in commands(transcript):
        done = command(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        assert lines
        assert appears_in_order(lines, done.stdout), f"{arguments} printed:\n{done.stdout}"


POSTGRES = {"ROUTER_POLICY_STORE__URL": "postgresql://me@127.0.0.1:1/policy"}  # statements are printed without it


@pytest.mark.parametrize("page", ["operations.md", "analysis.md", "savings.md"])
def test_the_commands_of_the_guides_run(tmp_path: Path, published_bot: Path, page: str) -> None:
    shutil.copytree(published_bot, tmp_path, dirs_exist_ok=True)
    assert blocks(PAGES[page], "console")
    for block in blocks(PAGES[page], "console"):
        for arguments, _ in commands(block):
            done = command(tmp_path, *arguments, **(POSTGRES if arguments[0] == "db" else {}))
            assert done.returncode == 0, f"{arguments}: {done.stderr}"


def test_every_page_is_in_the_index_and_every_link_leads_somewhere() -> None:
    for name, page in {"../README.md": README, **PAGES}.items():
        targets = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page)]
        assert [link for link in targets if link and not (ROOT / "docs" / name).parent.joinpath(link).exists()] == []

    assert [name for name in PAGES if f"]({name})" not in PAGES["README.md"] and name != "README.md"] == []


def test_every_path_that_a_page_names_exists() -> None:
    pages = [README, (ROOT / "CONTRIBUTING.md").read_text("utf-8"), *PAGES.values()]
    folders = "policy|storage|jobs|console|migrations|client|docs|tests|benchmarks"
    paths = {path for page in pages for path in re.findall(rf"`((?:{folders})/[\w./]*)`", page)}

    assert [path for path in sorted(paths) if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_three_lines_of_the_readme_gate_an_order(sqlite_store: Store) -> None:
    url = str(sqlite_store.url)
    publish(sqlite_store, datetime.now(UTC), evidence("BTCUSDT", fallback=0.95))
    (block,) = blocks(README, "python")
    assert "sqlite:////srv/policies/router_policy.db" in block
    names: dict[str, object] = {"router_ctx": {}, "symbol": "BTCUSDT", "order_id": "1"}

    exec(compile(block.replace("sqlite:////srv/policies/router_policy.db", url), "README.md", "exec"), names)
    names["reader"].close()  # type: ignore[attr-defined]

    assert names["maker_first"] is False


BOTS = [page for name, page in PAGES.items() if name.startswith("bots/")]


@pytest.mark.parametrize("block", [block for page in (README, SOURCES, *BOTS) for block in blocks(page, "toml")])
def test_the_settings_in_the_documents_load(tmp_path: Path, block: str) -> None:
    path = tmp_path / "router-policy.toml"
    path.write_text(block)

    assert load(path).orders is not None


def test_the_query_of_a_table_finds_orders_whose_times_are_iso_texts(tmp_path: Path) -> None:
    block = next(block for block in blocks(SOURCES, "toml") if "datetime(closed_at)" in block)
    as_of = datetime(2026, 4, 26, 10, 15, tzinfo=UTC)
    closed = [
        (as_of - timedelta(minutes=1)).isoformat(),
        "2026-04-26T00:00:00Z",
        "2026-04-26 12:14:00+02:00",
        (as_of - timedelta(days=7)).isoformat(),
        as_of.isoformat(),
        (as_of - timedelta(days=7, seconds=1)).isoformat(),
    ]
    (tmp_path / "router-policy.toml").write_text(block)
    (tmp_path / "candles").mkdir()
    (tmp_path / "candles" / "BTCUSDT.csv").write_text(f"ts,symbol,high,low,close\n{closed[0]},BTCUSDT,101,99,100\n")
    connection = sqlite3.connect(tmp_path / "bot.db")
    with connection:
        connection.execute(
            "create table outcomes (closed_at, symbol, maker_started, maker_filled, fallback_used, slippage_bps)"
        )
        connection.executemany("insert into outcomes values (?, 'BTCUSDT', 1, 1, 0, 1.0)", [(at,) for at in closed])
    connection.close()

    result = recompute(plan_of(load(tmp_path / "router-policy.toml")), as_of, origin=Origin.MANUAL, started_at=as_of)

    assert result.event_count == 4


def order_log_guide() -> str:
    return SOURCES[SOURCES.index("## The order log") : SOURCES.index("## Your own table")]


def test_the_guide_has_every_field_of_the_order_log_that_is_read_and_no_other() -> None:
    inner = re.findall(r"field_in_json\((\w+), '\$\.(\w+)'\)", _ORDER_LOG)
    read = _ORDER_LOG_FIELDS.keys() - {name for name, _ in inner} | {f"{name}.{field}" for name, field in inner}
    rows = [line for line in order_log_guide().splitlines() if line.startswith("| `")]

    assert {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1])} == read


def test_the_line_of_an_order_log_in_the_guide_is_read_as_it_is_explained(tmp_path: Path) -> None:
    (line,) = blocks(order_log_guide(), "json")
    (tmp_path / "log.jsonl").write_text(line)

    result = run(order_log(tmp_path / "log.jsonl"), as_of=AS_OF)
    figures = evidence_of(result)["BTCUSDT"].effectiveness

    assert json.loads(line)["ts"] == "2026-04-25T10:00:00Z"
    assert result.rejects == ()
    assert (figures.outcome_count, figures.maker_fill_ratio, figures.fallback_ratio) == (1, 1.0, 0.0)
    assert figures.slip_q50 == -0.4


def test_every_command_is_in_a_document() -> None:
    documents = "".join((README, *PAGES.values()))

    missing = [name for name in COMMANDS if f"router-policy {name}" not in documents]

    assert COMMANDS
    assert missing == []


def test_every_reason_for_a_rejected_row_is_documented() -> None:
    sources = [*(ROOT / "jobs").rglob("*.py"), *(ROOT / "jobs").rglob("*.sql")]
    reasons: set[str] = set()
    for path in sources:
        reasons |= set(re.findall(r"then\s+'([a-z_]+)'", path.read_text("utf-8")))
        reasons |= set(re.findall(r"reason = '([a-z_]+)'", path.read_text("utf-8")))

    assert len(reasons) >= 12
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in SOURCES] == []


def test_the_queries_of_the_documents_answer(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT", fallback=0.95))
    publish(store, SLOT + QUARTER, evidence("BTCUSDT"))
    write(store, leases.mark_missed, "default", [SLOT + 2 * QUARTER])
    (router,) = blocks(README, "sql")
    latest, changed, rejected = blocks(PAGES["sql.md"].partition("\n## ")[0], "sql")
    (gaps,) = blocks(OPERATIONS, "sql")

    def answer(query: str, **values: object) -> list[tuple[object, ...]]:
        parameters = {name: value for name, value in values.items() if f":{name}" in query}
        with store.reader.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), parameters)]

    assert [row[:3] for row in answer(router, symbol="BTCUSDT")] == [(True, "prefer_maker", "good")]
    assert [row[:4] for row in answer(latest, scope="default")] == [("BTCUSDT", True, "prefer_maker", "good")]
    assert [row[1:6] for row in answer(changed, scope="default")] == [("BTCUSDT", "broken", "good", False, True)]
    assert [row[1:] for row in answer(rejected, scope="default")] == [("orders", "zero_fill", 3, "log.jsonl:7")] * 2
    assert [row[1:] for row in answer(gaps)] == [("missed", 0, None)]
