"""The last backtest, as `router-policy backtest --json` printed it into a file, with its picture beside it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

_LARGEST_BYTES = 20_000_000
PICTURE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


class Range(BaseModel):
    """A 95 % interval."""

    lower: float
    upper: float


class BacktestDifference(BaseModel):
    """What a policy costs more than another, in basis points an order."""

    mean: float
    interval: Range | None = None


class BacktestedPolicy(BaseModel):
    """One policy over the drawn orders."""

    name: str
    cost: BacktestDifference
    over_maker: BacktestDifference
    over_taker: BacktestDifference
    verdict_over_maker: str
    verdict_over_taker: str
    detected_share: float | None = None


class BacktestRecord(BaseModel):
    """The result of a backtest; other fields of the file are ignored."""

    since: str
    until: str
    order_count: int
    day_count: int
    outage_count: int
    policies: list[BacktestedPolicy]
    words: list[str]


@dataclass(frozen=True, slots=True)
class BacktestFiles:
    """Where the backtest is: a JSON file, and a picture of the same name that ends in .svg or .png."""

    path: Path

    def read(self) -> BacktestRecord | str:
        """Return the backtest, or a sentence with the reason why there is none."""
        try:
            if self.path.stat().st_size > _LARGEST_BYTES:
                return f"{self.path} is too large to be a backtest"
            return BacktestRecord.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return f"{self.path} does not exist yet; write it with router-policy backtest --json > {self.path}"
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"
        except ValidationError:
            return f"{self.path} is not the output of router-policy backtest --json"

    def picture(self) -> Path | None:
        """Return the picture's file, None if there is none."""
        candidates = (self.path.with_suffix(suffix) for suffix in PICTURE_TYPES)
        return next((path for path in candidates if path.is_file()), None)
