"""The same policies in Feast's online store on SQLite, set up as in its quick start; for comparison only."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from router_policy_client import Reading

_SETTINGS = """
project: benchmark
provider: local
registry: registry.db
online_store:
  type: sqlite
  path: online.db
offline_store:
  type: file
entity_key_serialization_version: 3
"""
_FEATURES = ("run_id", "maker_first", "taker_bias", "quality", "maker_offset_bps")


@contextmanager
def online_store(readings: Mapping[str, Reading]) -> Iterator[Callable[[str], object]]:
    """Fill a new store with the readings, and yield a function that reads one symbol."""
    with TemporaryDirectory(prefix="router-policy-feast-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (Path(folder) / "feature_store.yaml").write_text(_SETTINGS)
        store = _filled(Path(folder), readings)
        names = [f"policy:{name}" for name in _FEATURES]

        def read(symbol: str) -> object:
            return store.get_online_features(features=names, entity_rows=[{"symbol": symbol}]).to_dict()

        expected = next(iter(readings.values()))
        features: Any = read(expected.symbol)
        assert features["run_id"] == [expected.run_id], f"Feast does not return what was written: {features}"
        yield read


def _filled(folder: Path, readings: Mapping[str, Reading]) -> Any:
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.types import Bool, Float64, Int64, String

    rows = pd.DataFrame(
        [
            {
                "symbol": symbol,
                "event_timestamp": datetime.now(UTC),
                **{name: getattr(reading, name) for name in _FEATURES},
            }
            for symbol, reading in readings.items()
        ]
    )
    rows.to_parquet(folder / "policy.parquet")
    symbol = Entity(name="symbol", join_keys=["symbol"], value_type=ValueType.STRING)
    types = (Int64, Bool, String, String, Float64)
    view = FeatureView(
        name="policy",
        entities=[symbol],
        ttl=timedelta(days=1),
        schema=[Field(name=name, dtype=dtype) for name, dtype in zip(_FEATURES, types, strict=True)],
        source=FileSource(path=str(folder / "policy.parquet"), timestamp_field="event_timestamp"),
    )
    store = FeatureStore(repo_path=str(folder))
    store.apply([symbol, view])
    store.write_to_online_store("policy", rows)
    return store
