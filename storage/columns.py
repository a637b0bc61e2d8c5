"""Column types that mean the same on SQLite and Postgres, and sort and compare in plain SQL on both."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Dialect, Double, Integer, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware time in UTC, in and out; a time without a zone is refused with ValueError.

    Postgres keeps `timestamptz`. SQLite keeps text, `YYYY-MM-DD HH:MM:SS` with a fraction only where there is one, so
    text order is time order and SQLite's own date functions read it.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sqlite.TEXT())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time to be stored must have a zone, was {value.isoformat()}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None).isoformat(sep=" ")

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return value.astimezone(UTC) if value is not None else None


class Flag(TypeDecorator[bool]):
    """True or False; an INTEGER of 0 or 1 on SQLite, whose strict tables know no other."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bool] | TypeEngine[int]:
        return sqlite.INTEGER() if dialect.name == "sqlite" else Boolean()

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> bool | int | None:
        return int(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: bool | int | None, dialect: Dialect) -> bool | None:
        return bool(value) if value is not None else None


REAL: TypeEngine[float] = Double().with_variant(sqlite.REAL(), "sqlite")
COUNT: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
