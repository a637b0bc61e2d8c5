"""The canonical tables in Spark: how each is read from Parquet, and which of its rows are usable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.engines.rejected_orders import SYMBOL_OR_REASON
from jobs.engines.spark_columns import canonical_columns
from jobs.engines.spark_session import server_message
from jobs.plan import Location
from jobs.sources import candles, canonical
from jobs.sources.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A canonical table: the columns that its source must have, the rows that are usable, and how to name one."""

    source: str
    types: Mapping[str, str]
    required: Sequence[str]
    in_window: str
    judged: str
    is_duplicate: str
    duplicate_reason: str
    sample: str
    description: Mapping[str, object]

    def rows(self, location: Location, types: Mapping[str, str]) -> str:
        """Write the query for all rows in the window, each with the reason for which it is rejected alone, or null.

        `types` are those of the file's columns. Raises SourceError if the columns do not fit.
        """
        columns = canonical_columns(self.source, location, self.types, self.required, types)
        return f"""
            select *, {self.judged} as judgement
            from (select {columns} from {self.source}_file)
            where {self.in_window}"""

    def events(self, *, deduplicate: bool) -> str:
        """Write the query for these rows, each with the reason for which it is rejected beside the others, or null.

        The file's text of a time, `ts_text`, is kept where the time is null.
        """
        is_duplicate = f"judgement is null and {self.is_duplicate}" if deduplicate else "false"
        return f"""
            select
                {", ".join(self.types)},
                case when ts is null then ts_text end as ts_text,
                case when {is_duplicate} then '{self.duplicate_reason}' else judgement end as reason
            from {self.source}_row"""

    @property
    def usable(self) -> str:
        """The query for the usable rows."""
        return f"select {', '.join(self.types)} from {self.source}_event where reason is null"

    @property
    def usable_and_rejected(self) -> str:
        """The query for all rows, rejected ones under their reason in place of their symbol."""
        items = (f"{SYMBOL_OR_REASON} as symbol" if name == "symbol" else name for name in self.types)
        return f"select {', '.join(items)} from {self.source}_event"


ORDERS = Table(
    source="orders",
    types=canonical.SQL_TYPES,
    required=canonical.REQUIRED,
    in_window="ts is null or (ts >= :window_start and ts < :as_of)",
    judged=f"""case
        when ts is null then 'bad_time' when symbol is null then 'bad_symbol' when is_unread then 'bad_value'
        else {canonical.ORDER_REASON}
    end""",
    is_duplicate=f"""order_id is not null and row_number() over (
        partition by {canonical.IDENTITY}, judgement order by {canonical.WRITTEN_LAST_FIRST}
    ) > 1""",
    duplicate_reason="duplicate_id",
    sample="concat_ws(' ', concat('order_id ', order_id), symbol, coalesce(cast(ts as string), ts_text))",
    description={"kind": "canonical", "format": "parquet"},
)
CANDLES = Table(
    source="candles",
    types={"ts": "timestamp", "symbol": "varchar", "high": "double", "low": "double", "close": "double"},
    required=candles.BAR_COLUMNS,
    in_window="ts is null or (ts >= :first_bar_open and ts <= :last_bar_open)",
    judged=candles.BAR_REASON,
    is_duplicate=f"row_number() over (partition by symbol, ts, judgement order by {candles.WIDEST_FIRST}) > 1",
    duplicate_reason="duplicate_bar",
    sample="concat_ws(' ', symbol, coalesce(cast(ts as string), ts_text))",
    description={"format": "parquet"},
)


def open_files(session: "SparkSession", table: Table, location: Location) -> tuple[dict[str, str], int]:
    """Make `..._file` of the Parquet files, columns matched by name; return their types and the number of files.

    Raises SourceError if there is no file, or the server cannot read it.
    """
    from pyspark.errors.exceptions.connect import SparkConnectGrpcException

    assert location.path is not None
    try:
        frame = session.read.option("mergeSchema", "true").parquet(location.path)
        types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
        files = frame.inputFiles()
        frame.createOrReplaceTempView(f"{table.source}_file")
    except SparkConnectGrpcException as error:
        if error.getGrpcStatusCode().name == "UNAVAILABLE":
            raise
        raise SourceError(
            f"{table.source}.path: Spark cannot read {location.path} as Parquet: {server_message(error)}. "
            f"Correct {table.source}.path, which the server must reach under the same name, or the file"
        ) from error
    if not files:
        raise SourceError(f"{table.source}.path: Spark finds no file at {location.path}; correct {table.source}.path")
    return types, len(files)
