"""Column types that mean the same on SQLite and Postgres, and sort and compare in plain SQL on both."""

from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import INTEGER, TEXT, TIMESTAMP, BigInteger, Boolean, Dialect, Double, Integer, Text
from sqlalchemy import REAL as SQL_REAL
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.errors import StoredValueError


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware time in UTC, in and out; a time without a zone is refused with ValueError.

    Postgres keeps `timestamptz`. SQLite keeps text, `YYYY-MM-DD HH:MM:SS` with a fraction only if it is not zero, so
    text order is time order and SQLite's own date functions read it. Any other text is refused with StoredValueError.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(TEXT())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time to be stored must have a zone, was {value.isoformat()}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None).isoformat(sep=" ")

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return _instant(value) if value is not None else None


_FLAGS = {None: None, 0: False, 1: True}


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    """Read a time exactly as UtcTimestamp wrote it: in another form the same time would sort elsewhere.

    The rows of one run share their slot, so the cache answers for most of them.
    """
    try:
        instant = datetime.fromisoformat(text)
    except (ValueError, TypeError):  # a damaged file may hold a number instead
        instant = None
    if instant is None or instant.isoformat(sep=" ") != text:
        raise StoredValueError(text, "a time as YYYY-MM-DD HH:MM:SS")
    return instant.replace(tzinfo=UTC)


class Flag(TypeDecorator[bool]):
    """True or False; an INTEGER of 0 or 1 on SQLite, any other number is refused with StoredValueError."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bool] | TypeEngine[int]:
        return INTEGER() if dialect.name == "sqlite" else Boolean()

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> bool | int | None:
        return int(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: bool | int | None, dialect: Dialect) -> bool | None:
        try:
            return _FLAGS[value]
        except KeyError:
            raise StoredValueError(value, "0 or 1") from None


REAL: TypeEngine[float] = Double().with_variant(SQL_REAL(), "sqlite")
COUNT: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
