"""Which files are the log: each file that a path names, once, whatever its name; or a refusal."""

import gzip
import json
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import strategies as st

from console.settings.file import load
from jobs.sources.errors import SourceError
from jobs.sources.files import resolve
from tests.support.canonical_formats import FORMATS, Writer, as_csv, as_parquet, each_file_format
from tests.support.families import family
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import outcome
from tests.support.small_runs import canonical, order_log, run, sample_of

README_PATTERN = "order_metrics*.jsonl"
NAMES_IN_ANY_LANGUAGE = st.text("ab1 .-_[]*?!^{}~$&'()=%#@äé日本🙂", min_size=1, max_size=12)
SETTINGS = '[store]\nurl = "sqlite:///x.db"\n[orders]\nkind = "order-log"\npath = "{}"\n'


def written(path: Path, number: int) -> Path:
    """Write one order, compressed if the name says so."""
    content = (json.dumps(logged(number)) + "\n").encode()
    pack: dict[str, Callable[[bytes], bytes]] = {
        **dict.fromkeys((".gz", ".GZ"), gzip.compress),
        **dict.fromkeys((".zst", ".zstd"), zstd.compress),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack.get(path.suffix, bytes)(content))
    return path


ROTATED = (
    "order_metrics.jsonl.1",
    "order_metrics.jsonl.2.gz",
    "order_metrics.jsonl.3.zst",
    "order_metrics.jsonl-20260425",
    "order_metrics.jsonl-20260425.gz",
    "order_metrics.jsonl-20260425-1777075200.zst",
    "order_metrics.jsonl.2026-04-25",
    "order_metrics.jsonl.2026-04-25_10-00",
    "order_metrics.jsonl.2026-04-25T10:00:00",
    "order_metrics.2026-04-25.jsonl",
    "order_metrics.2026-04-25.jsonl.gz",
    "order_metrics-20260425.jsonl.zst",
    "order_metrics.1.jsonl",
    "order_metrics.jsonl.gz",
    "order_metrics.jsonl_20260425",
    "order_metrics.jsonl.2026-04-25T10:00:00Z",
    "order_metrics.jsonl.2026-04-25T10+0200",
    "order_metrics.jsonl@20260425",
    "order_metrics.jsonl+1",
    "order_metrics.jsonl.old",
    "order_metrics.jsonl.1.old",
    "order_metrics.jsonl.gz.1",
    "order_metrics.jsonl.1.GZ",
    "order_metrics.jsonl.1.zstd",
)


@pytest.mark.parametrize("pattern", [README_PATTERN, "order_metrics*"])
def test_the_pattern_of_the_readme_matches_every_rotated_name(tmp_path: Path, pattern: str) -> None:
    paths = {written(tmp_path / name, number) for number, name in enumerate(("order_metrics.jsonl", *ROTATED), 1)}

    assert set(resolve("orders.path", str(tmp_path / pattern))) == paths
    assert run(order_log(tmp_path / pattern)).event_count == len(paths)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rotated_files_of_every_format_are_matched(tmp_path: Path, ending: str) -> None:
    write = {"csv": as_csv, "parquet": as_parquet}[ending]
    for number, suffix in enumerate(["", ".1", "-20260425", ".2026-04-25"], 1):
        path = Path(write(tmp_path, [outcome(number)]).location.path or "")
        path.rename(tmp_path / f"log.{ending}{suffix}")

    assert run(canonical(tmp_path / f"l*.{ending}")).event_count == 4


def test_a_path_without_a_wildcard_is_that_file_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl", 1)
    written(tmp_path / "log.jsonl.1", 2)

    assert run(order_log(path)).event_count == 1


@pytest.mark.parametrize("suffix", [".bz2", ".xz", ".lzma", ".zip", ".7z", ".Z"])
def test_a_rotated_file_of_another_compression_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    written(tmp_path / "log.jsonl", 1)
    (tmp_path / f"log.jsonl.1{suffix}").write_bytes(b"anything")

    with pytest.raises(SourceError, match=rf"log\.jsonl\.1{suffix} is compressed as {suffix}; unpack it"):
        run(order_log(tmp_path / "log*.jsonl"))


@pytest.mark.parametrize("name", ["log.jsonl.bak~", "xlog.jsonl", "log.jsonl.offset", ".log.jsonl", "log.jsonl.tmp"])
def test_a_file_of_another_name_is_not_matched(tmp_path: Path, name: str) -> None:
    written(tmp_path / "log.jsonl", 1)
    written(tmp_path / name, 2)

    assert run(order_log(tmp_path / "log*.jsonl")).event_count == 1


