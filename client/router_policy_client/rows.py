"""Reads rows of the view `policy_latest` into stored policies; columns of newer services are ignored."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite

from router_policy_client.cached_policy import StoredPolicy
from router_policy_client.enums import read_quality, read_taker_bias
from router_policy_client.errors import UnreadableRowError
from router_policy_client.policy import Policy

Row = Mapping[str, object]
COLUMNS = frozenset(
    "scope symbol run_id slot published_at maker_first taker_bias quality regime reason maker_offset_bps probe_every "
    "maker_posts probe_share holdout_share holdout_salt override_id override_until_at computed_maker_first "
    "computed_taker_bias".split()
)


def read_rows(rows: Iterable[Row]) -> tuple[dict[str, StoredPolicy], dict[object, str]]:
    """Return the policies by symbol, and an error text by symbol for each row that cannot be read."""
    policies: dict[str, StoredPolicy] = {}
    problems: dict[object, str] = {}
    for row in rows:
        try:
            stored = read_row(row)
        except UnreadableRowError as error:
            problems[row.get("symbol")] = f"the policy of {row.get('symbol')!r} stays as it was: {error}"
        else:
            policies[stored.policy.symbol] = stored
    return policies, problems


def read_row(row: Row) -> StoredPolicy:
    """Read a row. Raises UnreadableRowError for a value that is not valid in its column."""
    override_id = _count(row, "override_id") if row.get("override_id") is not None else None
    holdout_share = _share(row, "holdout_share")
    policy = Policy(
        scope=_text(row, "scope"),
        symbol=_text(row, "symbol"),
        run_id=_count(row, "run_id"),
        slot=_time(row, "slot"),
        published_at=_time(row, "published_at"),
        maker_first=_flag(row, "maker_first"),
        taker_bias=read_taker_bias(_text(row, "taker_bias")),
        quality=read_quality(_text(row, "quality")),
        regime=_text(row, "regime"),
        reason=_text(row, "reason"),
        maker_offset_bps=_number(row, "maker_offset_bps"),
        override_id=override_id,
        probe_every=_positive_count(row, "probe_every"),
        maker_posts=_positive_count(row, "maker_posts") or 1,
        probe_share=_share(row, "probe_share"),
        holdout_share=holdout_share,
        holdout_salt=_text(row, "holdout_salt") if holdout_share is not None else None,
    )
    if override_id is None:
        return StoredPolicy(policy=policy, computed=None, override_until_at=None)
    computed = replace(
        policy,
        maker_first=_flag(row, "computed_maker_first"),
        taker_bias=read_taker_bias(_text(row, "computed_taker_bias")),
        override_id=None,
    )
    return StoredPolicy(policy=policy, computed=computed, override_until_at=_time(row, "override_until_at"))


def _invalid(row: Row, column: str, expected: str) -> UnreadableRowError:
    return UnreadableRowError(f"{column} must be {expected}, is {row.get(column)!r}")


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        raise _invalid(row, column, "a text")
    return value


def _count(row: Row, column: str) -> int:
    value = row.get(column)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(row, column, "a whole number")
    return value


def _number(row: Row, column: str) -> float:
    value = row.get(column)
    try:
        if isinstance(value, int | float) and isfinite(value):
            return float(value)
    except OverflowError:  # an integer too large for a float
        pass
    raise _invalid(row, column, "a number")


def _flag(row: Row, column: str) -> bool:
    value = row.get(column)
    if value is True or value is False:
        return value
    if value not in (0, 1):
        raise _invalid(row, column, "0 or 1")
    return bool(value)


def _time(row: Row, column: str) -> datetime:
    value = row.get(column)
    try:
        if isinstance(value, str):
            return _instant(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for a time outside the years of UTC
        pass
    raise _invalid(row, column, "a time as YYYY-MM-DD HH:MM:SS")


@lru_cache(maxsize=64)  # the rows of one run share their times
def _instant(text: str) -> datetime:
    """Read a time; without a zone, as in SQLite, it is UTC."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _positive_count(row: Row, column: str) -> int | None:
    """Read a column that is null, or missing in an older store, or 1 or more."""
    if row.get(column) is None:
        return None
    count = _count(row, column)
    if count < 1:
        raise _invalid(row, column, "1 or more, or null")
    return count


def _share(row: Row, column: str) -> float | None:
    """Read a column that is null, or missing in an older store, or a share of more than nothing."""
    if row.get(column) is None:
        return None
    share = _number(row, column)
    if not 0 < share <= 1:
        raise _invalid(row, column, "above 0 and up to 1, or null")
    return share
