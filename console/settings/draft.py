"""The settings file that `router-policy init --from` writes: what was recognised, as settings with comments."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from console.settings.duration import duration_words
from jobs.analysis.preview import DataEnd
from jobs.analysis.recognition import Recognition
from jobs.plan import CandlesKind, OrdersKind
from jobs.sources.bots.rows import mapping_of

# What new settings choose: on real candles `breaker` costs nothing in quiet weeks, and `seed` does.
RULES = """\
[rules]                                         # which rule set decides; without this section it is "seed"
name = "breaker"
shadow = ["seed"]                               # decides as well, for comparison; no router follows it"""
_WIDTH = 116
_COLUMN_WIDTH = 20
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]+")


def draft(recognition: Recognition, folder: Path, end: DataEnd | None = None, notes: Sequence[str] = ()) -> str:
    """Write the settings of what was recognised, for a file in `folder`.

    `end` has the fees that were seen, `notes` what the data cannot tell.
    """
    lines = [
        f"# router-policy: settings for {recognition.seen}. Paths are relative to this file.",
        "",
        "[store]",
        'url = "sqlite:///router_policy.db"              # or postgresql://USER@HOST/DATABASE',
        "",
        *_orders(recognition, folder),
        *_comments("what the bot's configuration says", recognition.remarks),
        *_comments("where each column comes from", _mapping(recognition.kind)),
        *_comments("what the data cannot tell", [note.removeprefix("orders: ") for note in notes]),
        "",
        *_candles(recognition, folder),
        "",
        *_fees(end),
        "",
        *RULES.splitlines(),
        "",
        "[schedule]",
        'cron = "*/15 * * * *"                           # UTC',
    ]
    return "\n".join(lines) + "\n"


def _orders(recognition: Recognition, folder: Path) -> Iterator[str]:
    yield "[orders]"
    yield f"kind = {_quoted(recognition.kind)}"
    if recognition.url is not None:
        yield f"url = {_quoted(_relative_url(recognition.url, folder))}"
    if recognition.path is not None:
        yield f"path = {_quoted(_relative(recognition.path, folder))}"
    if recognition.kind is OrdersKind.FREQTRADE:
        yield 'entries = "unknown"                             # "known" only if the strategy logs its misses'
        origin = "by order_time_in_force" if recognition.is_post_only is not None else "no configuration was found"
        yield f"post_only = {str(recognition.is_post_only or False).lower():<35} # {origin}"
    if recognition.kind is OrdersKind.BINANCE:
        yield 'zone = "UTC"                                    # the time zone of the account\'s web page'
    if recognition.columns:
        yield from _table("[orders.columns]", recognition.columns)
    yield ""
    yield "# [orders.symbols]                              # how symbols are spelt in policies"
    yield '# style = "compact"                             # BTC/USDT:USDT becomes BTCUSDT'


def _table(head: str, columns: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield head
    for name, theirs in columns.items():
        comment = "  # the data has none" if not theirs else ""
        yield f"{name} = {_quoted(theirs)}{comment}"


def _candles(recognition: Recognition, folder: Path) -> Iterator[str]:
    candles = recognition.candles
    if candles is None:
        yield "# [candles]                                     # without this section every regime is unknown"
        yield '# path = "candles/*.parquet"                    # ts (when the bar opens), symbol, high, low, close'
        yield '# interval = "15m"'
        return
    yield "[candles]"
    if candles.kind is not CandlesKind.TABLE:
        yield f"kind = {_quoted(candles.kind)}"
    yield f"path = {_quoted(_relative(candles.path, folder))}"
    yield f"interval = {_quoted(duration_words(candles.interval))}"


def _fees(end: DataEnd | None) -> Iterator[str]:
    if end is None or end.maker_bps is None or end.taker_bps is None:
        yield "# [fees]                                        # of the venue, in basis points; a rebate is negative"
        yield "# maker_bps = 2"
        yield "# taker_bps = 5"
        return
    yield "[fees]                                          # in basis points, as the orders paid them"
    yield f"maker_bps = {end.maker_bps:g}"
    yield f"taker_bps = {end.taker_bps:g}"


def _comments(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if not sentences:
        return
    yield ""
    yield f"# {title}:"
    for sentence in sentences:
        yield from _wrapped(sentence)


def _wrapped(sentence: str) -> Iterator[str]:
    line = "# -"
    for word in _CONTROL_CHARACTERS.sub(" ", sentence).split(" "):
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = "#  "
        line = f"{line} {word}"
    yield line


def _mapping(kind: OrdersKind) -> Sequence[str]:
    return [f"{name:<{_COLUMN_WIDTH}}{origin}" for name, origin in mapping_of(kind).items()]


def _relative(path: str, folder: Path) -> str:
    """Return a path below the folder of the settings as it is seen from there; another one stays absolute."""
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def _relative_url(url: str, folder: Path) -> str:
    scheme, separator, path = url.partition(":///")
    if not scheme.startswith("sqlite") or not separator:
        return url
    return f"{scheme}:///{_relative(path, folder)}"


def _quoted(text: str) -> str:
    """Write a text as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(str(text), ensure_ascii=False)
