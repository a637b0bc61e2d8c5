"""What the tables have in common: their metadata, and columns and constraints that several of them have."""

from sqlalchemy import CheckConstraint, Column, MetaData

from storage.schema.column_types import COUNT

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def finite(column: str) -> CheckConstraint:
    """Return the constraint that a number is finite."""
    return CheckConstraint(f"{column} between -1e300 and 1e300", name=f"{column}_finite")


def digest_form() -> Column[int]:
    """Return the column of an entry of the chain with the form of its digest."""
    return Column(
        "digest_form", COUNT, comment="in which form the digest was made; null for entries before schema 0005"
    )


def one_of(column: str, *words: str) -> CheckConstraint:
    """Return the constraint that a text is one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")