def test_a_folder_with_the_name_of_a_file_is_refused_unless_its_files_are_matched_too(tmp_path: Path) -> None:
    for name, number in (("2026-04-24.parquet/part-0.parquet", 1), ("2026-04-25.parquet", 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Path(as_parquet(tmp_path, [outcome(number)]).location.path or "").rename(tmp_path / name)
    (tmp_path / "by-hand").mkdir()

    with pytest.raises(SourceError, match=r"orders\.path: .*/2026-04-24\.parquet is a folder; name the files in it"):
        run(canonical(tmp_path / "*.parquet"))
    assert run(canonical(tmp_path / "**" / "*.parquet")).event_count == 2


def test_a_pipe_among_the_files_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path / "log.jsonl", 1)
    os.mkfifo(tmp_path / "log-2.jsonl")

    with pytest.raises(SourceError, match=r"orders\.path: .*/log-2\.jsonl is no regular file; exclude it"):
        run(order_log(tmp_path / "log*.jsonl"))


@pytest.mark.parametrize("write", FORMATS[:3])
@family(
    short=5,
    long=150,
    names=st.lists(NAMES_IN_ANY_LANGUAGE, min_size=2, max_size=4, unique_by=str.lower),
    folder=NAMES_IN_ANY_LANGUAGE,
)
def test_files_of_any_names_are_the_same_log_as_files_of_plain_names(
    tmp_path_factory: pytest.TempPathFactory, write: Writer, names: list[str], folder: str
) -> None:
    base = tmp_path_factory.mktemp("names")
    for number, name in enumerate(names, 1):
        path = Path(write(base, [outcome(number, slippage_bps=float(number))]).location.path or "")
        for kind, file in (("named", f"x{name}"), ("plain", f"x{number}")):
            (base / kind / f"f{folder}").mkdir(parents=True, exist_ok=True)
            (base / kind / f"f{folder}" / f"{file}{path.suffix}").write_bytes(path.read_bytes())
    suffix = path.suffix

    named, plain = (run(canonical(base / kind / "*" / f"x*{suffix}")) for kind in ("named", "plain"))

    assert named.event_count == len(names)
    assert named.decisions == plain.decisions


@family(short=15, long=300, folder=NAMES_IN_ANY_LANGUAGE.filter(lambda name: name.strip(". ")))
def test_the_folder_of_the_settings_is_no_pattern(tmp_path_factory: pytest.TempPathFactory, folder: str) -> None:
    home = tmp_path_factory.mktemp("settings") / folder
    log = written(home / "logs" / "orders.jsonl", 1)
    config = home / "router-policy.toml"
    config.write_text(SETTINGS.format("logs/*.jsonl"))

    assert resolve("orders.path", load(config).orders.path or "") == [log]


def test_the_message_has_the_folder_as_the_user_knows_it(tmp_path: Path) -> None:
    config = tmp_path / "bot[1]" / "router-policy.toml"
    config.parent.mkdir()
    config.write_text(SETTINGS.format("logs/*.jsonl"))

    with pytest.raises(SourceError, match=r"no file matches .*/bot\[1\]/logs/\*\.jsonl; correct orders\.path"):
        resolve("orders.path", load(config).orders.path or "")


def test_a_name_with_brackets_that_is_a_file_may_be_written_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "a[1].jsonl", 1)

    assert resolve("orders.path", str(path)) == [path]


def test_a_name_with_brackets_that_also_matches_another_file_has_to_be_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "a[1].jsonl", 1)
    written(tmp_path / "a1.jsonl", 2)

    with pytest.raises(SourceError, match=r"is the name of a file, and as a pattern it matches .*/a1\.jsonl"):
        resolve("orders.path", str(path))


def test_a_backslash_beside_a_wildcard_in_a_name_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a\\b[1].jsonl", 1)
    written(tmp_path / "a\\b.jsonl", 2)

    with pytest.raises(SourceError, match=r"has both a backslash and one of \* \? \[ in its name; rename it"):
        resolve("orders.path", str(tmp_path / "*.jsonl"))
    assert run(order_log(tmp_path / "a?b.jsonl")).event_count == 1


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with Path(os.fsdecode(os.fsencode(tmp_path) + b"/log\xff.jsonl")).open("w") as file:
        file.write("{}\n")

    with pytest.raises(SourceError, match="is not valid UTF-8; rename the file"):
        resolve("orders.path", str(tmp_path / "*.jsonl"))


def link_to_folder(logs: Path) -> None:
    (logs / "latest").symlink_to("day-1")


def link_to_file(logs: Path) -> None:
    (logs / "day-2").mkdir()
    (logs / "day-2" / "outcomes").symlink_to("nowhere")
    (logs / "day-2" / "outcomes").unlink()
    for path in (logs / "day-1").iterdir():
        (logs / "day-2" / path.name).symlink_to(path)


def hard_link(logs: Path) -> None:
    (logs / "day-2").mkdir()
    for path in (logs / "day-1").iterdir():
        (logs / "day-2" / path.name).hardlink_to(path)


def link_to_the_folder_above(logs: Path) -> None:
    (logs / "day-1" / "up").symlink_to(logs)


# Which file is which is decided before its format is known: each kind of link and pattern once with each format is
# enough, all of them with all formats are the long form.
LINKS = (link_to_folder, link_to_file, hard_link, link_to_the_folder_above)
PATTERNS = ("*/outcomes.*", "**/outcomes.*", "**")


