"""A SQLite file that is damaged from below: a journal that is torn, or single bits that flip."""

import random
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.database.engine import journal_mode, parse_url, read_engine, sqlite_driver
from storage.errors import StoreError
from storage.store import Store
from tests.faults.audit import torn
from tests.faults.broken import commit_each_statement, trust_every_digest
from tests.faults.publisher import many_symbols, publish_next


def set_up(folder: Path) -> str:
    url = f"sqlite:///{folder / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    return url


@pytest.mark.parametrize("cases", [40, pytest.param(800, marks=pytest.mark.long)])
def test_a_journal_with_a_torn_tail_keeps_whole_runs_only(tmp_path: Path, cases: int) -> None:
    journals = open_torn_journals(tmp_path, cases)

    assert [wrong for _, wrong in journals if wrong] == []
    assert len({kept for kept, _ in journals}) > 5, "the damage never reached the runs"


def test_without_transactions_a_journal_with_a_torn_tail_keeps_parts_of_runs(tmp_path: Path) -> None:
    journals = open_torn_journals(tmp_path, 40, is_torn=True)

    assert any("without all of its snapshots" in wrong for _, wrong in journals)


def open_torn_journals(folder: Path, cases: int, *, is_torn: bool = False) -> list[tuple[int, str]]:
    """Publish runs, and open copies whose journal is damaged; return of each how many runs are left and what is wrong.

    With `is_torn` the runs are published without transactions.
    """
    if journal_mode(sqlite_driver().sqlite_version_info) != "wal":
        pytest.skip("this SQLite is not used with a write-ahead log")
    seed = random.randrange(1_000_000)
    chance, url = random.Random(seed), set_up(folder)
    with Store(url) as store:
        if is_torn:
            commit_each_statement(store.writer)
        for _ in range(20):
            publish_next(store, many_symbols(20))
        original = (folder / "policy.db").read_bytes(), (folder / "policy.db-wal").read_bytes()
    return [open_torn_journal(folder / "copy.db", *original, chance, f"{n} of {seed}") for n in range(cases)]


def open_torn_journal(copy: Path, database: bytes, journal: bytes, chance: random.Random, case: str) -> tuple[int, str]:
    """Open a copy whose journal was cut or overwritten somewhere; return how many runs are left, and what is wrong."""
    at = chance.randrange(len(journal))
    cut = journal[:at] if chance.random() < 0.5 else journal[:at] + chance.randbytes(512) + journal[at + 512 :]
    for name in ("-shm", "-wal"):
        copy.with_name(copy.name + name).unlink(missing_ok=True)
    copy.write_bytes(database)
    copy.with_name(copy.name + "-wal").write_bytes(cut)
    engine = create_engine(f"sqlite:///{copy}", module=sqlite_driver())
    with engine.connect() as connection:
        verdict = connection.scalar(text("pragma integrity_check"))
        there = connection.scalar(text("select count(*) from sqlite_master where name = 'policy_run'"))
        left = int(connection.scalar(text("select count(*) from policy_run")) or 0) if there else 0
    engine.dispose()
    wrong = [] if verdict == "ok" else [f"the file: {verdict}"]
    if there:
        with Store(f"sqlite:///{copy}") as store:
            wrong += torn(store)
    return left, "; ".join(f"case {case}: {fault}" for fault in wrong)


def content(url: str) -> object:
    """Return everything that is published, as a reader's connection gives it, or nothing if it gives none."""
    tables = "policy_run policy_snapshot policy_reject policy_rule_set".split()
    engine = read_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            return [sorted(map(repr, connection.execute(text(f"select * from {name} not indexed")))) for name in tables]
    except (DBAPIError, ValueError, UnicodeError, OverflowError):
        return None
    finally:
        engine.dispose()


def finds(url: str) -> bool:
    try:
        with Store(url) as store:
            for _ in store.verify():
                pass
    except StoreError:
        return True
    return False


@pytest.mark.parametrize("flips", [40, pytest.param(500, marks=pytest.mark.long)])
def test_a_flipped_bit_that_changes_what_is_published_is_found(tmp_path: Path, flips: int) -> None:
    seed = random.randrange(1_000_000)
    chance, url = random.Random(seed), set_up(tmp_path)
    with Store(url) as store:
        for _ in range(5):
            publish_next(store, many_symbols(20))
    original, whole = (tmp_path / "policy.db").read_bytes(), content(url)
    missed, changed = [], 0
    for _ in range(flips):
        at, bit = chance.randrange(100, len(original)), chance.randrange(8)
        damaged = bytearray(original)
        damaged[at] ^= 1 << bit
        (tmp_path / "policy.db").write_bytes(damaged)
        if content(url) != whole:
            changed += 1
            missed += [] if finds(url) else [f"bit {bit} of byte {at}"]

    assert changed > flips // 20, "the flips never reached a row"
    assert missed == [], f"{len(missed)} of {changed} changes, seed {seed}"


def flip_a_bit_of_a_sample(url: str) -> None:
    """Flip one bit in the text of a rejected row, which SQLite does not notice."""
    path = Path(parse_url(url).database or "")
    content = bytearray(path.read_bytes())
    content[content.index(b"log.jsonl:7")] ^= 1
    path.write_bytes(content)
    with Store(url) as store, store.reader.connect() as connection:
        assert connection.scalar(text("pragma integrity_check")) == "ok"


@pytest.mark.parametrize(("is_trusting", "expected"), [(False, True), (True, False)])
def test_a_flipped_bit_that_sqlite_does_not_see_is_found_by_the_digests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusting: bool, expected: bool
) -> None:
    url = set_up(tmp_path)
    with Store(url) as store:
        publish_next(store, many_symbols(20))
    flip_a_bit_of_a_sample(url)
    if is_trusting:
        trust_every_digest(monkeypatch)

    assert finds(url) is expected
