"""Column types as the migrations make them, so that a later change of the store's own types changes no old schema."""

from datetime import datetime

from sqlalchemy import INTEGER, REAL, TEXT, TIMESTAMP, BigInteger, Boolean, Double, Integer
from sqlalchemy.types import TypeEngine

COUNT: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
NUMBER: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
FLAG: TypeEngine[bool] = Boolean().with_variant(INTEGER(), "sqlite")
TIME: TypeEngine[datetime] = TIMESTAMP(timezone=True).with_variant(TEXT(), "sqlite")