@pytest.mark.parametrize(
    ("write", "link", "pattern"),
    [
        pytest.param(write, link, pattern, marks=() if (place + format_place) % 3 == 0 else pytest.mark.long)
        for format_place, write in enumerate(FORMATS[:3])
        for place, (link, pattern) in enumerate(product(LINKS, PATTERNS))
    ],
)
def test_a_file_that_is_reached_under_two_names_counts_once(
    tmp_path: Path, write: Writer, link: Callable[[Path], None], pattern: str
) -> None:
    (tmp_path / "day-1").mkdir()
    write(tmp_path / "day-1", [outcome(number, order_id=None) for number in (1, 2, 3)])
    link(tmp_path)

    result = run(canonical(tmp_path / pattern))

    assert (result.event_count, json.loads(result.sources)["orders"]["files"]) == (3, 1)


@each_file_format
def test_a_folder_named_like_a_column_means_nothing(tmp_path: Path, write: Writer) -> None:
    folders = ("symbol=ETHUSDT", "ts=2020-01-01", "file=x", "maker_filled=false")
    for number, folder in enumerate(folders, 1):
        (tmp_path / folder).mkdir()
        source = write(tmp_path / folder, [outcome(number, symbol=f"{number}USDT")])
    plain = run(write(tmp_path, [outcome(number, symbol=f"{number}USDT") for number, _ in enumerate(folders, 1)]))

    assert run(canonical(tmp_path / "*=*" / Path(source.location.path or "").name)).decisions == plain.decisions
    assert len(plain.decisions) == len(folders)


@pytest.mark.parametrize("dead", ["b/orders.jsonl", "b"])
@pytest.mark.parametrize("pattern", ["*/orders.jsonl", "**/*.jsonl", "*/*.jsonl"])
def test_a_link_that_leads_nowhere_stops_the_run_and_is_named(tmp_path: Path, dead: str, pattern: str) -> None:
    written(tmp_path / "a" / "orders.jsonl", 1)
    (tmp_path / dead).parent.mkdir(exist_ok=True)
    (tmp_path / dead).symlink_to("/nonexistent/volume")

    with pytest.raises(SourceError, match=f"{tmp_path / dead} is a link to /nonexistent/volume, which does not exist"):
        run(order_log(tmp_path / pattern))


def test_a_link_alone_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").symlink_to("/nonexistent/volume")

    with pytest.raises(SourceError, match=r"orders\.jsonl is a link to /nonexistent/volume, which does not exist"):
        run(order_log(tmp_path / "orders.jsonl"))


@pytest.mark.parametrize("pattern", ["*/*.jsonl", "**/*.jsonl", "b/*.jsonl"])
def test_a_folder_that_cannot_be_read_stops_the_run_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    written(tmp_path / "a" / "orders.jsonl", 1)
    written(tmp_path / "b" / "orders.jsonl", 2)
    names = Path.iterdir

    def refuse_b(folder: Path) -> object:
        if folder.name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return names(folder)

    monkeypatch.setattr(Path, "iterdir", refuse_b)
    with pytest.raises(SourceError, match=rf"orders\.path: {tmp_path / 'b'} cannot be read \(Permission denied\)"):
        run(order_log(tmp_path / pattern))


def test_a_file_below_a_folder_that_cannot_be_entered_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "a" / "orders.jsonl", 1)
    written(tmp_path / "b" / "orders.jsonl", 2)
    status = Path.stat

    def refuse_b(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parent.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return status(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refuse_b)
    with pytest.raises(SourceError, match=rf"orders\.path: {tmp_path / 'b' / 'orders.jsonl'} cannot be read"):
        run(order_log(tmp_path / "*" / "orders.jsonl"))


def test_the_sample_names_the_file_as_the_user_knows_it(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a[1]*.jsonl", [logged(1), "{broken"])

    assert sample_of(run(order_log(tmp_path / "*.jsonl")), "not_json") == f"{path}:2"


def test_a_pattern_matches_as_in_a_shell(tmp_path: Path) -> None:
    names = ["a1.jsonl", "a2.jsonl", "b1.jsonl", "sub/a1.jsonl", ".hidden.jsonl", ".git/a1.jsonl"]
    for name in names:
        written(tmp_path / name, 1)

    def matched(pattern: str) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in resolve("orders.path", str(tmp_path / pattern))]

    assert matched("*.jsonl") == ["a1.jsonl", "a2.jsonl", "b1.jsonl"]
    assert matched("a?.jsonl") == ["a1.jsonl", "a2.jsonl"]
    assert matched("[!a]1.jsonl") == ["b1.jsonl"]
    assert matched("**/a1.jsonl") == ["a1.jsonl", "sub/a1.jsonl"]
    assert matched("**/*.jsonl") == ["a1.jsonl", "a2.jsonl", "b1.jsonl", "sub/a1.jsonl"]
    assert matched(".*.jsonl") == [".hidden.jsonl"]
    assert matched("s*/*") == ["sub/a1.jsonl"]
