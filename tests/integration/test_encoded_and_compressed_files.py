"""Files in another encoding or compressed: read whole, or refused by name."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import strategies as st

from jobs.sources.errors import SourceError
from tests.support.families import family, product_of
from tests.support.log_lines import COMPRESSIONS, HEADER, LINES, source_of, write_file
from tests.support.small_runs import run


@product_of("kind, suffix, encoding", list(LINES), list(COMPRESSIONS), ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_utf_16_is_refused_by_name(tmp_path: Path, kind: str, suffix: str, encoding: str) -> None:
    good, ending = LINES[kind]
    header = HEADER + b"\n" if ending == "csv" else b""
    content = (header + good(1) + b"\n").decode().encode(encoding)
    write_file(kind, tmp_path / f"log.{ending}", [good(1)], [b"\n"], has_mark=False)
    path = tmp_path / f"log-2.{ending}{suffix}"
    path.write_bytes(COMPRESSIONS[suffix](content))

    with pytest.raises(SourceError, match=f"orders: {path} is UTF-16; write it as UTF-8"):
        run(source_of(kind, tmp_path / f"log*.{ending}"))


@contextmanager
def suppress_damage_of(path: Path) -> Iterator[None]:
    """Let an error pass that names the file."""
    try:
        yield
    except SourceError as error:
        if str(path) not in str(error):
            raise


def packed_log(kind: str, suffix: str) -> bytes:
    good, ending = LINES[kind]
    lines = [HEADER] if ending == "csv" else []
    content = b"\n".join([*lines, *(good(number) for number in range(1, 300))]) + b"\n"
    if suffix == ".gz":
        return gzip.compress(content, mtime=0)
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", ["order log", "CSV"])
@family(short=4, long=300, data=st.data())
def test_a_compressed_file_is_read_whole_or_named_as_damaged(
    tmp_path_factory: pytest.TempPathFactory, kind: str, suffix: str, data: st.DataObject
) -> None:
    packed = bytearray(packed_log(kind, suffix))
    index = data.draw(st.integers(1, len(packed) - 1))
    if data.draw(st.booleans(), label="cut off"):
        del packed[index:]
    else:
        packed[index] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("damaged") / f"log.{LINES[kind][1]}{suffix}"
    path.write_bytes(packed)

    # Bits of a header that mean nothing, such as the time in it, may differ.
    with suppress_damage_of(path):
        result = run(source_of(kind, path))
        assert (result.event_count, result.rejects) == (299, ())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", LINES)
def test_a_compressed_file_may_have_any_name_and_several_parts(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"log.{LINES[kind][1]}.1"
    good, ending = LINES[kind]
    pack = COMPRESSIONS[suffix]
    header = HEADER + b"\n" if ending == "csv" else b""
    path.write_bytes(pack(header + good(1) + b"\n") + pack(good(2) + b"\n"))

    assert run(source_of(kind, path)).event_count == 2
